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

namespace {
// What is loaded, and what is not.
class Loading {
 public:
  Loading(fata::dns::Engine& engine, ZoneTexts& texts, const fata::Logger& log)
      : engine_(engine), texts_(texts), log_(log), warnings_(log) {}

  // `what` is FILE or NAME=FILE.
  void load(std::string_view what) {
    std::string_view file = what;
    std::optional<fata::dns::Name> name;
    auto text = texts_.text_of(file);
    const std::size_t equals = what.find('=');
    if (!text && equals != what.npos) {
      const fata::dns::Name root;
      const auto given = fata::dns::Name::from_text(what.substr(0, equals), &root);
      file = what.substr(equals + 1);
      if (!given) {
        log_.error("--zone ", what, ": \"", what.substr(0, equals),
                   "\" is not the name of a zone: ", fata::Error(given.error()).message());
        return failed(file, {});
      }
      name = *given;
      text = texts_.text_of(file);
    }
    if (!text) {
      log_.error("there is no zone file \"", file, "\"; there is ", texts_.names(),
                 "; choose with --zone");
      return failed(file, name);
    }
    fata::dns::LoadOptions options;
    if (name) options.origin = options.apex = &*name;
    options.includes = &texts_;
    options.diagnostics = &warnings_;
    const auto zone = engine_.load(file, *text, options);
    if (!zone) {
      const bool lacks_origin =
          !name && zone.error().reason.find("$ORIGIN") != std::string_view::npos;
      log_.error(zone.error(), lacks_origin ? "; or give the zone's name: --zone NAME=FILE" : "");
      return failed(file, name ? name : fata::dns::zone_name(file, *text, options));
    }
    log_.info("zone ", zone->apex, ": ", zone->records, " records at ", zone->names, " names");
    ++loaded_;
  }

  bool finish() {
    if (loaded_ == 0) return false;
    if (!failed_.empty()) log_.warning("not all zones are served: ", failed_);
    engine_.build();
    return true;
  }

 private:
  void failed(std::string_view file, const std::optional<fata::dns::Name>& name) {
    failed_ += failed_.empty() ? "" : ", ";
    if (!name) return static_cast<void>((failed_ += "REFUSED for ").append(file));
    fata::Text<1100> shown(std::in_place, *name);
    (failed_ += "SERVFAIL for ").append(shown.view());
    engine_.load_failed(*name);
  }

  fata::dns::Engine& engine_;
  ZoneTexts& texts_;
  const fata::Logger& log_;
  Warnings warnings_;
  std::size_t loaded_ = 0;
  std::string failed_;  // what queries for the zones get that are not loaded
};
}  // namespace

bool load_zones(fata::dns::Engine& engine, ZoneTexts& texts, std::string_view wanted,
                const fata::Logger& log) {
  if (texts.is_empty()) {
    log.error("there are no zone files at all");
    return false;
  }
  if (wanted.empty()) {
    log.error("--zone names no zone file; there is ", texts.names());
    return false;
  }
  Loading loading(engine, texts, log);
  while (!wanted.empty()) {
    const std::size_t comma = std::min(wanted.find(','), wanted.size());
    loading.load(wanted.substr(0, comma));
    wanted.remove_prefix(std::min(comma + 1, wanted.size()));
  }
  return loading.finish();
}

}  // namespace dns_server
