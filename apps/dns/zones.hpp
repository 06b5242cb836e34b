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

// The texts of zone files, by their paths in the store. Only the files that --zone names and the
// files that they include are read.
class ZoneTexts final : public fata::dns::Includes {
 public:
  // Adds an entry of the store's root. entries() lists the first twenty, for messages.
  void add_entry(const fata::sig::KeyEntry& entry);
  const std::string& entries() const { return entries_; }

  // Queues the files of --zone, whose items are FILE or NAME=FILE.
  void want_items(std::string_view items);
  // The next file to read; null if none is left. Returns each file once. The pointer is valid until
  // the next call of a function that may queue files: add() or want_items().
  const std::string* next_wanted();
  // Adds the text of a file, and queues the files that it includes to be read next.
  void add(std::string path, fata::Slice text);
  // Records a file that exists but cannot be read; the caller has already logged it.
  void add_unreadable(std::string path) { unreadable_.push_back(std::move(path)); }
  bool is_unreadable(std::string_view file) const;

  // `file` need not be normalized: "./a" and "b/../a" both find "a".
  std::optional<std::string_view> text_of(std::string_view file) override;

 private:
  struct File {
    std::string path;
    fata::Slice text;
  };
  void want(std::optional<std::string> path);

  std::vector<File> files_;
  std::vector<std::string> wanted_;
  std::size_t given_ = 0;  // entries of wanted_ already returned
  std::vector<std::string> unreadable_;
  std::string entries_;
  std::size_t entry_count_ = 0;
};

// `wanted` is a comma-separated list of FILE or NAME=FILE. Loads these zones, then builds the
// engine. If a zone cannot be loaded, logs one line, answers SERVFAIL for the zone's name if it is
// known, and serves the others. False if no zone can be loaded, or an item is empty.
bool load_zones(fata::dns::Engine& engine, ZoneTexts& texts, std::string_view wanted,
                const fata::Logger& log);

}  // namespace dns_server
