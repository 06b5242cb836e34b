#include "zone_load.hpp"

#include <algorithm>

#include "fata/dns/rdata.hpp"
#include "text.hpp"

namespace fata::dns {

namespace {

constexpr std::uint32_t number(Type type) { return static_cast<std::uint32_t>(type); }
constexpr std::size_t kMaxMessage = 65535;
// The rest of a message with one set: its header, the question after the name, and an OPT record.
constexpr std::size_t kBesideSet = 12 + 4 + 11;
constexpr std::size_t kRecordHead = 12;  // a pointer as the owner, type, class, TTL, length
constexpr std::uint64_t kMaxOffset = 0xffffffff;

}  // namespace

Result<LoadedZone, Diagnostic> ZoneLoad::load(std::string_view file, std::string_view text,
                                              const LoadOptions& options) {
  if (const auto found = find_apex(file, text, options); !found) return fail(found.error());
  if (const auto read = read_records(file, text, options); !read) return fail(read.error());
  if (const auto linked = link_names(); !linked) return fail(linked.error());
  sort_records();
  if (const auto checked = check_sets(options.diagnostics); !checked) return fail(checked.error());
  mark_occluded(options.diagnostics);
  LoadedZone loaded;
  if (const auto name = Name::from_wire(apex())) loaded.apex = *name;
  mark_absent(loaded);
  // The texts, and with them the file names, may be freed now; no later step reports errors.
  files_ = {};
  slots_ = {};
  return loaded;
}

void ZoneLoad::make_broken(const Name& apex) {
  apex_ = find_or_add(LowerName(apex));
  nodes_[apex_].flags = node_flag::kApex;
  broken_ = true;
}

// Finds the owner of the first SOA record, which is usually the first record, so that records
// outside the zone are recognized from the start.
ZoneLoad::Checked ZoneLoad::find_apex(std::string_view file, std::string_view text,
                                      const LoadOptions& options) {
  ZoneParser parser(file, text, options.origin, options.includes);
  ZoneRecord record;
  for (;;) {
    const auto more = parser.next(record);
    if (!more) return fail(more.error());
    if (!*more) return fail(Diagnostic{file, 1, "the zone has no SOA record", {}});
    if (record.type != Type::kSoa) continue;
    apex_ = find_or_add(LowerName(record.owner));
    return {};
  }
}

ZoneLoad::Checked ZoneLoad::read_records(std::string_view file, std::string_view text,
                                         const LoadOptions& options) {
  ZoneParser parser(file, text, options.origin, options.includes);
  ZoneRecord record;
  const auto warn = [&](std::string_view reason) {
    if (options.diagnostics != nullptr)
      options.diagnostics->warning({record.file, record.line, reason, {}});
  };
  for (;;) {
    const auto more = parser.next(record);
    if (!more) return fail(more.error());
    if (!*more) return {};
    if (!record.note.empty()) warn(record.note);
    if (!is_under(record.owner, apex())) {
      warn("this record is outside of the zone, which its SOA record's owner names, and ignored");
    } else if (!add(record)) {
      return fail(Diagnostic{record.file, record.line, "the zone is larger than 4 GiB", {}});
    }
  }
}

bool ZoneLoad::add(const ZoneRecord& record) {
  if (bytes_.size() + record.rdata.size() + kMaxName > kMaxOffset || records_.size() == kMaxOffset)
    return false;
  if (files_.empty() || files_.back() != record.file) {
    // It is better to name the wrong file in an error than to reject a zone of over 65,535 included
    // files.
    if (files_.size() < 0xffff) files_.push_back(record.file);
  }
  const std::uint32_t node = find_or_add(LowerName(record.owner));
  const auto rdata = static_cast<std::uint32_t>(bytes_.size());
  bytes_.insert(bytes_.end(), record.rdata.begin(), record.rdata.end());
  records_.push_back({.node = node,
                      .ttl = record.ttl,
                      .rdata = rdata,
                      .line = record.line,
                      .type = static_cast<std::uint16_t>(record.type),
                      .size = static_cast<std::uint16_t>(record.rdata.size()),
                      .file = static_cast<std::uint16_t>(files_.size() - 1)});
  return true;
}

void ZoneLoad::grow_slots() {
  const std::size_t size = std::max<std::size_t>(16, slots_.size() * 2);
  slots_.assign(size, 0);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    std::size_t at = nodes_[i].hash & (size - 1);
    while (slots_[at] != 0) at = (at + 1) & (size - 1);
    slots_[at] = static_cast<std::uint32_t>(i + 1);
  }
}

std::uint32_t ZoneLoad::find_or_add(const LowerName& name) {
  const Bytes wire = name.wire();
  // Records of one name are usually adjacent.
  if (!records_.empty() && equal_bytes(name_of(nodes_[records_.back().node]), wire))
    return records_.back().node;
  if ((nodes_.size() + 1) * 4 > slots_.size() * 3) grow_slots();
  const auto hash = static_cast<std::uint32_t>(name.hash());
  std::size_t at = hash & (slots_.size() - 1);
  for (; slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) {
    const NodeEntry& node = nodes_[slots_[at] - 1];
    if (node.hash == hash && equal_bytes(name_of(node), wire)) return slots_[at] - 1;
  }
  nodes_.push_back({.name = static_cast<std::uint32_t>(bytes_.size()),
                    .hash = hash,
                    .parent = 0,
                    .begin = 0,
                    .name_size = static_cast<std::uint8_t>(wire.size()),
                    .flags = 0});
  bytes_.insert(bytes_.end(), wire.begin(), wire.end());
  slots_[at] = static_cast<std::uint32_t>(nodes_.size());
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

Diagnostic ZoneLoad::diagnostic(const RecordEntry& at, std::string_view reason) const {
  return {files_[at.file], at.line, reason, {}};
}

// Links every name to its parent, adding empty non-terminals up to the apex.
ZoneLoad::Checked ZoneLoad::link_names() {
  nodes_[apex_].parent = apex_;
  nodes_[apex_].flags |= node_flag::kApex;
  // Names added here are appended, so this loop links them too.
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    if (i == apex_) continue;
    const LowerName name(name_of(nodes_[i]));
    if (bytes_.size() > kMaxOffset - kMaxName) {
      return fail(diagnostic(records_.front(), "the zone is larger than 4 GiB"));
    }
    const std::uint32_t parent = find_or_add(LowerName(parent_of(name.wire())));
    nodes_[i].parent = parent;
    if (is_wildcard(name.wire())) nodes_[parent].flags |= node_flag::kWildcardChild;
  }
  return {};
}

std::uint16_t ZoneLoad::covered_by(const RecordEntry& record) const {
  return record.type == number(Type::kRrsig) ? load_be<std::uint16_t>(rdata_of(record))
                                             : std::uint16_t{0};
}

// Sorts by node (a counting sort), then each node's records by type, covered type and rdata.
void ZoneLoad::sort_records() {
  for (const RecordEntry& record : records_) ++nodes_[record.node].begin;
  std::uint32_t end = 0;
  for (NodeEntry& node : nodes_) node.begin = end += node.begin;
  order_.resize(records_.size());
  for (std::size_t i = records_.size(); i-- != 0;) {
    order_[--nodes_[records_[i].node].begin] = static_cast<std::uint32_t>(i);
  }
  const auto before = [this](std::uint32_t a, std::uint32_t b) {
    const RecordEntry &left = records_[a], &right = records_[b];
    if (left.type != right.type) return left.type < right.type;
    if (covered_by(left) != covered_by(right)) return covered_by(left) < covered_by(right);
    const int order = compare_rdata(static_cast<Type>(left.type), rdata_of(left), rdata_of(right));
    return order != 0 ? order < 0 : a < b;
  };
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const std::size_t begin = nodes_[i].begin;
    const std::size_t stop = i + 1 < nodes_.size() ? nodes_[i + 1].begin : order_.size();
    const auto some = std::span(order_).subspan(begin, stop - begin);
    if (some.size() < 16) {
      sort_short(some, before);
    } else {
      // Any number of records may share a name; heapsort is the smallest code without a slow case.
      std::ranges::make_heap(some, before);
      std::ranges::sort_heap(some, before);
    }
  }
}

std::span<const std::uint32_t> ZoneLoad::records_of(std::size_t node) const {
  const std::size_t begin = nodes_[node].begin;
  const std::size_t end = node + 1 < nodes_.size() ? nodes_[node + 1].begin : order_.size();
  return std::span(order_).subspan(begin, end - begin);
}

ZoneLoad::Set ZoneLoad::take_set(std::span<const std::uint32_t>& records) const {
  const RecordEntry& first = records_[records.front()];
  Set set{.type = first.type, .covered = covered_by(first), .records = {}};
  std::size_t count = 1;
  while (count < records.size() && records_[records[count]].type == set.type &&
         covered_by(records_[records[count]]) == set.covered) {
    ++count;
  }
  set.records = records.first(count);
  records = records.subspan(count);
  return set;
}

// Moves the distinct records of order_[begin, end) to `to`; returns their end.
std::size_t ZoneLoad::drop_duplicates(std::size_t begin, std::size_t end, std::size_t to) {
  const std::size_t first = to;
  for (std::size_t i = begin; i < end; ++i) {
    const RecordEntry& record = records_[order_[i]];
    if (to != first) {
      const RecordEntry& last = records_[order_[to - 1]];
      const auto type = static_cast<Type>(record.type);
      if (last.type == record.type && compare_rdata(type, rdata_of(last), rdata_of(record)) == 0)
        continue;
    }
    order_[to++] = order_[i];
  }
  return to;
}

ZoneLoad::Checked ZoneLoad::check_sets(Diagnostics* diagnostics) {
  std::size_t to = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const std::size_t begin = nodes_[i].begin;
    const std::size_t end = i + 1 < nodes_.size() ? nodes_[i + 1].begin : order_.size();
    nodes_[i].begin = static_cast<std::uint32_t>(to);
    to = drop_duplicates(begin, end, to);
  }
  order_.resize(to);
  order_.shrink_to_fit();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    NodeEntry& node = nodes_[i];
    auto records = records_of(i);
    bool other_data = false;
    while (!records.empty()) {
      const Set set = take_set(records);
      std::size_t size = 0;
      for (const std::uint32_t index : set.records) size += kRecordHead + records_[index].size;
      if (const auto checked = check_set(node, set, size, diagnostics); !checked) return checked;
      const auto type = static_cast<Type>(set.type);
      other_data |= type != Type::kCname && type != Type::kRrsig && type != Type::kNsec;
      if ((node.flags & node_flag::kCname) != 0 && other_data) {
        return fail(diagnostic(records_[set.records.front()],
                               "a name with a CNAME has no other data (RFC 1034)"));
      }
    }
  }
  const auto apex_records = records_of(apex_);
  const bool has_ns = std::ranges::any_of(apex_records, [this](std::uint32_t index) {
    return records_[index].type == number(Type::kNs);
  });
  if (!has_ns)
    return fail(
        diagnostic(records_[apex_records.front()], "the zone has no NS record at its apex"));
  return {};
}

ZoneLoad::Checked ZoneLoad::check_set(NodeEntry& node, const Set& set, std::size_t size,
                                      Diagnostics* diagnostics) {
  const RecordEntry& last = records_[set.records.back()];
  const bool apex = (node.flags & node_flag::kApex) != 0;
  if (size > kMaxMessage - kBesideSet - node.name_size)
    return fail(diagnostic(last, "the records of this name and type do not fit one message"));
  const auto warn = [&](std::string_view reason) {
    if (diagnostics != nullptr) diagnostics->warning(diagnostic(last, reason));
  };
  switch (static_cast<Type>(set.type)) {
    case Type::kSoa:
      if (!apex) return fail(diagnostic(last, "a second SOA record: a zone has one, at its apex"));
      if (set.records.size() > 1)
        return fail(diagnostic(last, "a second SOA record that differs from the first"));
      break;
    case Type::kNs:
      if (!apex && is_wildcard(name_of(node))) {
        warn("NS at a wildcard delegates nothing (RFC 4592 section 4.2)");
      } else if (!apex) {
        node.flags |= node_flag::kCut;
      }
      break;
    case Type::kCname:
      if (set.records.size() > 1) return fail(diagnostic(last, "a name has one CNAME record"));
      node.flags |= node_flag::kCname;
      break;
    case Type::kDname:
      if (set.records.size() > 1) return fail(diagnostic(last, "a name has one DNAME record"));
      if (is_wildcard(name_of(node)))
        warn("DNAME at a wildcard redirects nothing (RFC 4592 section 4.4)");
      else
        node.flags |= node_flag::kDname;
      break;
    case Type::kRrsig:
    case Type::kNsec:
    case Type::kDs:
      has_dnssec_ = true;
      break;
    default:
      break;
  }
  std::uint32_t lowest = last.ttl;
  for (const std::uint32_t index : set.records) lowest = std::min(lowest, records_[index].ttl);
  bool mixed = false;
  for (const std::uint32_t index : set.records) {
    mixed |= records_[index].ttl != lowest;
    records_[index].ttl = lowest;
  }
  if (mixed)
    warn("the records of this name and type have several TTLs: the lowest is served (RFC 2181)");
  return {};
}

// A name with only NSEC3 records and their signatures, and only such names below it, does not exist
// for queries (RFC 5155 section 7.2.8).
void ZoneLoad::mark_absent(LoadedZone& loaded) {
  const auto counts = [this](std::uint32_t index) {
    const RecordEntry& record = records_[index];
    return record.type != number(Type::kNsec3) && covered_by(record) != number(Type::kNsec3);
  };
  for (NodeEntry& node : nodes_) node.flags |= node_flag::kAbsent;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    if (!std::ranges::any_of(records_of(i), counts)) continue;
    for (std::uint32_t at = i; (nodes_[at].flags & node_flag::kAbsent) != 0;
         at = nodes_[at].parent) {
      nodes_[at].flags &= static_cast<std::uint8_t>(~node_flag::kAbsent);
      ++loaded.names;
    }
  }
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    if ((nodes_[i].flags & node_flag::kAbsent) == 0) {
      loaded.records += records_of(i).size();
    } else if (is_wildcard(name_of(nodes_[i]))) {
      nodes_[nodes_[i].parent].flags &= static_cast<std::uint8_t>(~node_flag::kWildcardChild);
    }
  }
}

// Names below a delegation or a DNAME are not part of the zone's authoritative data.
void ZoneLoad::mark_occluded(Diagnostics* diagnostics) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    std::uint32_t above = static_cast<std::uint32_t>(i);
    bool below_cut = false, below_dname = false;
    while (above != apex_) {
      above = nodes_[above].parent;
      below_cut |= (nodes_[above].flags & node_flag::kCut) != 0;
      below_dname |= (nodes_[above].flags & node_flag::kDname) != 0;
    }
    if (!below_cut && !below_dname) continue;
    nodes_[i].flags |= node_flag::kOccluded;
    if (diagnostics == nullptr) continue;
    for (const std::uint32_t index : records_of(i)) {
      const RecordEntry& record = records_[index];
      if (below_dname)
        diagnostics->warning(diagnostic(record, "this record is below a DNAME, which hides it"));
      else if (record.type != number(Type::kA) && record.type != number(Type::kAaaa)) {
        diagnostics->warning(
            diagnostic(record, "this record is below a delegation, which hides it"));
      }
    }
  }
}

}  // namespace fata::dns
