// Master files (RFC 1035 section 5): parses text into records, one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fata/base/bytes.hpp"
#include "fata/base/result.hpp"
#include "fata/base/text.hpp"
#include "fata/dns/name.hpp"
#include "fata/dns/types.hpp"

namespace fata::dns {

// An error in a zone's text: reason, location and word (empty if no single word is wrong). The
// views point to static text, to the file's name and into the file's text.
struct Diagnostic {
  std::string_view file;
  std::uint32_t line = 0;
  std::string_view reason;
  std::string_view word;
  std::uint32_t open_line = 0;  // of a '(' that is still open; 0 if none, or if in `line`
};
// example.org.zone:12: a number from 0 to 255 is expected here: "300"
void write_text(TextWriter& out, const Diagnostic& diagnostic);

// Provides the text of files named by $INCLUDE, by their normal_path(). The texts must outlive the
// parser.
class Includes {
 public:
  virtual std::optional<std::string_view> text_of(std::string_view file) = 0;

 protected:
  ~Includes() = default;
};

struct ZoneRecord {
  Bytes owner;  // valid until the next record
  Type type{};
  Class klass{};
  std::uint32_t ttl = 0;
  Bytes rdata;  // uncompressed and valid for its type; valid until the next record
  std::string_view file;
  std::uint32_t line = 0;
  std::string_view note;  // a warning about it; usually empty
};

class Lexer;

// Supported: $ORIGIN, $TTL, $INCLUDE file [origin], $GENERATE range owner [TTL] [class] type rdata,
// parentheses, comments, quoted strings, escapes, relative names, @, blank owners, TTL and class in
// either order and both optional, TTLs with units, RFC 3597's TYPE123, CLASS1 and \#.
//
// A record's TTL is, in this order: its own, the last $TTL, that of the last record with one, the
// SOA record's minimum, kDefaultTtl.
class ZoneParser {
 public:
  static constexpr std::size_t kMaxIncludeDepth = 8;
  static constexpr std::size_t kMaxGenerated = std::size_t{1} << 20;  // records of one $GENERATE
  static constexpr std::uint32_t kDefaultTtl = 3600;

  // `text` must outlive the parser. Without `origin`, relative names are errors until the first
  // $ORIGIN; without `includes`, $INCLUDE is an error.
  ZoneParser(std::string_view file, std::string_view text, const Name* origin = nullptr,
             Includes* includes = nullptr);
  ~ZoneParser();
  ZoneParser(const ZoneParser&) = delete;
  ZoneParser& operator=(const ZoneParser&) = delete;

  // Reads one record into `out`; false at the end of the text. Must not be called after an error.
  Result<bool, Diagnostic> next(ZoneRecord& out);
  // The name in the first $ORIGIN so far.
  const std::optional<Name>& first_origin() const { return first_origin_; }

 private:
  struct Frame;
  struct Generation;
  struct Head;
  enum class Entry : std::uint8_t { kRecord, kNothing, kEnd, kWrong };

  Entry entry(ZoneRecord& out);
  Entry directive(std::string_view word);
  Entry include();
  std::optional<std::string_view> text_of(const std::optional<std::string>& path);
  std::optional<std::uint32_t> ttl(std::string_view word);
  Entry start_generation();
  Entry generate(ZoneRecord& out);
  Entry record(ZoneRecord& out);
  bool head(Head& out);  // false after an error
  void finish(const Head& head, Bytes rdata, ZoneRecord& out);
  Entry end_of_directive();
  bool name(std::string_view word, Name& out);  // false after an error
  Entry complain(std::string_view reason, std::string_view word = {});

  std::array<std::unique_ptr<Frame>, kMaxIncludeDepth> frames_;
  std::size_t depth_ = 0;
  Includes* includes_;
  Name owner_;
  bool has_owner_ = false;
  std::optional<Name> first_origin_;
  std::optional<std::uint32_t> default_ttl_;  // from $TTL
  std::optional<std::uint32_t> last_ttl_;     // of the last record with one
  bool ttl_assumed_ = false;
  std::string_view note_;                   // for the next record
  std::unique_ptr<Generation> generation_;  // null: none in progress
  std::unique_ptr<std::byte[]> rdata_;
  Diagnostic diagnostic_;
};

}  // namespace fata::dns
