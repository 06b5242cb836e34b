// A folder of an application, linked into its image: a read-only key-value store that copies
// nothing.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "fata/crunch/table.hpp"
#include "fata/sig/key_value.hpp"

namespace fata::crunch {

// Models sig::KeyValueReader. Slices that it gave may outlive neither it nor (like everything) the
// image.
class Files final : private BufferHome {
 public:
  // The table lives as long as the image.
  explicit Files(const Table& table);
  ~Files();
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  // The content of exactly this key, for ever.
  std::optional<Bytes> find(std::string_view key) const;

  // Neither ever waits.
  async::Task<Result<Slice>> get(std::string_view key, async::Wait wait = {});
  async::Task<Result<std::vector<sig::KeyEntry>>> list(std::string_view folder,
                                                       async::Wait wait = {});

 private:
  void take_home(Buffer&) noexcept override {}  // the memory is the image's own
  Error why_missing(std::string_view key) const;

  const Table& table_;
  // One a file; given its first holder by `whole_`, so that it stays read-only.
  std::vector<Buffer> buffers_;
  std::vector<Slice> whole_;
};

}  // namespace fata::crunch
