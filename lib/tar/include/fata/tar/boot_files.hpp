// The files that a hypervisor passes to an image as its initial ramdisk: a tar archive as a
// read-only key-value store without copies.
#pragma once

#include <memory>

#include "fata/async/context.hpp"
#include "fata/base/constant_slices.hpp"
#include "fata/sig/boot_archive.hpp"
#include "fata/sig/key_value.hpp"
#include "fata/tar/archive.hpp"

namespace fata::tar {

// Models sig::KeyValueReader. Its slices must not outlive it.
class BootFiles final {
 public:
  // Fails if there is no archive or a malformed one. It never waits.
  template <sig::BootArchive Source>
  static async::Task<Result<std::unique_ptr<BootFiles>>> connect(async::Context&, Source& source) {
    return connect_to(source.bytes());
  }
  static Result<std::unique_ptr<BootFiles>> read(Bytes archive);

  explicit BootFiles(Archive archive);

  // These never wait.
  async::Task<Result<Slice>> get(std::string_view key, async::Wait wait = {});
  async::Task<Result<std::vector<sig::KeyEntry>>> list(std::string_view folder,
                                                       async::Wait wait = {});

 private:
  static async::Task<Result<std::unique_ptr<BootFiles>>> connect_to(Bytes archive);
  std::span<const Archive::File> below(std::string_view folder) const;

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
