// A folder of an application, linked into its image: a read-only key-value store without copies.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "fata/crunch/table.hpp"
#include "fata/sig/key_value.hpp"

namespace fata::crunch {

// Models sig::KeyValueReader. Its slices must not outlive it.
class Files final : private BufferHome {
 public:
  // The table must live as long as the image.
  explicit Files(const Table& table);
  ~Files();
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  // Returns the content of exactly this key. It stays valid indefinitely.
  std::optional<Bytes> find(std::string_view key) const;

  // These never wait.
  async::Task<Result<Slice>> get(std::string_view key, async::Wait wait = {});
  async::Task<Result<std::vector<sig::KeyEntry>>> list(std::string_view folder,
                                                       async::Wait wait = {});

 private:
  void recycle(Buffer&) noexcept override {}  // the memory belongs to the image
  Error why_missing(std::string_view key) const;

  const Table& table_;
  // One per file. `whole_` is its first holder, so that it stays read-only.
  std::vector<Buffer> buffers_;
  std::vector<Slice> whole_;
};

}  // namespace fata::crunch
