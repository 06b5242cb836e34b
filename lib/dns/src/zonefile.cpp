#include "fata/dns/zonefile.hpp"

#include "lexer.hpp"
#include "rdata_text.hpp"
#include "text.hpp"

namespace fata::dns {

namespace {
constexpr std::size_t kMaxRdata = 65535;
}

// One open file. An included file starts with its includer's origin and gives nothing back but its records.
struct ZoneParser::Frame {
  Frame(std::string_view name, std::string_view text, std::optional<Name> from)
      : file(name), lexer(text), origin(std::move(from)) {}

  std::string_view file;
  Lexer lexer;
  std::optional<Name> origin;
  const Name* origin_or_null() const { return origin ? &*origin : nullptr; }
};

void write_text(TextWriter& out, const Complaint& complaint) {
  print(out, complaint.file, ':', complaint.line, ": ", complaint.reason);
  if (complaint.word.empty()) return;
  constexpr std::size_t kShown = 80;
  out.put(": \"");
  // Octets that a terminal would act on are shown as a zone file writes them.
  for (const char c : complaint.word.substr(0, kShown)) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet < 0x7f) {
      print(out, c);
    } else {
      print(out, '\\');
      out.put_unsigned(octet, 3);
    }
  }
  out.put(complaint.word.size() > kShown ? "...\"" : "\"");
}

ZoneParser::ZoneParser(std::string_view file, std::string_view text, const Name* origin, Includes* includes)
    : includes_(includes), rdata_(std::make_unique_for_overwrite<std::byte[]>(kMaxRdata)) {
  frames_[depth_++] =
      std::make_unique<Frame>(file, text, origin == nullptr ? std::nullopt : std::optional<Name>(*origin));
}
ZoneParser::~ZoneParser() = default;

ZoneParser::Entry ZoneParser::complain(std::string_view reason, std::string_view word) {
  const Frame& frame = *frames_[depth_ - 1];
  complaint_ = {frame.file, frame.lexer.line(), reason, word};
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

Result<bool, Complaint> ZoneParser::next(ZoneRecord& out) {
  for (;;) {
    switch (entry(out)) {
      case Entry::kRecord:
        return true;
      case Entry::kNothing:
        break;
      case Entry::kEnd:
        if (depth_ == 1) return false;
        frames_[--depth_].reset();
        break;
      case Entry::kWrong:
        return fail(complaint_);
    }
  }
}

ZoneParser::Entry ZoneParser::entry(ZoneRecord& out) {
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
      return complain("a record starts with its owner, not with a string", first.text);
    case Token::Kind::kWord:
      break;
  }
  if (first.text.starts_with('$')) return directive(first.text);
  if (blank_owner) {
    if (!has_owner_)
      return complain("the first record has no owner: do not start its line with a blank", first.text);
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
    const auto ttl = token.is_text() ? parse_period(token.text, kMaxTtl) : std::nullopt;
    if (!ttl) return complain("$TTL takes a period, as 3600 or 1h", token.text);
    default_ttl_ = *ttl;
    return end_of_directive();
  }
  if (same_text(word, "$ORIGIN")) {
    const Token token = frame.lexer.next();
    if (token.kind != Token::Kind::kWord) return complain("$ORIGIN takes a domain name", token.text);
    Name origin;
    if (!name(token.text, origin)) return Entry::kWrong;
    frame.origin = origin;
    return end_of_directive();
  }
  return complain("this directive is unknown: $ORIGIN, $TTL and $INCLUDE are", word);
}

ZoneParser::Entry ZoneParser::include() {
  Frame& frame = *frames_[depth_ - 1];
  const Token file = frame.lexer.next();
  if (!file.is_text() || file.text.empty()) return complain("$INCLUDE takes a file's name", file.text);
  std::optional<Name> origin = frame.origin;
  const Token word = frame.lexer.next();
  if (word.kind == Token::Kind::kWord) {
    if (!name(word.text, origin.emplace())) return Entry::kWrong;
  } else {
    frame.lexer.put_back(word);
  }
  if (end_of_directive() == Entry::kWrong) return Entry::kWrong;
  if (depth_ == kMaxIncludeDepth) return complain("files include each other more than 8 deep", file.text);
  const auto text = includes_ == nullptr ? std::nullopt : includes_->text_of(file.text);
  if (!text) return complain("the file to include is not there", file.text);
  frames_[depth_++] = std::make_unique<Frame>(file.text, *text, origin);
  return Entry::kNothing;
}

ZoneParser::Entry ZoneParser::record(ZoneRecord& out) {
  Frame& frame = *frames_[depth_ - 1];
  out.line = frame.lexer.line();
  std::optional<std::uint32_t> ttl;
  std::optional<Class> klass;
  std::optional<Type> type;
  while (!type) {
    const Token token = frame.lexer.next();
    if (token.kind == Token::Kind::kError) return complain(token.text);
    if (token.kind != Token::Kind::kWord) return complain("the record has no type", token.text);
    if (is_digit(token.text.front())) {
      if (ttl) return complain("the record has two TTLs, or lacks its type", token.text);
      ttl = parse_period(token.text, kMaxTtl);
      if (!ttl) return complain("the TTL is not a period up to 2147483647 s, as 3600 or 1h", token.text);
    } else if (const auto found = type_from_text(token.text)) {
      type = found;
    } else if (const auto given = class_from_text(token.text)) {
      if (klass) return complain("the record has two classes", token.text);
      klass = given;
    } else {
      return complain("this is neither a TTL, a class nor a known type (others are written TYPE123)",
                      token.text);
    }
  }
  if (klass && *klass != Class::kIn) return complain("only class IN is served");
  if (!is_data(*type)) return complain("this type is for queries, not for data");
  if (ttl) last_ttl_ = ttl;
  if (!ttl) ttl = default_ttl_ ? default_ttl_ : last_ttl_;
  if (!ttl) return complain("the record has no TTL: give one, or a $TTL line before it");
  ByteWriter writer(danger_span(rdata_.get(), kMaxRdata));
  if (const auto parsed = parse_rdata(frame.lexer, *type, frame.origin_or_null(), writer); !parsed) {
    return complain(parsed.error().reason, parsed.error().word);
  }
  const Token end = frame.lexer.next();
  if (end.kind == Token::Kind::kEnd) frame.lexer.put_back(end);
  out.owner = owner_.wire();
  out.type = *type;
  out.klass = Class::kIn;
  out.ttl = *ttl;
  out.rdata = writer.written();
  out.file = frame.file;
  return Entry::kRecord;
}

}  // namespace fata::dns
