// A folder of an application, linked into its image: a read-only key-value store without copies.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "fata/base/constant_slices.hpp"
#include "fata/crunch/table.hpp"
#include "fata/sig/key_value.hpp"

namespace fata::crunch {

// Models sig::KeyValueReader. Its slices must not outlive it.
class Files final {
 public:
  // The table must live as long as the image.
  explicit Files(const Table& table);

  // Returns the content of exactly this key. It stays valid indefinitely.
  std::optional<Bytes> find(std::string_view key) const;

  // These never wait.
  async::Task<Result<Slice>> get(std::string_view key, async::Wait wait = {});
  async::Task<Result<std::vector<sig::KeyEntry>>> list(std::string_view folder,
                                                       async::Wait wait = {});

 private:
  Error why_missing(std::string_view key) const;

  const Table& table_;
  ConstantSlices contents_;
};

}  // namespace fata::crunch
