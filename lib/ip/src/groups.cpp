#include "fata/ip/groups.hpp"

namespace fata::ip {

Groups::Group* Groups::join(const IpAddress& group, std::uint8_t interface) {
  for (Group& each : std::span(groups_).first(used_)) {
    if (each.group == group && each.interface == interface) return ++each.users, &each;
  }
  if (used_ == kMax) return nullptr;
  Group& made = groups_[used_++];
  made = {group, interface, 1};
  return &made;
}

bool Groups::leave(const IpAddress& group, std::uint8_t interface) {
  for (Group& each : std::span(groups_).first(used_)) {
    if (each.group != group || each.interface != interface) continue;
    if (--each.users != 0) return false;
    each = groups_[--used_];
    return true;
  }
  return false;
}

void Groups::asked(const IpAddress& group, std::uint8_t interface, Duration most, Instant now,
                   RandomSource& random) {
  for (Group& each : std::span(groups_).first(used_)) {
    if (each.interface != interface || (!group.is_any() && each.group != group)) continue;
    // A report already scheduled before the response time stays (RFC 2236 section 3, RFC 3810
    // section 6.2).
    each.report_at = std::min(each.report_at, now + random.up_to(most));
  }
}

void Groups::reported_by_other(const IpAddress& group, std::uint8_t interface) {
  for (Group& each : std::span(groups_).first(used_)) {
    if (each.group == group && each.interface == interface) each.report_at = Instant::never();
  }
}

void Groups::plan(Group& group, Duration interval, Instant now, RandomSource& random) {
  group.reports_left = kRobustness - 1;
  group.report_at = now + random.up_to(interval);
}

Instant Groups::next_deadline() const {
  Instant next = Instant::never();
  for (const Group& group : all()) next = std::min(next, group.report_at);
  return next;
}

}  // namespace fata::ip
