#include "fata/dns/zonefile.hpp"

#include <algorithm>
#include <utility>

#include "fata/dns/include_path.hpp"
#include "fata/dns/rdata.hpp"
#include "generate.hpp"
#include "lexer.hpp"
#include "rdata_text.hpp"
#include "text.hpp"

namespace fata::dns {

namespace {
constexpr std::size_t kMaxRdata = 65535;
}

// One open file. An included file starts with its includer's origin and owner; the includer's own
// are restored afterwards (RFC 1035 section 5.1). A $TTL in it stays in effect, as in BIND and NSD.
struct ZoneParser::Frame {
  Frame(std::string_view name, std::string where, std::string_view text, std::optional<Name> from)
      : file(name), path(std::move(where)), lexer(text), origin(std::move(from)) {}

  std::string_view file;  // as written
  std::string path;
  Lexer lexer;
  std::optional<Name> origin;
  std::optional<Name> includers_owner;
  const Name* origin_or_null() const { return origin ? &*origin : nullptr; }
};

// The fields before the rdata.
struct ZoneParser::Head {
  std::optional<std::uint32_t> ttl;
  Type type{};
};

struct ZoneParser::Generation {
  GenerateRange range;
  std::uint64_t done = 0;
  Head head;
  std::string_view owner, rdata;  // templates, as written
  std::string unquoted;           // the rdata template as the lexer must read it
  std::uint32_t line = 0;
  Name name;         // of the last record
  std::string text;  // the expanded templates
};

namespace {
void write_word(TextWriter& out, std::string_view word) {
  constexpr std::size_t kShown = 80;
  out.put(": \"");
  // Octets with an effect on terminals are escaped as in a zone file.
  for (const char c : word.substr(0, kShown)) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet < 0x7f) {
      print(out, c);
    } else {
      print(out, '\\');
      out.put_unsigned(octet, 3);
    }
  }
  out.put(word.size() > kShown ? "...\"" : "\"");
}
}  // namespace

void write_text(TextWriter& out, const Diagnostic& diagnostic) {
  print(out, diagnostic.file, ':', diagnostic.line, ": ", diagnostic.reason);
  if (!diagnostic.word.empty()) write_word(out, diagnostic.word);
  if (diagnostic.open_line != 0)
    print(out, "; the '(' of line ", diagnostic.open_line, " is still open here");
}

ZoneParser::ZoneParser(std::string_view file, std::string_view text, const Name* origin,
                       Includes* includes)
    : includes_(includes), rdata_(std::make_unique_for_overwrite<std::byte[]>(kMaxRdata)) {
  frames_[depth_++] =
      std::make_unique<Frame>(file, normal_path(file).value_or(std::string()), text,
                              origin == nullptr ? std::nullopt : std::optional<Name>(*origin));
}
ZoneParser::~ZoneParser() = default;

ZoneParser::Entry ZoneParser::complain(std::string_view reason, std::string_view word) {
  const Frame& frame = *frames_[depth_ - 1];
  diagnostic_ = {frame.file, frame.lexer.line(), reason, word, frame.lexer.open_line()};
  if (diagnostic_.open_line == diagnostic_.line) diagnostic_.open_line = 0;
  return Entry::kWrong;
}

bool ZoneParser::name(std::string_view word, Name& out) {
  const Name* origin = frames_[depth_ - 1]->origin_or_null();
  if (word == "@") {
    if (origin == nullptr) return complain("@ needs an $ORIGIN before it", word), false;
    out = *origin;
    return true;
  }
  const auto name = Name::from_text(word, origin);
  if (!name) return complain(Error(name.error()).message(), word), false;
  out = *name;
  return true;
}

Result<bool, Diagnostic> ZoneParser::next(ZoneRecord& out) {
  for (;;) {
    switch (entry(out)) {
      case Entry::kRecord:
        return true;
      case Entry::kNothing:
        break;
      case Entry::kEnd:
        if (depth_ == 1) return false;
        --depth_;
        has_owner_ = frames_[depth_]->includers_owner.has_value();
        if (has_owner_) owner_ = *frames_[depth_]->includers_owner;
        frames_[depth_].reset();
        break;
      case Entry::kWrong:
        return fail(diagnostic_);
    }
  }
}

ZoneParser::Entry ZoneParser::entry(ZoneRecord& out) {
  if (generation_) return generate(out);
  Lexer& lexer = frames_[depth_ - 1]->lexer;
  const bool blank_owner = lexer.at_blank();
  const Token first = lexer.next();
  switch (first.kind) {
    case Token::Kind::kEndOfLine:
      return Entry::kNothing;
    case Token::Kind::kEnd:
      return Entry::kEnd;
    case Token::Kind::kError:
      return complain(first.text);
    case Token::Kind::kQuoted:
    case Token::Kind::kWord:
      break;
  }
  if (first.kind == Token::Kind::kWord && first.text.starts_with('$')) return directive(first.text);
  if (blank_owner) {
    if (!has_owner_)
      return complain("the first record has no owner: do not start its line with a blank",
                      first.text);
    lexer.put_back(first);
  } else {
    if (!name(first.text, owner_)) return Entry::kWrong;
    has_owner_ = true;
  }
  return record(out);
}

ZoneParser::Entry ZoneParser::end_of_directive() {
  Lexer& lexer = frames_[depth_ - 1]->lexer;
  const Token end = lexer.next();
  if (end.kind == Token::Kind::kError) return complain(end.text);
  if (end.is_text()) return complain("nothing may follow here", end.text);
  if (end.kind == Token::Kind::kEnd) lexer.put_back(end);
  return Entry::kNothing;
}

ZoneParser::Entry ZoneParser::directive(std::string_view word) {
  Frame& frame = *frames_[depth_ - 1];
  if (same_text(word, "$INCLUDE")) return include();
  if (same_text(word, "$TTL")) {
    const Token token = frame.lexer.next();
    const auto given = token.is_text() ? ttl(token.text) : std::nullopt;
    if (!given) return complain("$TTL needs a time, such as 3600 or 1h", token.text);
    default_ttl_ = *given;
    return end_of_directive();
  }
  if (same_text(word, "$ORIGIN")) {
    const Token token = frame.lexer.next();
    if (token.kind != Token::Kind::kWord)
      return complain("$ORIGIN needs a domain name", token.text);
    Name origin;
    if (!name(token.text, origin)) return Entry::kWrong;
    frame.origin = origin;
    if (!first_origin_) first_origin_ = origin;
    return end_of_directive();
  }
  if (same_text(word, "$GENERATE")) return start_generation();
  return complain("this directive is unknown: $ORIGIN, $TTL, $INCLUDE and $GENERATE are known",
                  word);
}

std::optional<std::string_view> ZoneParser::text_of(const std::optional<std::string>& path) {
  if (includes_ == nullptr || !path) return {};
  return includes_->text_of(*path);
}

ZoneParser::Entry ZoneParser::include() {
  Frame& frame = *frames_[depth_ - 1];
  const Token file = frame.lexer.next();
  if (!file.is_text() || file.text.empty())
    return complain("$INCLUDE needs a file name", file.text);
  std::optional<Name> origin = frame.origin;
  const Token word = frame.lexer.next();
  if (word.kind == Token::Kind::kWord) {
    if (!name(word.text, origin.emplace())) return Entry::kWrong;
  } else {
    frame.lexer.put_back(word);
  }
  if (end_of_directive() == Entry::kWrong) return Entry::kWrong;
  if (depth_ == kMaxIncludeDepth)
    return complain("files include each other more than 8 deep", file.text);
  auto [path, beside] = include_paths(frame.path, file.text);
  if (!path && !beside)
    return complain("$INCLUDE needs a path below the folder of the zone files", file.text);
  auto text = text_of(path);
  if (!text) {
    path = std::move(beside);
    text = text_of(path);
  }
  if (!text) return complain("the file to include is not there", file.text);
  frames_[depth_] = std::make_unique<Frame>(file.text, std::move(*path), *text, origin);
  if (has_owner_) frames_[depth_]->includers_owner = owner_;
  ++depth_;
  return Entry::kNothing;
}

// A TTL with the highest bit set counts as 0 (RFC 2181 section 8).
std::optional<std::uint32_t> ZoneParser::ttl(std::string_view word) {
  auto given = parse_period(word, 0xffffffff);
  if (given && *given > kMaxTtl) {
    given = 0;
    note_ = "a TTL over 2147483647 s counts as 0 (RFC 2181 section 8)";
  }
  return given;
}

bool ZoneParser::head(Head& out) {
  Lexer& lexer = frames_[depth_ - 1]->lexer;
  std::optional<Class> klass;
  std::optional<Type> type;
  while (!type) {
    const Token token = lexer.next();
    if (token.kind == Token::Kind::kError) return complain(token.text), false;
    if (token.kind != Token::Kind::kWord)
      return complain("the record has no type", token.text), false;
    if (is_digit(token.text.front())) {
      if (out.ttl) return complain("the record has two TTLs, or lacks its type", token.text), false;
      out.ttl = ttl(token.text);
      if (!out.ttl)
        return complain("the TTL is not a period up to 2147483647 s, as 3600 or 1h", token.text),
               false;
    } else if (const auto found = type_from_text(token.text)) {
      type = found;
    } else if (const auto given = class_from_text(token.text)) {
      if (klass) return complain("the record has two classes", token.text), false;
      klass = given;
    } else {
      return complain(
                 "this is neither a TTL, a class nor a known type (others are written TYPE123)",
                 token.text),
             false;
    }
  }
  if (klass && *klass != Class::kIn) return complain("only class IN is served"), false;
  if (!is_data(*type)) return complain("this type is for queries, not for data"), false;
  out.type = *type;
  if (out.ttl) last_ttl_ = out.ttl;
  return true;
}

void ZoneParser::finish(const Head& head, Bytes rdata, ZoneRecord& out) {
  auto ttl = head.ttl;
  out.note = std::exchange(note_, {});
  if (!ttl) ttl = default_ttl_ ? default_ttl_ : last_ttl_;
  if (!ttl) {
    ttl = kDefaultTtl;
    if (head.type == Type::kSoa) {
      ttl = default_ttl_ = std::min(load_be<std::uint32_t>(rdata.last(4)), kMaxTtl);
      out.note = "no TTL is given: the SOA record's minimum is used";
    } else if (!ttl_assumed_) {
      out.note = "no TTL is given: 3600 is used";
    }
    ttl_assumed_ = true;
  }
  out.type = head.type;
  out.klass = Class::kIn;
  out.ttl = *ttl;
  out.rdata = rdata;
  out.file = frames_[depth_ - 1]->file;
}

ZoneParser::Entry ZoneParser::record(ZoneRecord& out) {
  Frame& frame = *frames_[depth_ - 1];
  out.line = frame.lexer.line();
  Head start;
  if (!head(start)) return Entry::kWrong;
  ByteWriter writer(danger_span(rdata_.get(), kMaxRdata));
  if (const auto parsed = parse_rdata(frame.lexer, start.type, frame.origin_or_null(), writer);
      !parsed) {
    return complain(parsed.error().reason, parsed.error().word);
  }
  const Token end = frame.lexer.next();
  if (end.kind == Token::Kind::kEnd) frame.lexer.put_back(end);
  finish(start, writer.written(), out);
  out.owner = owner_.wire();
  return Entry::kRecord;
}

// BIND's $GENERATE range owner [TTL] [class] type rdata. Rdata with blanks is quoted as a whole,
// with \" for quotes inside it.
ZoneParser::Entry ZoneParser::start_generation() {
  Lexer& lexer = frames_[depth_ - 1]->lexer;
  auto next = std::make_unique<Generation>();
  next->line = lexer.line();
  const Token range = lexer.next();
  if (!range.is_text() || !parse_range(range.text, next->range))
    return complain("$GENERATE takes a range, as 1-100 or 0-254/2", range.text);
  if (next->range.count() > kMaxGenerated)
    return complain("$GENERATE makes more than 1048576 records: split it", range.text);
  const Token owner = lexer.next();
  if (owner.kind != Token::Kind::kWord)
    return complain("$GENERATE takes an owner after its range", owner.text);
  if (!head(next->head)) return Entry::kWrong;
  const Token rdata = lexer.next();
  if (!rdata.is_text()) return complain("$GENERATE takes rdata after its type", rdata.text);
  if (lexer.in_parentheses())
    return complain("the rdata of $GENERATE stands in quotes, not in parentheses", rdata.text);
  next->owner = owner.text;
  next->rdata = rdata.text;
  next->unquoted = rdata.kind == Token::Kind::kQuoted ? without_escaped_quotes(rdata.text)
                                                      : std::string(rdata.text);
  if (end_of_directive() == Entry::kWrong) return Entry::kWrong;
  generation_ = std::move(next);
  return Entry::kNothing;
}

// Errors show the templates, since the expanded words do not live long enough.
ZoneParser::Entry ZoneParser::generate(ZoneRecord& out) {
  constexpr std::string_view kBadTemplate =
      "$ is followed by {offset[,width[,base]]} or nothing; the sum is at most 2147483647, and in "
      "nibbles not negative";
  Generation& now = *generation_;
  if (now.done == now.range.count()) {
    generation_.reset();
    return Entry::kNothing;
  }
  const auto value = static_cast<std::uint32_t>(now.range.start + now.done++ * now.range.step);
  now.text.clear();
  if (!expand_template(now.owner, value, now.text)) return complain(kBadTemplate, now.owner);
  if (!name(now.text, now.name)) return complain(diagnostic_.reason, now.owner);
  now.text.clear();
  if (!expand_template(now.unquoted, value, now.text)) return complain(kBadTemplate, now.rdata);
  Lexer lexer(now.text);
  ByteWriter writer(danger_span(rdata_.get(), kMaxRdata));
  const auto parsed =
      parse_rdata(lexer, now.head.type, frames_[depth_ - 1]->origin_or_null(), writer);
  if (!parsed) return complain(parsed.error().reason, now.rdata);
  finish(now.head, writer.written(), out);
  out.owner = now.name.wire();
  out.line = now.line;
  return Entry::kRecord;
}

}  // namespace fata::dns
