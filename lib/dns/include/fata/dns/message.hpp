// The message format of RFC 1035 section 4 with EDNS(0) (RFC 6891): reads with decompression,
// writes with compression. Nothing here allocates.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "fata/base/bytes.hpp"
#include "fata/base/result.hpp"
#include "fata/dns/name.hpp"
#include "fata/dns/types.hpp"

namespace fata::dns {

inline constexpr std::size_t kHeaderSize = 12;
inline constexpr std::size_t kMaxMessage = 65535;
inline constexpr std::size_t kPlainUdpSize = 512;  // without EDNS
inline constexpr std::size_t kOptSize = 11;        // an OPT record without options

// The second word of the header.
namespace flag {
inline constexpr std::uint16_t kResponse = 0x8000, kAuthoritative = 0x0400, kTruncated = 0x0200,
                               kRecursionDesired = 0x0100, kRecursionAvailable = 0x0080,
                               kAuthentic = 0x0020, kCheckingDisabled = 0x0010;
inline constexpr std::uint16_t kOpcodeMask = 0x7800;
inline constexpr unsigned kOpcodeShift = 11;
}  // namespace flag

struct Header {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;
  std::uint16_t questions = 0, answers = 0, authorities = 0, additionals = 0;

  unsigned opcode() const { return (flags & flag::kOpcodeMask) >> flag::kOpcodeShift; }
  unsigned rcode() const { return flags & 0xf; }  // the low four bits; OPT holds the others
};

struct Question {
  Name name;
  Type type{};
  Class klass{};
};

struct Edns {
  std::uint8_t version = 0;
  std::uint8_t extended_rcode = 0;  // the upper eight bits
  std::uint16_t payload = 0;        // the sender's largest UDP payload, as announced
  bool dnssec_ok = false;
  // The first COOKIE option (RFC 7873): its data's offset in the OPT record's rdata (0: none), and
  // its size in octets, 255 for more.
  std::uint8_t cookie_size = 0;
  std::uint16_t cookie_at = 0;
};

enum class Section : std::uint8_t { kAnswer, kAuthority, kAdditional };

// A record's position in a message.
struct RecordView {
  Name owner;
  Type type{};
  std::uint16_t klass = 0;  // a payload size for OPT
  std::uint32_t ttl = 0;
  std::size_t rdata_position = 0;
  Bytes rdata;  // may hold compressed names: see expand_rdata()
};

// Reads a message front to back: header(), then every question, then the records of each section in
// turn. The first error is final: every later call returns it.
class Reader {
 public:
  explicit Reader(Bytes message) : reader_(message) {}

  Result<Header, Errc> header();
  Result<Question, Errc> question();
  Result<RecordView, Errc> record();
  // A possibly compressed name. A pointer must point before the start of the name, or of the part
  // reached by the last pointer. A name therefore ends after at most 127 labels and cannot loop.
  Result<Name, Errc> name();
  std::size_t position() const { return reader_.position(); }
  bool at_end() const { return reader_.at_end(); }
  // Continues at an absolute position, e.g. inside rdata.
  void seek(std::size_t position) { reader_.seek(position); }

 private:
  std::unexpected<Errc> failed(Errc error);

  ByteReader reader_;
  Errc error_ = Errc::kTruncated;
};

// Writes the rdata with its names decompressed and checks it against its type (unknown types are
// copied); returns its size in octets. RFC 3597 section 4 lists the types in which a received name
// may be compressed.
Result<std::size_t, Errc> expand_rdata(Bytes message, const RecordView& record, MutableBytes out);

// Parses an OPT record; an error if its owner is not the root or its options run past their end.
Result<Edns, Errc> read_edns(const RecordView& record);
// The two parts of read_edns(): the fields in an OPT record's class and TTL, and its options. The
// latter returns false if they run past their end.
inline Edns edns_of(std::uint16_t klass, std::uint32_t ttl) {
  return {.version = static_cast<std::uint8_t>(ttl >> 16),
          .extended_rcode = static_cast<std::uint8_t>(ttl >> 24),
          .payload = klass,
          .dnssec_ok = (ttl & 0x8000) != 0};
}
bool read_options(Bytes rdata, Edns& edns);

// Writes a message into its owner's memory, never beyond `limit_` octets. After a write that does
// not fit, it fails until rewound. Remembers the written names, to point to them later (RFC 1035
// section 4.1.4).
class Writer {
 public:
  static constexpr std::size_t kMaxPointerChain = 4;

  explicit Writer(MutableBytes out) : out_(out), limit_(out.size()) {}

  // Octets to keep free for later (for the OPT record).
  void reserve_tail(std::size_t octets) { limit_ = out_.size() - std::min(octets, out_.size()); }
  bool ok() const { return ok_; }
  std::size_t position() const { return position_; }
  void fail() { ok_ = false; }
  Bytes written() const { return out_.first(position_); }
  // Goes back to an earlier position, forgets everything after it, and clears the failure.
  void rewind(std::size_t position);

  void u8(std::uint8_t value);
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  void bytes(Bytes from);
  // Writes `wire`. If `compress`, its longest suffix that was written before becomes a pointer to
  // that copy. In both cases, later names may point to this one. Reading a name back follows at
  // most kMaxPointerChain pointers, since some resolvers give up after ten.
  void name(Bytes wire, bool compress = true);
  void question(Bytes name, Type type, Class klass);
  // Writes a record up to its rdata; returns the mark for end_rdata(), which patches the length.
  std::size_t begin_record(Bytes owner, Type type, Class klass, std::uint32_t ttl);
  void end_rdata(std::size_t mark);
  // Writes rdata of `type` with uncompressed names; compresses those that RFC 3597 section 4
  // permits.
  void rdata(Type type, Bytes rdata);
  void opt(std::uint16_t payload, const Edns& edns);
  // Overwrites the first 12 octets, which must have been written.
  void header(const Header& header);

  // The positions of written pointers, in order; on overflow `pointers_complete()` returns false.
  std::span<const std::uint16_t> pointers() const {
    return std::span(pointers_).first(pointer_count_);
  }
  bool pointers_complete() const { return pointers_complete_; }

 private:
  // A label for later names to point to.
  struct Known {
    std::uint16_t position : 14;  // the range of a pointer
    std::uint16_t chain : 2;      // pointers from here to the root
    std::uint16_t hash;
  };
  static constexpr std::size_t kMaxKnown = 96;
  static constexpr std::size_t kMaxPointers = 64;

  MutableBytes take(std::size_t count);
  bool same_at(std::size_t position, Bytes wire) const;
  void extend_chain(std::size_t first, std::size_t chain);

  MutableBytes out_;
  std::size_t limit_;
  std::size_t position_ = 0;
  bool ok_ = true;
  bool pointers_complete_ = true;
  std::size_t known_count_ = 0;
  std::size_t pointer_count_ = 0;
  std::array<Known, kMaxKnown> known_;
  std::array<std::uint16_t, kMaxPointers> pointers_;
};

}  // namespace fata::dns
