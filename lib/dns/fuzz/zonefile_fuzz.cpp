// Reads any text as a master file (text after a NUL is the file that it may include). The text is
// parsed to the end or rejected with an error. If it is a zone, every record inside it can be
// queried.
#include <algorithm>
#include <string>
#include <vector>

#include "fata/base/panic.hpp"
#include "fata/dns/engine.hpp"
#include "fata/dns/message.hpp"
#include "fata/dns/rdata.hpp"

namespace {

using namespace fata;

class OneInclude final : public dns::Includes, public dns::Diagnostics {
 public:
  explicit OneInclude(std::string_view text) : text_(text) {}
  std::optional<std::string_view> text_of(std::string_view file) override {
    if (file == "missing") return {};
    return text_;
  }
  void warning(const dns::Diagnostic& diagnostic) override {
    check(!diagnostic.reason.empty(), "a warning says why");
  }

 private:
  std::string_view text_;
};

// Includes may multiply records; this bounds the run time.
constexpr std::size_t kMaxRecords = 2000;

using Found = std::vector<std::pair<dns::Name, dns::Type>>;

bool parses(std::string_view text, const dns::Name& origin, OneInclude& include, Found& found) {
  dns::ZoneParser parser("zone", text, &origin, &include);
  dns::ZoneRecord record;
  for (std::size_t i = 0; i < kMaxRecords; ++i) {
    const auto more = parser.next(record);
    if (!more) {
      Text<512> line(std::in_place, more.error());
      check(!more.error().reason.empty() && more.error().line != 0,
            "a diagnostic says where and why");
      return false;
    }
    if (!*more) return true;
    const auto owner = dns::Name::from_wire(record.owner);
    check(owner.has_value(), "an owner is a whole name");
    check(dns::valid_rdata(record.type, record.rdata), "rdata is valid for its type");
    Text<1024> shown(std::in_place, *owner);
    const auto again = dns::Name::from_text(shown.view());
    check(again.has_value() && equal_bytes(again->wire(), owner->wire()),
          "a name survives its text");
    found.emplace_back(*owner, record.type);
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all = as_text(std::as_bytes(danger_span(data, size)));
  const std::size_t nul = std::min(all.find('\0'), all.size());
  const std::string_view text = all.substr(0, nul);
  OneInclude include(all.substr(std::min(nul + 1, all.size())));
  const auto origin = dns::Name::from_text("example.org.");
  Found found;
  if (!parses(text, *origin, include, found)) return 0;
  dns::Engine engine;
  const auto loaded = engine.load(
      "zone", text, {.origin = &*origin, .includes = &include, .diagnostics = &include});
  if (!loaded) return 0;
  engine.build();
  std::vector<std::byte> query(512), out(65535);
  for (const auto& [name, type] : found) {
    if (!dns::is_under(name, loaded->apex)) continue;  // ignored with a warning
    dns::Writer writer(query);
    writer.bytes(Bytes(query).first(dns::kHeaderSize));
    writer.question(name, type, dns::Class::kIn);
    writer.header({.questions = 1});
    const std::size_t answered =
        engine.answer(Bytes(query).first(writer.position()), out, dns::Transport::kTcp);
    check(answered != 0, "a query for a record of the zone is answered");
    dns::Reader reader(Bytes(out).first(answered));
    const auto header = reader.header();
    check(header && header->rcode() != static_cast<unsigned>(dns::Rcode::kRefused),
          "and not refused");
    check(reader.question().has_value(), "the question is whole");
    for (int i = header->answers + header->authorities + header->additionals; i != 0; --i) {
      check(reader.record().has_value(), "each record is whole");
    }
    check(reader.at_end(), "and nothing follows");
  }
  return 0;
}
