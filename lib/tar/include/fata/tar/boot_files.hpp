// The files that a hypervisor passes to an image as its initial ramdisk: a tar archive as a
// read-only key-value store without copies.
#pragma once

#include <memory>

#include "fata/async/context.hpp"
#include "fata/base/constant_slices.hpp"
#include "fata/sig/boot_archive.hpp"
#include "fata/sig/key_listing.hpp"
#include "fata/tar/archive.hpp"

namespace fata::tar {

// Models sig::KeyValueReader. Its slices must not outlive it.
class BootFiles final : private sig::KeySet {
 public:
  // Fails if there is no archive or a malformed one. It never waits.
  template <sig::BootArchive Source>
  static async::Task<Result<std::unique_ptr<BootFiles>>> connect(async::Context&, Source& source) {
    co_return read(source.bytes());
  }
  static Result<std::unique_ptr<BootFiles>> read(Bytes archive);

  explicit BootFiles(Archive archive);

  // These never wait.
  async::Task<Result<Slice>> get(std::string_view key, async::Wait wait = {});
  async::Task<Result<std::vector<sig::KeyEntry>>> list(std::string_view folder,
                                                       async::Wait wait = {});

 private:
  std::size_t size() const override { return archive_.files().size(); }
  std::string_view key(std::size_t index) const override { return archive_.files()[index].name; }

  Archive archive_;
  ConstantSlices contents_;
};
static_assert(sig::KeyValueReader<BootFiles>);

namespace from_boot {
// The files in a plan, where a type is a template over the types of its devices.
template <sig::BootArchive>
using BootFiles = tar::BootFiles;
}  // namespace from_boot

}  // namespace fata::tar
