#include "compose.hpp"

#include <algorithm>

namespace fata::dns {

namespace {
constexpr std::uint16_t number(Type type) { return static_cast<std::uint16_t>(type); }
bool is_dnssec(Type type) {
  return type == Type::kRrsig || type == Type::kNsec || type == Type::kNsec3;
}
}  // namespace

Rcode Composer::run(const Name& name, const LowerName& lower_name, Type type) {
  name_ = name;
  lower_ = lower_name;
  type_ = type;
  zone_ = first_zone();
  if (zone_ == kNoZone) return Rcode::kRefused;
  if (index_.zone(zone_).broken) return Rcode::kServFail;
  while (step() == Step::kFollow) {
  }
  if (!truncated_) add_additional();
  return rcode_;
}

void Composer::negative(std::size_t zone, const Name& name) {
  zone_ = zone;
  name_ = name;
  add_soa();
}

// The longest zone owns the name, except that DS at its apex belongs to the zone above (RFC 4035
// section 3.1.4.1).
std::size_t Composer::first_zone() const {
  const std::size_t zone = index_.zone_of(lower_);
  if (type_ != Type::kDs || zone == kNoZone ||
      lower_.wire().size() != index_.zone(zone).apex_size || lower_.wire().size() == 1) {
    return zone;
  }
  const std::size_t above = index_.zone_of(lower_, static_cast<std::size_t>(lower_.wire()[0]) + 1);
  return above == kNoZone ? zone : above;
}

Composer::Step Composer::step() {
  [[clang::uninitialized]] const NodeView node = index_.find_in(zone_, lower_);
  if (!node || node.has(node_flag::kOccluded)) return missing();
  if (node.has(node_flag::kCut) && type_ != Type::kDs) return referral(node);
  return from_node(node);
}

Composer::Step Composer::from_node(const NodeView& node) {
  authoritative_ = true;
  SetView set;
  if (type_ == Type::kAny) return any(node);
  if (type_ == Type::kRrsig) {
    bool found = false;
    Bytes rest = node.first_set();
    for (std::size_t i = 0; i < node.sets(); ++i) {
      set = NodeView::take_set(rest);
      if (set.type() != type_) continue;
      found = true;
      if (dnssec_ok_ && set.head.covered == number(Type::kDname) && gave_dname(node)) continue;
      if (!add_records(set, name_, Section::kAnswer)) return truncate();
    }
    return found ? Step::kDone : no_data(node);
  }
  if (node.find(type_, set)) {
    if (type_ == Type::kDname && gave_dname(node)) return Step::kDone;
    if (!add(node, set, name_, Section::kAnswer)) return truncate();
    asked_ = set;
    asked_at_ = node;
    return Step::kDone;
  }
  if (node.has(node_flag::kCname) && node.find(Type::kCname, set)) {
    if (!add(node, set, name_, Section::kAnswer)) return truncate();
    Bytes records = set.records;
    [[clang::uninitialized]] const auto target = Name::from_wire(take_record(records).rdata);
    return target ? follow(*target) : Step::kDone;
  }
  return no_data(node);
}

// One set suffices for ANY (RFC 8482 section 4.1): the first that does not belong to DNSSEC.
Composer::Step Composer::any(const NodeView& node) {
  Bytes rest = node.first_set();
  for (std::size_t i = 0; i < node.sets(); ++i) {
    const SetView set = NodeView::take_set(rest);
    if (is_dnssec(set.type()) && i + 1 < node.sets()) continue;
    if (!add(node, set, name_, Section::kAnswer)) return truncate();
    return Step::kDone;
  }
  return no_data(node);
}

Composer::Step Composer::no_data(const NodeView& node) {
  add_soa();
  SetView set;
  if (dnssec_ok_ && !truncated_ && node.find(Type::kNsec, set))
    add(node, set, node.name(), Section::kAuthority);
  return Step::kDone;
}

// The name is not in the zone: walk down from the apex to the closest encloser, unless a delegation
// or DNAME comes first.
Composer::Step Composer::missing() {
  [[clang::uninitialized]] const Index::Encloser encloser = index_.closest_encloser(zone_, lower_);
  if (encloser.node.has(node_flag::kCut)) return referral(encloser.node);
  SetView dname;
  if (encloser.node.has(node_flag::kDname) && encloser.node.find(Type::kDname, dname)) {
    return redirect(encloser.node, dname);
  }
  authoritative_ = true;
  if (encloser.node.has(node_flag::kWildcardChild)) {
    constexpr auto kStar = std::to_array({std::byte{1}, std::byte{'*'}});
    // Never too long: "*" is no longer than the label missing below the encloser.
    [[clang::uninitialized]] const auto wildcard =
        Name::join(kStar, lower_.wire().subspan(encloser.name_at));
    if (wildcard) {
      if ([[clang::uninitialized]] const NodeView node =
              index_.find_in(zone_, LowerName(*wildcard)))
        return from_node(node);
    }
  }
  rcode_ = Rcode::kNxDomain;
  add_soa();
  return Step::kDone;
}

Composer::Step Composer::referral(const NodeView& cut) {
  SetView set;
  if (!cut.find(Type::kNs, set)) return Step::kDone;
  // The cut's name is a suffix of the current one.
  const Bytes current = name_.wire();
  const Bytes owner = current.subspan(current.size() - cut.name().size());
  if (!add_records(set, owner, Section::kAuthority)) return truncate();
  asked_ = set;
  asked_at_ = cut;
  cut_ = cut.name();
  if (!dnssec_ok_) return Step::kDone;
  if (!cut.find(Type::kDs, set) && !cut.find(Type::kNsec, set)) return Step::kDone;
  return add(cut, set, owner, Section::kAuthority) ? Step::kDone : truncate();
}

// A chain may pass through one DNAME many times, or end at it; the answer holds it once.
bool Composer::gave_dname(const NodeView& owner) const {
  const auto given = std::span(dnames_).first(dname_count_);
  return std::ranges::find(given, owner.name().data()) != given.end();
}

Composer::Step Composer::redirect(const NodeView& owner, const SetView& dname) {
  authoritative_ = true;
  const Bytes current = name_.wire();
  const std::size_t kept = current.size() - owner.name().size();
  if (!gave_dname(owner)) {
    if (!add(owner, dname, current.subspan(kept), Section::kAnswer)) return truncate();
    dnames_[dname_count_++] = owner.name().data();
  }
  Bytes records = dname.records;
  const StoredRecord record = take_record(records);
  [[clang::uninitialized]] const auto target = Name::join(current.first(kept), record.rdata);
  if (!target) {
    rcode_ = Rcode::kYxDomain;
    return Step::kDone;
  }
  const std::size_t start = out_.position();
  const std::size_t mark = out_.begin_record(current, Type::kCname, Class::kIn, record.ttl);
  out_.name(*target);
  out_.end_rdata(mark);
  if (!out_.ok()) {
    out_.rewind(start);
    return truncate();
  }
  ++counts_[static_cast<std::size_t>(Section::kAnswer)];
  if (type_ == Type::kCname || type_ == Type::kAny) return Step::kDone;
  // A DNAME to a name below its owner never ends: each step would only lengthen the name.
  if (is_under(record.rdata, owner.name())) return Step::kDone;
  return follow(*target);
}

// Follows a CNAME's target if it is in the same zone and was not visited.
Composer::Step Composer::follow(const Name& target) {
  if (visited_count_ == kMaxChain) return Step::kDone;
  visited_[visited_count_++] = lower_.hash();
  name_ = target;
  lower_.assign(target.wire());
  const std::uint64_t hash = lower_.hash();
  if (std::ranges::find(std::span(visited_).first(visited_count_), hash) !=
      std::span(visited_).first(visited_count_).end()) {
    return Step::kDone;
  }
  return index_.zone_of(lower_) == zone_ ? Step::kFollow : Step::kDone;
}

// The zone's SOA record, with the TTL for negative answers (RFC 2308 section 3).
void Composer::add_soa() {
  const NodeView apex = index_.node(index_.zone(zone_).apex);
  SetView soa;
  if (!apex.find(Type::kSoa, soa)) return;
  Bytes records = soa.records;
  const StoredRecord record = take_record(records);
  const std::uint32_t minimum = load_be<std::uint32_t>(record.rdata.last(4));
  const Bytes current = name_.wire();
  const Bytes owner = current.subspan(current.size() - apex.name().size());
  const std::size_t start = out_.position();
  const std::size_t mark =
      out_.begin_record(owner, Type::kSoa, Class::kIn, std::min(record.ttl, minimum));
  out_.rdata(Type::kSoa, record.rdata);
  out_.end_rdata(mark);
  if (!out_.ok()) {
    out_.rewind(start);
    truncate();
    return;
  }
  ++counts_[static_cast<std::size_t>(Section::kAuthority)];
  if (dnssec_ok_ && apex.find(Type::kRrsig, soa, number(Type::kSoa)) &&
      !add_records(soa, owner, Section::kAuthority)) {
    truncate();
  }
}

Composer::Step Composer::truncate() {
  truncated_ = true;
  return Step::kDone;
}

bool Composer::add_records(const SetView& set, Bytes owner, Section section) {
  const std::size_t start = out_.position();
  Bytes records = set.records;
  while (!records.empty() && out_.ok()) {
    const StoredRecord record = take_record(records);
    const std::size_t mark = out_.begin_record(owner, set.type(), Class::kIn, record.ttl);
    out_.rdata(set.type(), record.rdata);
    out_.end_rdata(mark);
  }
  if (!out_.ok()) {
    out_.rewind(start);
    return false;
  }
  counts_[static_cast<std::size_t>(section)] =
      static_cast<std::uint16_t>(counts_[static_cast<std::size_t>(section)] + set.head.count);
  return true;
}

bool Composer::add(const NodeView& node, const SetView& set, Bytes owner, Section section) {
  const std::size_t start = out_.position();
  if (!add_records(set, owner, section)) return false;
  SetView signatures;
  if (!dnssec_ok_ || !node.find(Type::kRrsig, signatures, set.head.type)) return true;
  if (add_records(signatures, owner, section)) return true;
  out_.rewind(start);
  auto& count = counts_[static_cast<std::size_t>(section)];
  count = static_cast<std::uint16_t>(count - set.head.count);
  return false;
}

// Adds addresses of the targets inside the zone. Addresses that do not fit are dropped, except a
// referral's glue.
void Composer::add_additional() {
  const Type type = asked_.type();
  if (asked_.records.empty() || target_position(type) == kNoTarget) return;
  if (type == Type::kSvcb || type == Type::kHttps) return add_services();
  if (!cut_.empty()) add_targets(true);
  if (!truncated_) add_targets(false);
}

bool Composer::add_addresses(const NodeView& node, Bytes owner) {
  bool fits = true;
  for (const Type type : {Type::kA, Type::kAaaa}) {
    SetView set;
    if (node.find(type, set)) fits &= add(node, set, owner, Section::kAdditional);
  }
  return fits;
}

void Composer::add_targets(bool necessary) {
  Bytes records = asked_.records;
  Bytes last;
  while (!records.empty()) {
    const Bytes target = target_of(asked_.type(), take_record(records).rdata);
    if (same_name(target, last)) continue;
    last = target;
    if ((!cut_.empty() && is_under(target, cut_)) != necessary) continue;
    [[clang::uninitialized]] const NodeView node = index_.find_in(zone_, LowerName(target));
    if (!node || (node.has(node_flag::kOccluded) && asked_.type() != Type::kNs)) continue;
    if (!add_addresses(node, target) && necessary) return static_cast<void>(truncate());
  }
}

// The node of an authoritative name; empty if there is none.
[[clang::minsize]] NodeView Composer::target_node(Bytes target) const {
  [[clang::uninitialized]] const NodeView node = index_.find_in(zone_, LowerName(target));
  return !node || node.has(node_flag::kOccluded) ? NodeView() : node;
}

// Adds addresses and services of one target; records that do not fit are dropped.
[[clang::minsize]] void Composer::add_service(Bytes target) {
  [[clang::uninitialized]] const NodeView node = target_node(target);
  if (!node) return;
  add_addresses(node, target);
  SetView set;
  if (!node.has(node_flag::kCut) && node.find(asked_.type(), set)) {
    add(node, set, target, Section::kAdditional);
  }
}

// RFC 9460 section 4.1: addresses and services of the target names. Service records are followed in
// turn, so a chain of aliases ends in addresses, up to kMaxServices names in total.
[[clang::minsize]] void Composer::add_services() {
  constexpr std::size_t kMaxServices = 16;
  std::array<Bytes, kMaxServices> names;  // distinct; the first is the owner
  names[0] = name_;
  std::size_t count = 1;
  bool all_known = true, own_addresses = false;
  Bytes records = asked_.records;
  for (Bytes last; !records.empty();) {
    const Bytes rdata = take_record(records).rdata;
    const Bytes target = target_of(asked_.type(), rdata);
    // "." means the owner itself in a service, and no name in an alias (RFC 9460 section 2.5).
    const bool root = target.size() == 1;
    const bool own = root ? load_be<std::uint16_t>(rdata) != 0 : same_name(target, name_);
    own_addresses |= own;
    if (own || root || same_name(target, last)) continue;
    last = target;
    add_service(target);
    all_known &= count < kMaxServices;
    if (all_known) names[count++] = target;
  }
  if (own_addresses) add_addresses(asked_at_, name_);
  for (std::size_t i = 1; all_known && i < count; ++i) {
    [[clang::uninitialized]] const NodeView node = target_node(names[i]);
    SetView set;
    if (!node || !node.find(asked_.type(), set)) continue;
    for (Bytes rest = set.records; !rest.empty() && count < kMaxServices;) {
      const Bytes target = target_of(asked_.type(), take_record(rest).rdata);
      const auto same = [&](Bytes name) { return same_name(name, target); };
      if (target.size() == 1 || std::ranges::any_of(std::span(names).first(count), same)) continue;
      add_service(target);
      names[count++] = target;
    }
  }
}

}  // namespace fata::dns
