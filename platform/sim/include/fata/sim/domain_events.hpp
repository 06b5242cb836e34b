// Event channels between the domains of a sim::Domains. Models sig::EventChannels.
#pragma once

#include <map>
#include <memory>

#include "fata/async/task.hpp"
#include "fata/sig/event_channels.hpp"

namespace fata::sim {

class Domains;

class EventChannels {
 public:
  static constexpr std::size_t kMaxChannels = 128;

  class Channel {
   public:
    Channel(EventChannels& owner, sig::EventPort port, sig::DomainId remote)
        : owner_(&owner), port_(port), remote_(remote) {}
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    sig::EventPort port() const { return port_; }
    void notify() {
      if (other_ != nullptr) other_->set();
    }
    async::Task<Result<void>> wait(async::Wait wait = {});
    bool connected() const { return other_ != nullptr; }

   private:
    friend class EventChannels;
    void set();
    void part();

    EventChannels* owner_;
    sig::EventPort port_;
    sig::DomainId remote_;
    Channel* other_ = nullptr;
    bool used_ = false;  // was connected: must not be connected again
    bool set_ = false;
    bool dead_ = false;
    async::WaitQueue waiting_;
  };

  EventChannels(Domains& host, sig::DomainId self) : host_(&host), self_(self) {}
  EventChannels(const EventChannels&) = delete;
  EventChannels& operator=(const EventChannels&) = delete;

  Result<std::unique_ptr<Channel>> open(sig::DomainId remote);
  Result<std::unique_ptr<Channel>> connect(sig::DomainId remote, sig::EventPort port);
  std::size_t open_channels() const { return channels_.size(); }

 private:
  friend class Domain;
  std::unique_ptr<Channel> make(sig::DomainId remote);
  void die();

  Domains* host_;
  sig::DomainId self_;
  bool dead_ = false;
  sig::EventPort next_ = 1;
  std::map<sig::EventPort, Channel*> channels_;
};
static_assert(sig::EventChannels<EventChannels>);

}  // namespace fata::sim
