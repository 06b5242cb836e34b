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
  client_.use(given_.all().empty() ? of_network : given_.all(), now);
}

void Driver::renew(const SipKey& secret) { client_.renew(secret, loop_->now()); }

void Driver::note_unbound(const Error& error) const {
  log_.error("no UDP socket: ", error, "; the wall clock is the host's");
}

void Driver::note_event(Event what, const IpAddress& server, Duration error) const {
  switch (what) {
    case Event::kSynchronized:
      return log_.info("the wall clock follows NTP, error at most ", error);
    case Event::kDisagreement:
      return log_.warning(
          "the NTP servers contradict each other or the host; the host's clock is used");
    case Event::kDenied:
      return log_.warning(server, " denies service");
  }
}

}  // namespace fata::sntp
