// Sends echo requests to a host, one after the other, and prints the outcome of each.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/sig/console.hpp>
#include <fata/sig/ping.hpp>
#include <fata/sig/resolver.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ping_example {

struct Milliseconds {
  fata::Duration time;
};
// Writes, for example, "0.420 ms".
inline void write_text(fata::TextWriter& out, Milliseconds each) {
  const auto us = static_cast<std::uint64_t>(each.time.ns / 1000);
  out.put_unsigned(us / 1000);
  out.put('.');
  out.put_unsigned(us % 1000, 3);
  out.put(" ms");
}

template <fata::sig::Ping Ping, fata::sig::Resolver Resolver, fata::sig::Console Console>
class Pings {
 public:
  Pings(fata::async::Context& context, Ping& ping, Resolver& resolver, Console& console,
        std::string_view to, std::uint32_t count, fata::Duration interval, fata::Duration timeout,
        std::uint16_t size)
      : stop_(context.stop),
        log_(context.logger("ping6")),
        ping_(ping),
        resolver_(resolver),
        console_(console),
        text_(to),
        count_(count),
        interval_(interval),
        timeout_(timeout),
        size_(size) {}

  // Returns 0 if a reply arrived, 1 if none did or the name has no address, 64 if the stack has no
  // ping.
  fata::async::Task<int> start() {
    using fata::async::Errc;
    const auto found =
        co_await resolver_.resolve(text_, fata::async::Wait::at_most(kLookup, stop_));
    if (!found) {
      log_.error(text_, ": ", found.error());
      co_return 1;
    }
    const fata::IpAddress to = found->front();
    say("PING ", to, " ", size_, " bytes of data\n");
    std::uint32_t sent = 0;
    for (; count_ == 0 || sent < count_; ++sent) {
      const fata::Instant next = fata::async::current_loop().now() + interval_;
      const auto wait = fata::async::Wait::at_most(timeout_, stop_);
      const fata::Result<fata::sig::EchoReply> reply = co_await ask(to, wait);
      if (reply) {
        say(size_ + 8, " bytes from ", reply->source, ": seq=", sent + 1,
            " hops=", reply->hop_limit, " time=", Milliseconds{reply->time}, "\n");
        count_in(reply->time);
      } else if (reply.error().is(fata::sig::EchoErrc::kUnsupported)) {
        log_.error(reply.error(), "; build with --net direct, or as a kernel");
        co_return 64;
      } else if (reply.error().is(Errc::kCancelled)) {
        break;
      } else if (reply.error().is(Errc::kTimedOut)) {
        say("seq=", sent + 1, " no answer in ", timeout_, "\n");
      } else {
        say("seq=", sent + 1, " ", reply.error(), "\n");
      }
      if (sent + 1 != count_ && !co_await fata::async::sleep_until(next, stop_)) {
        ++sent;
        break;
      }
    }
    say(sent, " sent, ", received_, " received, ", sent == 0 ? 0 : (sent - received_) * 100 / sent,
        "% lost\n");
    if (received_ != 0) {
      say("time min/avg/max = ", Milliseconds{min_}, " / ",
          Milliseconds{fata::nanoseconds(total_.ns / received_)}, " / ", Milliseconds{max_}, "\n");
    }
    co_return received_ == 0 ? 1 : 0;
  }

 private:
  // There may be no route yet: at startup an IPv6 address is not used before duplicate address
  // detection has finished.
  fata::async::Task<fata::Result<fata::sig::EchoReply>> ask(fata::IpAddress to,
                                                            fata::async::Wait wait) {
    for (;;) {
      auto reply = co_await ping_.echo(to, size_, wait);
      const bool later =
          !reply && reply.error().is(fata::sig::EchoErrc::kNoRoute) && received_ == 0;
      if (!later || fata::async::current_loop().now() + kPause > wait.deadline) co_return reply;
      if (const auto slept = co_await fata::async::sleep(kPause, stop_); !slept)
        co_return fata::fail(fata::Error(slept.error()));
    }
  }
  static constexpr fata::Duration kPause = fata::milliseconds(100);
  static constexpr fata::Duration kLookup = fata::seconds(15);

  void say(const auto&... words) {
    console_.write(fata::Text<200>(std::in_place, words...).view());
  }
  void count_in(fata::Duration time) {
    min_ = received_ == 0 ? time : std::min(min_, time);
    max_ = std::max(max_, time);
    total_ = total_ + time;
    ++received_;
  }

  fata::async::CancelToken stop_;
  fata::Logger log_;
  Ping& ping_;
  Resolver& resolver_;
  Console& console_;
  std::string_view text_;
  std::uint32_t count_;
  fata::Duration interval_;
  fata::Duration timeout_;
  std::uint16_t size_;
  std::uint32_t received_ = 0;
  fata::Duration min_{}, max_{}, total_{};
};

}  // namespace ping_example
