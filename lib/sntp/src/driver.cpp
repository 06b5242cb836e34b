#include <algorithm>

#include "fata/sntp/network_clock.hpp"

namespace fata::sntp {

Driver::Driver(async::Context& context, const SipKey& secret, const Servers& given)
    : stop_(context.stop),
      client_(secret, *this),
      loop_(&context.loop),
      log_(context.logger("sntp")),
      given_(given) {
  context.loop.on_restore(*this);
}

void Driver::use(std::span<const IpAddress> of_network, Instant now) {
  if (!given_.all().empty()) return client_.use(given_.all(), now);
  Servers servers;
  for (const IpAddress& each : of_network) (void)servers.push({each, kPort});
  client_.use(servers.all(), now);
}

void Driver::send(std::span<const std::byte, kMessageSize> request, const Endpoint& to) {
  if (queued_ == requests_.size()) return;
  requests_[queued_].to = to;
  std::ranges::copy(request, requests_[queued_].bytes.begin());
  ++queued_;
}

void Driver::renew(const SipKey& secret) { client_.renew(secret, loop_->now()); }

void Driver::note_unbound(const Error& error) const {
  log_.error("no UDP socket: ", error, "; the wall clock is the host's");
}

void Driver::note_event(Event what, const Endpoint& server, Duration error) const {
  switch (what) {
    case Event::kSynchronized:
      return log_.info("the wall clock follows NTP, error at most ", error);
    case Event::kDisagreement:
      return log_.warning(
          "the NTP servers contradict each other or the host; the host's clock is used");
    case Event::kDenied:
      return log_.warning(server.address, " denies service");
  }
}

}  // namespace fata::sntp
