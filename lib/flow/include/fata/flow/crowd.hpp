// The clients of a server with a bounded number of connections, and which of them gives way.
#pragma once

#include <cstddef>
#include <vector>

#include "fata/async/list.hpp"
#include "fata/base/address.hpp"

namespace fata::flow {

// Chooses the connection that is ended where one too many was accepted: of the network (/24, /56)
// with the most connections the address with the most, of that address the connection that has been
// idle for the longest time (where several tie, of all of them). A client with many connections so
// ends its own.
class Crowd {
 public:
  // A connection. It leaves the crowd, which outlives it, when it dies.
  class Member : public async::ListNode<Member> {
   public:
    Member(Crowd& crowd, const IpAddress& client);
    virtual ~Member() { leave(); }

   protected:
    // It has been chosen, and has left: its connection shall end, now or soon.
    virtual void end() noexcept = 0;

   private:
    friend class Crowd;
    void leave();

    Crowd* crowd_;
    std::size_t address_;
  };

  // At most `capacity` connections are members at a time; one more is a bug.
  explicit Crowd(std::size_t capacity);

  // The member has been active just now.
  void touch(Member& member);
  // False if there is none.
  bool end_one();
  std::size_t size() const { return size_; }

 private:
  // The connections of an address, or of a network; one without any is free.
  struct Group {
    IpAddress address;
    std::size_t connections = 0;
    std::size_t network = 0;  // of an address: its index
  };
  class Groups {
   public:
    explicit Groups(std::size_t capacity) : groups_(capacity) {}
    // The index of the group that the address belongs to, by its first `bits`; with one connection
    // more.
    std::size_t join(const IpAddress& address, unsigned bits);
    void leave(std::size_t index) { used_ -= --groups_[index].connections == 0; }
    Group& operator[](std::size_t index) { return groups_[index]; }
    const std::vector<Group>& all() const { return groups_; }

   private:
    std::vector<Group> groups_;
    std::size_t used_ = 0;  // that have connections; the free ones are taken from the front
  };

  Groups addresses_, networks_;
  async::List<Member> members_;  // the longest idle first
  std::size_t size_ = 0;
};

}  // namespace fata::flow
