// The multicast groups that a host listens to, and when it reports them: what IGMP and MLD have in
// common, as a bounded table.
#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "fata/base/address.hpp"
#include "fata/base/time.hpp"
#include "fata/net/random_source.hpp"

namespace fata::net {

class Groups {
 public:
  static constexpr std::size_t kMost = 64;
  // A membership is reported so many times unasked: the first report may be lost.
  static constexpr std::uint8_t kRobustness = 2;

  struct Group {
    IpAddress group;
    std::uint8_t interface = 0;
    std::uint16_t users = 0;
    std::uint8_t reports_left = 0;
    Instant report_at = Instant::never();
  };

  // One more who listens. Null if the table is full; `users` is 1 for a new one.
  Group* join(const IpAddress& group, std::uint8_t interface);
  // One less. True if that was the last one: the group is left.
  bool leave(const IpAddress& group, std::uint8_t interface);
  bool listens(const IpAddress& group, std::uint8_t interface) const {
    return std::ranges::any_of(all(), [&](const Group& each) {
      return each.interface == interface && each.group == group;
    });
  }
  std::span<const Group> all() const { return std::span(groups_).first(used_); }

  // A router asks: who listens to `group` ("any": to whatever) reports within `most`.
  void asked(const IpAddress& group, std::uint8_t interface, Duration most, Instant now,
             RandomSource& random);
  // Somebody else reported the group: once is enough for the router.
  void reported_by_other(const IpAddress& group, std::uint8_t interface);
  // Plans the unasked reports of a new group.
  void plan(Group& group, Duration interval, Instant now, RandomSource& random);

  Instant next_deadline() const;
  // `report(const Group&)` for each that is due.
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
  std::array<Group, kMost> groups_{};
  std::size_t used_ = 0;
};

}  // namespace fata::net
