// Zone files in memory, and loading them into an engine.
#pragma once

#include <fata/base/log.hpp>
#include <fata/base/packet.hpp>
#include <fata/dns/engine.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace dns_server {

class ZoneTexts final : public fata::dns::Includes {
 public:
  void add(std::string name, fata::Slice text) { files_.push_back({std::move(name), std::move(text)}); }
  std::optional<std::string_view> text_of(std::string_view file) override;
  bool is_empty() const { return files_.empty(); }
  // "a.zone, b.zone": what there is, for messages.
  std::string names() const;

 private:
  struct File {
    std::string name;
    fata::Slice text;
  };
  std::vector<File> files_;
};

// Loads the zones that `wanted` lists, separated by commas: FILE or NAME=FILE, and builds the
// engine. A zone that cannot be loaded is one line of the log, and the others are served; its name,
// if known, is answered SERVFAIL. False if none can be loaded.
bool load_zones(fata::dns::Engine& engine, ZoneTexts& texts, std::string_view wanted, const fata::Logger& log);

}  // namespace dns_server
