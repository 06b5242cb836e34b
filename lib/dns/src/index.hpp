// The engine's view of the zones: one contiguous block of memory with a block per name, found
// through one hash table.
//
// A query for an existing name touches one slot of the table and the name's block. The block holds
// the name, its record sets and their records in wire form, ready to be copied after the question:
// the owner is a pointer to offset 12.
//
// A name may be in two zones if one served zone delegates another (its apex, and glue below it).
// The zone with the longest apex owns the name's slot in the table; the other zones' copies are
// "shadowed", and their hash also depends on their zone.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "fata/dns/message.hpp"
#include "zone_load.hpp"

namespace fata::dns {

// A node's block: NodeHead, the name in lower case, then for each set a SetHead and its records.
struct NodeHead {
  std::uint8_t name_size;
  std::uint8_t flags;
  std::uint16_t zone;
  std::uint16_t sets;
};
struct SetHead {
  std::uint16_t type;
  std::uint16_t covered;  // for RRSIG
  std::uint16_t count;
  std::uint16_t size;      // of all records
  std::uint32_t prepared;  // answer: kCompose, kVerbatim or a reference; CNAME: to A, then to AAAA
};
inline constexpr std::size_t kRecordHeadSize = 12;  // of a stored record, before its rdata

// The offset of the name in the rdata of types whose answers include that name's addresses. A set's
// records are sorted by these names, so that equal names are adjacent.
inline constexpr std::size_t kNoTarget = ~std::size_t{0};
inline constexpr std::size_t target_position(Type type) {
  switch (type) {
    case Type::kNs:
      return 0;
    case Type::kMx:
    case Type::kSvcb:
    case Type::kHttps:
      return 2;
    case Type::kSrv:
      return 6;
    default:
      return kNoTarget;
  }
}
inline Bytes target_of(Type type, Bytes rdata) {
  const Bytes from = rdata.subspan(target_position(type));
  return from.first(name_length(from));
}

struct SetView {
  SetHead head;
  Bytes records;

  Type type() const { return static_cast<Type>(head.type); }
};

// One stored record; take_record() removes it from the front of `records`.
struct StoredRecord {
  std::uint32_t ttl;
  Bytes rdata;
};
inline StoredRecord take_record(Bytes& records) {
  const std::size_t size = load_be<std::uint16_t>(records.subspan(10));
  const StoredRecord record{load_be<std::uint32_t>(records.subspan(6)),
                            records.subspan(kRecordHeadSize, size)};
  records = records.subspan(kRecordHeadSize + size);
  return record;
}

class NodeView {
 public:
  NodeView() = default;
  explicit NodeView(Bytes block) : block_(block) {
    std::memcpy(&head_, block.first(sizeof head_).data(), sizeof head_);
  }

  explicit operator bool() const { return !block_.empty(); }
  bool has(std::uint8_t flags) const { return (head_.flags & flags) != 0; }
  std::size_t zone() const { return head_.zone; }
  std::size_t sets() const { return head_.sets; }
  std::uint8_t flags() const { return head_.flags; }
  Bytes name() const { return block_.subspan(sizeof(NodeHead), head_.name_size); }
  // The bytes of the sets, for take_set().
  Bytes first_set() const { return block_.subspan(sizeof(NodeHead) + head_.name_size); }
  static SetView take_set(Bytes& sets) {
    SetView view;
    std::memcpy(&view.head, sets.first(sizeof view.head).data(), sizeof view.head);
    view.records = sets.subspan(sizeof(SetHead), view.head.size);
    sets = sets.subspan(sizeof(SetHead) + view.head.size);
    return view;
  }
  bool find(Type type, SetView& out, std::uint16_t covered = 0) const {
    Bytes rest = first_set();
    for (std::size_t i = 0; i < head_.sets; ++i) {
      out = take_set(rest);
      if (out.head.type == static_cast<std::uint16_t>(type) && out.head.covered == covered)
        return true;
    }
    return false;
  }

 private:
  Bytes block_;
  NodeHead head_{};
};

// The records of an answer after its question, for a question with exactly this name. For a longer
// question that ends in this name, every listed pointer is shifted by the difference.
struct PreparedView {
  std::uint16_t answers = 0, authorities = 0, additionals = 0;
  // Offsets of the pointers from the start of `bytes`, each a 16-bit integer in network order.
  Bytes offsets;
  Bytes bytes;
};

inline constexpr std::size_t kNoZone = 0xffff;

class Index {
 public:
  struct ZoneEntry {
    std::uint32_t apex = 0;  // node
    // The prepared authority section with the SOA, for a question about the apex.
    std::uint32_t negative = 0;
    std::uint8_t apex_size = 0;
    std::uint8_t labels = 0;
    bool has_dnssec = false;
    bool has_shadowed = false;
    bool broken = false;  // could not be loaded: only its name is known
  };
  static constexpr std::uint32_t kCompose = 0;   // not prepared
  static constexpr std::uint32_t kVerbatim = 1;  // the stored records are the whole answer

  // Lays out the zones. prepare() adds the prepared answers.
  void build(std::span<const std::unique_ptr<ZoneLoad>> zones);
  void prepare(std::size_t budget);

  // References to nodes are non-zero.
  std::uint32_t find(std::uint64_t hash, Bytes name) const {
    for (std::size_t at = hash & mask_; slots_[at].node != 0; at = (at + 1) & mask_) {
      if (slots_[at].tag != static_cast<std::uint32_t>(hash >> 32)) continue;
      const NodeView found = node(slots_[at].node);
      if (!found.has(node_flag::kShadowed) && equal_bytes(found.name(), name))
        return slots_[at].node;
    }
    return 0;
  }
  // The name that starts at octet `from` of `name`, in that zone.
  NodeView find_in(std::size_t zone, const LowerName& name, std::size_t from = 0) const;
  // For a name that is not authoritative data of the zone: the last existing name on the way down
  // from the apex, or the first delegation or DNAME on that way.
  struct Encloser {
    NodeView node;
    std::uint32_t name_at = 0;  // where it starts in the queried name
  };
  Encloser closest_encloser(std::size_t zone, const LowerName& name) const;
  NodeView node(std::uint32_t reference) const {
    return NodeView(memory().subspan(std::size_t{reference} * kUnit));
  }
  const ZoneEntry& zone(std::size_t index) const { return zones_[index]; }
  std::size_t zone_count() const { return zones_.size(); }
  // The zone with the longest apex at or above `name` (from octet `from`); kNoZone if there is
  // none.
  std::size_t zone_of(const LowerName& name, std::size_t from = 0) const;
  PreparedView prepared(std::uint32_t reference) const;

  // The next prepared answer in memory.
  std::uint32_t prepared_after(std::uint32_t reference) const;

  void prefetch_slot(std::uint64_t hash) const { __builtin_prefetch(&slots_[hash & mask_]); }
  void prefetch_node(std::uint64_t hash) const;
  std::size_t size() const { return size_ + slots_.size() * sizeof(Slot) + prepared_.size(); }

 private:
  struct Slot {
    std::uint32_t tag;
    std::uint32_t node;
  };
  static constexpr std::size_t kUnit = 8;  // alignment of blocks, and the unit of references

  Bytes memory() const { return danger_span<const std::byte>(data_.get(), size_); }
  void insert(std::uint64_t hash, std::uint32_t node);
  std::size_t zone_among_loads(std::span<const std::unique_ptr<ZoneLoad>> zones, Bytes name) const;
  std::uint32_t write_node(ByteWriter& out, const ZoneLoad& zone, std::size_t index,
                           std::size_t zone_number, bool shadowed) const;
  std::uint32_t keep(const class Composer& composer, const Writer& writer, std::size_t start);
  std::uint32_t prepare_answer(const Name& name, Type type, Bytes records, std::size_t budget);
  std::uint32_t prepare_set(const NodeView& node, const SetView& set, std::size_t budget);
  std::uint32_t prepare_negative(std::size_t zone);

  std::unique_ptr<std::byte[]> data_;
  std::size_t size_ = 0;
  std::vector<Slot> slots_ = std::vector<Slot>(1);
  std::size_t mask_ = 0;
  std::vector<std::byte> prepared_;
  std::vector<ZoneEntry> zones_;
  std::size_t min_labels_ = kMaxLabels + 1;  // of all apexes
  std::size_t max_labels_ = 0;
};

// The hash of another zone's copy of a name.
inline std::uint64_t shadow_hash(std::uint64_t hash, std::size_t zone) {
  return detail::fold(hash, 0x9e3779b97f4a7c15U + zone);
}

// The offset of each label of a name.
class LabelStarts {
 public:
  explicit LabelStarts(Bytes name, std::size_t from = 0) {
    for (std::size_t at = from; name[at] != std::byte{0};
         at += static_cast<std::size_t>(name[at]) + 1) {
      starts_[count_++] = static_cast<std::uint8_t>(at);
    }
    starts_[count_] = static_cast<std::uint8_t>(name.size() - 1);
  }
  std::size_t count() const { return count_; }
  // The offset of the suffix with that many labels; 0 labels are the root.
  std::size_t suffix(std::size_t labels) const { return starts_[count_ - labels]; }

 private:
  std::array<std::uint8_t, kMaxLabels + 1> starts_;
  std::size_t count_ = 0;
};

}  // namespace fata::dns
