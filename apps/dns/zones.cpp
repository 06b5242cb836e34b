#include "zones.hpp"

namespace dns_server {

std::optional<std::string_view> ZoneTexts::text_of(std::string_view file) {
  for (const File& known : files_) {
    if (known.name == file) return known.text.text();
  }
  return std::nullopt;
}

std::string ZoneTexts::names() const {
  std::string names;
  for (const File& file : files_) names += (names.empty() ? "" : ", ") + file.name;
  return names;
}

namespace {
class Warnings final : public fata::dns::Diagnostics {
 public:
  explicit Warnings(const fata::Logger& log) : log_(log) {}
  void warning(const fata::dns::Complaint& complaint) override { log_.warning(complaint); }

 private:
  const fata::Logger& log_;
};
}  // namespace

bool load_zones(fata::dns::Engine& engine, ZoneTexts& texts, std::string_view wanted,
                const fata::Logger& log) {
  Warnings warnings(log);
  if (texts.is_empty()) {
    log.error("there are no zone files at all");
    return false;
  }
  if (wanted.empty()) {
    log.error("--zone names no zone file; there is ", texts.names());
    return false;
  }
  while (!wanted.empty()) {
    const std::size_t comma = std::min(wanted.find(','), wanted.size());
    const std::string_view file = wanted.substr(0, comma);
    wanted.remove_prefix(std::min(comma + 1, wanted.size()));
    const auto text = texts.text_of(file);
    if (!text) {
      log.error("there is no zone file \"", file, "\"; there is ", texts.names(), "; choose with --zone");
      return false;
    }
    fata::dns::LoadOptions options;
    options.includes = &texts;
    options.diagnostics = &warnings;
    const auto zone = engine.load(file, *text, options);
    if (!zone) {
      log.error(zone.error());
      return false;
    }
    log.info("zone ", zone->apex, ": ", zone->records, " records at ", zone->names, " names");
  }
  engine.build();
  return true;
}

}  // namespace dns_server
