// The clients of a server with bounded connections, and the choice of the connection to evict.
#pragma once

#include <cstddef>
#include <vector>

#include "fata/base/address.hpp"
#include "fata/base/list.hpp"

namespace fata::flow {

// When one connection too many is accepted, the crowd ends one. It selects the network (/24, /56)
// with the most connections, in this network the address with the most, and of this address the
// connection that has been idle longest. On a tie, it ends the longest idle of all tied
// connections. A client with many connections thus loses one of its own.
class Crowd {
 public:
  // A connection. Its destructor removes it from the crowd, which must outlive it.
  class Member : public ListNode<Member> {
   public:
    Member(Crowd& crowd, const IpAddress& client);
    virtual ~Member() { leave(); }

   protected:
    // Called after the member was chosen and removed: end its connection, now or soon.
    virtual void end() noexcept = 0;

   private:
    friend class Crowd;
    void leave();

    Crowd* crowd_;
    std::size_t address_;
  };

  // At most `capacity` connections are members at a time; exceeding it is a bug.
  explicit Crowd(std::size_t capacity);

  // Marks the member as active now.
  void touch(Member& member);
  // Ends one connection as described above; false if there is none.
  bool end_one();
  std::size_t size() const { return size_; }
  // Connections from the address of the member.
  std::size_t of_client(const Member& member) const {
    return addresses_.all()[member.address_].connections;
  }
  // Ends the longest idle connection from the address of the member; false if there is none.
  bool end_one_of(const Member& member);

 private:
  // The connections of an address or of a network. A group without connections is free.
  struct Group {
    IpAddress address;
    std::size_t connections = 0;
    std::size_t network = 0;  // for an address: its network's index
  };
  class Groups {
   public:
    explicit Groups(std::size_t capacity) : groups_(capacity) {}
    // Adds a connection to the group of the address's first `bits` bits; returns the group's index.
    std::size_t join(const IpAddress& address, unsigned bits);
    void leave(std::size_t index) { used_ -= --groups_[index].connections == 0; }
    Group& operator[](std::size_t index) { return groups_[index]; }
    const std::vector<Group>& all() const { return groups_; }

   private:
    std::vector<Group> groups_;
    std::size_t used_ = 0;  // groups with connections; free ones are taken from the front
  };

  Groups addresses_, networks_;
  List<Member> members_;  // longest idle first
  std::size_t size_ = 0;
};

}  // namespace fata::flow
