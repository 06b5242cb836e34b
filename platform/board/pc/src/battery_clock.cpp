#include <initializer_list>

#include "fata/arch/cpu.hpp"
#include "fata/board/clock.hpp"

namespace fata::board {
namespace {
struct Date {
  unsigned second, minute, hour, day, month, year;
  friend bool operator==(const Date&, const Date&) = default;
};

unsigned battery_register(std::uint8_t index) {
  arch::out8(0x70, index | 0x80);
  return arch::in8(0x71);
}

Date read_date() {
  return {battery_register(0), battery_register(2), battery_register(4),
          battery_register(7), battery_register(8), battery_register(9)};
}

unsigned binary(unsigned bcd) { return (bcd >> 4) * 10 + (bcd & 15); }

// Days since 1970-01-01 of a Gregorian date. Years start in March, so that the leap day comes last.
std::int64_t days(std::int64_t year, unsigned month, unsigned day) {
  if (month <= 2) --year;
  const std::int64_t month_from_march = (month + 9) % 12;
  return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month_from_march + 2) / 5 + day -
         1 - 719468;
}
}  // namespace

kernel::HostTime read_battery_clock() {
  constexpr std::int64_t kSecond = 1'000'000'000;
  // A date read while the clock advances may be torn; two equal readings are not.
  [[clang::uninitialized]] Date date = read_date();
  for (unsigned tries = 0; tries < 4; ++tries) {
    [[clang::uninitialized]] const Date again = read_date();
    if (again == date) break;
    date = again;
  }
  const unsigned mode = battery_register(0x0b);
  if (mode == 0xff && date.month == 0xff) return {0, std::int64_t{1} << 62};
  const bool afternoon = (mode & 2) == 0 && (date.hour & 0x80) != 0;
  date.hour &= 0x7f;
  if ((mode & 4) == 0) {
    for (unsigned* part :
         {&date.second, &date.minute, &date.hour, &date.day, &date.month, &date.year})
      *part = binary(*part);
  }
  if ((mode & 2) == 0) date.hour = date.hour % 12 + (afternoon ? 12 : 0);
  const std::int64_t day = days(2000 + static_cast<std::int64_t>(date.year), date.month, date.day);
  return {((day * 24 + date.hour) * 3600 + date.minute * 60 + date.second) * kSecond, kSecond};
}

}  // namespace fata::board
