// For models of KeyValueReader that hold a flat set of keys.
#pragma once

#include "fata/sig/key_value.hpp"

namespace fata::sig {

// True for a relative path without empty, "." or ".." components.
bool is_key(std::string_view text);

// A flat set of distinct keys, in any order.
class KeySet {
 public:
  virtual std::size_t size() const = 0;
  virtual std::string_view key(std::size_t index) const = 0;

 protected:
  ~KeySet() = default;
};

// What KeyValueReader::list() returns for `folder`. A folder exists if it has files.
Result<std::vector<KeyEntry>> list_keys(const KeySet& keys, std::string_view folder);

// Why get() finds no value for `key`.
Error why_missing(const KeySet& keys, std::string_view key);

}  // namespace fata::sig
