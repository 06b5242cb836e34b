// Tells the time: the monotonic clock's, for measuring, and the wall clock's, for people, in ISO 8601.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/sig/clock.hpp>
#include <fata/sig/console.hpp>

#include <chrono>
#include <cstdint>

namespace clock_example {

struct Iso8601 {
  fata::WallTime time;
};
// 2025-03-01T12:00:00.250Z
inline void write_text(fata::TextWriter& out, Iso8601 at) {
  constexpr std::int64_t kDay = 86'400'000;
  // Rounded down, so that times before 1970 come out right, too.
  const std::int64_t ms = at.time.ns / 1'000'000 - (at.time.ns % 1'000'000 < 0 ? 1 : 0);
  const std::int64_t days = ms / kDay - (ms % kDay < 0 ? 1 : 0);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  const auto rest = static_cast<std::uint64_t>(ms - days * kDay);
  const auto two = [&](char before, std::uint64_t number) {
    out.put(before);
    out.put_unsigned(number, 2);
  };
  out.put_unsigned(static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
  two('-', static_cast<unsigned>(date.month()));
  two('-', static_cast<unsigned>(date.day()));
  two('T', rest / 3'600'000);
  two(':', rest / 60'000 % 60);
  two(':', rest / 1000 % 60);
  out.put('.');
  out.put_unsigned(rest % 1000, 3);
  out.put('Z');
}

template <fata::sig::Clock Clock, fata::sig::Console Console>
class Ticks {
 public:
  Ticks(fata::async::Context& context, Clock& clock, Console& console, std::uint16_t times,
        fata::Duration pause)
      : stop_(context.stop), clock_(clock), console_(console), times_(times), pause_(pause) {}

  fata::async::Task<int> start() {
    const fata::Instant started = clock_.now();
    for (unsigned i = 0; i < times_; ++i) {
      if (i != 0 && !co_await fata::async::sleep(pause_, stop_)) break;
      // The wall clock may step between two looks; the monotonic one never goes back.
      console_.write(fata::Text<100>(std::in_place, "after ", clock_.now() - started, " it is ",
                                     Iso8601{clock_.wall()}, "\n")
                         .view());
    }
    co_return 0;
  }

 private:
  fata::async::CancelToken stop_;
  Clock& clock_;
  Console& console_;
  unsigned times_;
  fata::Duration pause_;
};

}  // namespace clock_example
