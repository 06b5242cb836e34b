// Multicast group memberships of a host and their report schedule: the part common to IGMP and MLD,
// as a bounded table.
#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "fata/base/address.hpp"
#include "fata/base/random_source.hpp"
#include "fata/base/time.hpp"

namespace fata::ip {

class Groups {
 public:
  static constexpr std::size_t kMax = 64;
  // Unsolicited reports per membership; the first may be lost.
  static constexpr std::uint8_t kRobustness = 2;

  struct Group {
    IpAddress group;
    std::uint8_t interface = 0;
    std::uint16_t users = 0;
    std::uint8_t reports_left = 0;
    Instant report_at = Instant::never();
  };

  // Adds a listener. Null if the table is full; `users` is 1 for a new group.
  Group* join(const IpAddress& group, std::uint8_t interface);
  // Removes a listener. True if it was the last: the host leaves the group.
  bool leave(const IpAddress& group, std::uint8_t interface);
  bool listens(const IpAddress& group, std::uint8_t interface) const {
    return std::ranges::any_of(all(), [&](const Group& each) {
      return each.interface == interface && each.group == group;
    });
  }
  std::span<const Group> all() const { return std::span(groups_).first(used_); }

  // Handles a router's query: each member of `group` ("any": every group) reports within `most`.
  void asked(const IpAddress& group, std::uint8_t interface, Duration most, Instant now,
             RandomSource& random);
  // Another host reported the group, so this host's report is cancelled.
  void reported_by_other(const IpAddress& group, std::uint8_t interface);
  // Schedules the unsolicited reports of a new group.
  void plan(Group& group, Duration interval, Instant now, RandomSource& random);

  Instant next_deadline() const;
  // Calls `report(const Group&)` for each group that is due.
  template <class F>
  void tick(Instant now, Duration interval, RandomSource& random, F report) {
    for (Group& group : std::span(groups_).first(used_)) {
      if (now < group.report_at) continue;
      group.report_at = Instant::never();
      if (group.reports_left != 0 && --group.reports_left != 0)
        group.report_at = now + random.up_to(interval);
      report(group);
    }
  }

 private:
  std::array<Group, kMax> groups_{};
  std::size_t used_ = 0;
};

}  // namespace fata::ip
