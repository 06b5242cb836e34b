// A folder of the Linux host as a read-only key-value store. Models sig::KeyValueReader.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fata/async/context.hpp"
#include "fata/linux/fd.hpp"
#include "fata/linux/sandbox.hpp"
#include "fata/sig/key_value.hpp"

namespace fata::linux {

// Nothing outside the folder is reachable, whether through ".." or a symbolic link. Reads block the
// loop; use them at startup.
class Folder final : private BufferHome {
 public:
  static constexpr std::size_t kMaxFile = std::size_t{1} << 30;

  static async::Task<Result<std::unique_ptr<Folder>>> connect(async::Context& context,
                                                              std::string_view path);

  // Returns a copy of the file, which is freed with the slice's last reference. The slice must not
  // outlive the Folder.
  async::Task<Result<Slice>> get(std::string_view key, async::Wait wait = {});
  async::Task<Result<std::vector<sig::KeyEntry>>> list(std::string_view key, async::Wait wait = {});

  SandboxNeeds sandbox_needs() const;

 private:
  explicit Folder(Fd folder) : folder_(std::move(folder)) {}
  Result<Fd> open(std::string_view key, int flags) const;
  void recycle(Buffer& buffer) noexcept override;

  Fd folder_;
};
static_assert(sig::KeyValueReader<Folder>);

}  // namespace fata::linux
