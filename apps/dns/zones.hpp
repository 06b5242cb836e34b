// Zone files in memory, and loading them into an engine.
#pragma once

#include <fata/base/log.hpp>
#include <fata/base/packet.hpp>
#include <fata/dns/engine.hpp>
#include <fata/sig/key_value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dns_server {

// The files that zones are made of, by their paths in the store. Only files that --zone names, and
// those that they include, are wanted.
class ZoneTexts final : public fata::dns::Includes {
 public:
  // What the store's root holds, for messages: the first twenty.
  void add_entry(const fata::sig::KeyEntry& entry);
  const std::string& entries() const { return entries_; }

  // Items of --zone: FILE or NAME=FILE.
  void want_items(std::string_view items);
  // The next file to read; null if none is left. Each is given once, and valid until the next call.
  const std::string* next_wanted();
  // What was read. Wants what it includes.
  void add(std::string path, fata::Slice text);
  // It is there and cannot be read, which the log says.
  void add_unreadable(std::string path) { unreadable_.push_back(std::move(path)); }
  bool is_unreadable(std::string_view file) const;

  // By any path to it.
  std::optional<std::string_view> text_of(std::string_view file) override;

 private:
  struct File {
    std::string path;
    fata::Slice text;
  };
  void want(std::optional<std::string> path);

  std::vector<File> files_;
  std::vector<std::string> wanted_;
  std::size_t given_ = 0;  // of wanted_
  std::vector<std::string> unreadable_;
  std::string entries_;
  std::size_t entry_count_ = 0;
};

// Loads the zones that `wanted` lists, separated by commas: FILE or NAME=FILE, and builds the
// engine. A zone that cannot be loaded is one line of the log, and the others are served; its name,
// if known, is answered SERVFAIL. False if none can be loaded, or an item is empty.
bool load_zones(fata::dns::Engine& engine, ZoneTexts& texts, std::string_view wanted,
                const fata::Logger& log);

}  // namespace dns_server
