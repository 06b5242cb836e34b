// A zone during loading: its names and records, first found by name, then sorted and checked.
#pragma once

#include <vector>

#include "fata/dns/engine.hpp"
#include "fata/dns/zonefile.hpp"

namespace fata::dns {

// The role of a name in its zone.
namespace node_flag {
inline constexpr std::uint8_t kApex = 1, kCut = 2, kOccluded = 4, kCname = 8, kDname = 16,
                              kWildcardChild = 32, kShadowed = 64, kAbsent = 128;
}

class ZoneLoad {
 public:
  struct NodeEntry {
    std::uint32_t name;  // offset of its lower-cased wire form
    std::uint32_t hash;
    std::uint32_t parent;  // index; the apex is its own parent
    std::uint32_t begin;   // index of its first record in order_
    std::uint8_t name_size;
    std::uint8_t flags;
  };
  struct RecordEntry {
    std::uint32_t node;
    std::uint32_t ttl;
    std::uint32_t rdata;  // offset
    std::uint32_t line;
    std::uint16_t type;
    std::uint16_t size;
    std::uint16_t file;
  };
  // Sorted records of one name and type (for RRSIG: of one covered type).
  struct Set {
    std::uint16_t type = 0;
    std::uint16_t covered = 0;
    std::span<const std::uint32_t> records;
  };

  Result<LoadedZone, Diagnostic> load(std::string_view file, std::string_view text,
                                      const LoadOptions& options);

  // Becomes a zone with only its name known.
  void make_broken(const Name& apex);
  bool broken() const { return broken_; }

  std::size_t node_count() const { return nodes_.size(); }
  const NodeEntry& node(std::size_t index) const { return nodes_[index]; }
  const RecordEntry& record(std::uint32_t index) const { return records_[index]; }
  Bytes name_of(const NodeEntry& node) const {
    return Bytes(bytes_).subspan(node.name, node.name_size);
  }
  Bytes rdata_of(const RecordEntry& record) const {
    return Bytes(bytes_).subspan(record.rdata, record.size);
  }
  std::size_t record_count() const { return order_.size(); }
  Bytes apex() const { return name_of(nodes_[apex_]); }
  bool has_dnssec() const { return has_dnssec_; }
  // Removes the next set of a node's records from the front of `records`.
  Set take_set(std::span<const std::uint32_t>& records) const;
  std::span<const std::uint32_t> records_of(std::size_t node) const;

 private:
  using Checked = Result<void, Diagnostic>;

  Checked find_apex(std::string_view file, std::string_view text, const LoadOptions& options);
  Checked read_records(std::string_view file, std::string_view text, const LoadOptions& options);
  bool add(const ZoneRecord& record);
  std::uint32_t find_or_add(const LowerName& name);
  void grow_slots();
  Checked link_names();
  void sort_records();
  Checked check_sets(Diagnostics* diagnostics);
  Checked check_set(NodeEntry& node, const Set& set, std::size_t size, Diagnostics* diagnostics);
  void mark_absent(LoadedZone& loaded);
  void mark_occluded(Diagnostics* diagnostics);
  std::uint16_t covered_by(const RecordEntry& record) const;
  Diagnostic diagnostic(const RecordEntry& at, std::string_view reason) const;
  std::size_t drop_duplicates(std::size_t begin, std::size_t end, std::size_t to);

  std::vector<std::byte> bytes_;
  std::vector<NodeEntry> nodes_;
  std::vector<RecordEntry> records_;
  std::vector<std::uint32_t> order_;  // records, by node
  std::vector<std::uint32_t> slots_;  // node's index + 1, by hash
  std::vector<std::string_view> files_;
  std::uint32_t apex_ = 0;
  bool has_dnssec_ = false;
  bool broken_ = false;
};

}  // namespace fata::dns
