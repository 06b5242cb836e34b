#include "fata/sntp/network_clock.hpp"

namespace fata::sntp {

namespace {
constexpr std::string_view kErrorText = ", error at most ";
}

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

void Driver::note_unbound(Duration error) const { warn("no UDP socket for NTP", error); }

void Driver::note_event(Event what, Duration error) const {
  switch (what) {
    case Event::kSynchronized:
      return log_.info(std::string_view("the wall clock follows NTP"), kErrorText, error);
    case Event::kDisagreement:
      return warn("the NTP servers contradict each other or the host, whose clock is used", error);
    case Event::kDenied:
      return warn("an NTP server denies service", error);
  }
}

void Driver::warn(std::string_view what, Duration error) const {
  log_.warning(what, kErrorText, error);
}

}  // namespace fata::sntp
