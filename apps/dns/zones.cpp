#include "zones.hpp"

#include <fata/dns/include_path.hpp>

#include <algorithm>

namespace dns_server {

namespace {
// Removes and returns the first item of a list separated by commas and optional blanks.
std::string_view take_item(std::string_view& items) {
  std::string_view item = items.substr(0, items.find(','));
  items.remove_prefix(std::min(item.size() + 1, items.size()));
  while (item.starts_with(' ')) item.remove_prefix(1);
  while (item.ends_with(' ')) item.remove_suffix(1);
  return item;
}
}  // namespace

void ZoneTexts::add_entry(const fata::sig::KeyEntry& entry) {
  constexpr std::size_t kMaxShown = 20;
  if (++entry_count_ > kMaxShown) {
    if (entry_count_ == kMaxShown + 1) entries_ += ", ...";
    return;
  }
  entries_ += entries_.empty() ? "" : ", ";
  entries_.append(entry.name).append(entry.folder ? "/" : "");
}

void ZoneTexts::want(std::optional<std::string> path) {
  if (path && std::ranges::find(wanted_, *path) == wanted_.end())
    wanted_.push_back(std::move(*path));
}

void ZoneTexts::want_items(std::string_view items) {
  while (!items.empty()) {
    const std::string_view item = take_item(items);
    want(fata::dns::normal_path(item));
    if (const std::size_t equals = item.find('='); equals != item.npos)
      want(fata::dns::normal_path(item.substr(equals + 1)));
  }
}

const std::string* ZoneTexts::next_wanted() {
  return given_ == wanted_.size() ? nullptr : &wanted_[given_++];
}

void ZoneTexts::add(std::string path, fata::Slice text) {
  for (const std::string_view file : fata::dns::included_files(text.text())) {
    fata::dns::IncludePaths paths = fata::dns::include_paths(path, file);
    want(std::move(paths.below_root));
    want(std::move(paths.beside));
  }
  files_.push_back({std::move(path), std::move(text)});
}

bool ZoneTexts::is_unreadable(std::string_view file) const {
  const auto path = fata::dns::normal_path(file);
  return path && std::ranges::contains(unreadable_, *path);
}

std::optional<std::string_view> ZoneTexts::text_of(std::string_view file) {
  const auto path = fata::dns::normal_path(file);
  for (const File& known : files_) {
    if (path == known.path) return known.text.text();
  }
  return std::nullopt;
}

namespace {
class Warnings final : public fata::dns::Diagnostics {
 public:
  explicit Warnings(const fata::Logger& log) : log_(log) {}
  void warning(const fata::dns::Diagnostic& diagnostic) override { log_.warning(diagnostic); }

 private:
  const fata::Logger& log_;
};
}  // namespace

namespace {
// Loads zones, and records which were loaded and which were not.
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
      if (texts_.is_unreadable(file)) return failed(file, name);  // the reason is in the log
      log_.error("there is no zone file \"", file, "\"; there is ", texts_.entries(),
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
    loaded_.push_back(zone->apex);
  }

  bool finish() {
    if (loaded_.empty()) return false;
    std::string list;
    for (const Failure& failure : failed_) {
      if (!is_served(failure.name)) list.append(list.empty() ? "" : ", ").append(failure.text);
    }
    if (!list.empty()) log_.warning("not all zones are served: ", list);
    engine_.build();
    return true;
  }

 private:
  // The response to queries for a zone that was not loaded.
  struct Failure {
    std::string text;
    std::optional<fata::dns::Name> name;
  };

  void failed(std::string_view file, const std::optional<fata::dns::Name>& name) {
    Failure failure{std::string("REFUSED for ").append(file), name};
    if (name) {
      fata::Text<1100> shown(std::in_place, *name);
      failure.text = std::string("SERVFAIL for ").append(shown.view());
      engine_.load_failed(*name);
    }
    const bool known = std::ranges::contains(failed_, failure.text, &Failure::text);
    if (!known) failed_.push_back(std::move(failure));
  }

  // Another item may have loaded the zone.
  bool is_served(const std::optional<fata::dns::Name>& name) const {
    return name && std::ranges::any_of(loaded_, [&](const fata::dns::Name& apex) {
             return fata::dns::same_name(apex, *name);
           });
  }

  fata::dns::Engine& engine_;
  ZoneTexts& texts_;
  const fata::Logger& log_;
  Warnings warnings_;
  std::vector<fata::dns::Name> loaded_;
  std::vector<Failure> failed_;
};
}  // namespace

bool load_zones(fata::dns::Engine& engine, ZoneTexts& texts, std::string_view wanted,
                const fata::Logger& log) {
  if (texts.entries().empty()) {
    log.error("there are no zone files at all");
    return false;
  }
  if (wanted.empty()) {
    log.error("--zone names no zone file; there is ", texts.entries());
    return false;
  }
  std::vector<std::string_view> items;
  bool more = true;
  for (std::string_view rest = wanted; more;) {
    more = rest.contains(',');
    const std::string_view item = take_item(rest);
    if (item.empty()) {
      log.error("--zone=", wanted,
                ": an item is empty; items are FILE or NAME=FILE, with commas between");
      return false;
    }
    if (std::ranges::contains(items, item)) {
      log.warning("--zone names ", item, " twice");
    } else {
      items.push_back(item);
    }
  }
  Loading loading(engine, texts, log);
  for (const std::string_view item : items) loading.load(item);
  return loading.finish();
}

}  // namespace dns_server
