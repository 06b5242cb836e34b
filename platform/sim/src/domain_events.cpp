#include "fata/sim/domain_events.hpp"

#include "fata/sim/domains.hpp"

namespace fata::sim {

EventChannels::Channel::~Channel() {
  part();
  owner_->channels_.erase(port_);
}

void EventChannels::Channel::part() {
  if (Channel* const other = std::exchange(other_, nullptr)) other->other_ = nullptr;
}

void EventChannels::Channel::set() {
  set_ = true;
  waiting_.notify_all();
}

async::Task<Result<void>> EventChannels::Channel::wait(async::Wait wait) {
  for (;;) {
    if (dead_) co_return fail(Error(sig::DomainErrc::kGone));
    if (std::exchange(set_, false)) co_return Result<void>{};
    if (const auto woken = co_await waiting_.wait(wait); !woken)
      co_return fail(Error(woken.error()));
  }
}

std::unique_ptr<EventChannels::Channel> EventChannels::make(sig::DomainId remote) {
  auto channel = std::make_unique<Channel>(*this, next_, remote);
  channels_[next_++] = channel.get();
  return channel;
}

Result<std::unique_ptr<EventChannels::Channel>> EventChannels::open(sig::DomainId remote) {
  if (dead_) return fail(Error(sig::DomainErrc::kGone));
  if (channels_.size() == kMaxChannels) return fail(Error(sig::DomainErrc::kExhausted));
  return make(remote);
}

Result<std::unique_ptr<EventChannels::Channel>> EventChannels::connect(sig::DomainId remote,
                                                                       sig::EventPort port) {
  if (dead_) return fail(Error(sig::DomainErrc::kGone));
  Domain* const there = host_->alive(remote);
  if (there == nullptr) return fail(Error(sig::DomainErrc::kBadReference));
  const auto found = there->events().channels_.find(port);
  if (found == there->events().channels_.end()) return fail(Error(sig::DomainErrc::kBadReference));
  Channel& other = *found->second;
  if (other.remote_ != self_ || other.used_) return fail(Error(sig::DomainErrc::kBadReference));
  if (channels_.size() == kMaxChannels) return fail(Error(sig::DomainErrc::kExhausted));
  auto channel = make(remote);
  channel->other_ = &other;
  other.other_ = channel.get();
  other.used_ = channel->used_ = true;
  channel->set();
  return channel;
}

void EventChannels::die() {
  dead_ = true;
  for (const auto& [port, channel] : channels_) {
    channel->part();
    channel->dead_ = true;
    channel->waiting_.notify_all();
  }
}

}  // namespace fata::sim
