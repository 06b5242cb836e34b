#include "fata/tar/boot_files.hpp"

namespace fata::tar {

BootFiles::BootFiles(Archive archive)
    : archive_(std::move(archive)), contents_(archive_.files().size()) {
  for (const Archive::File& file : archive_.files()) contents_.add(file.content);
}

Result<std::unique_ptr<BootFiles>> BootFiles::read(Bytes bytes) {
  if (bytes.empty()) return fail(Errc::kAbsent);
  Result<Archive> archive = Archive::read(bytes);
  if (!archive) return fail(archive.error());
  return std::make_unique<BootFiles>(std::move(*archive));
}

async::Task<Result<Slice>> BootFiles::get(std::string_view key, async::Wait) {
  const std::optional<std::size_t> found = archive_.find(key);
  if (!found) co_return fail(sig::why_missing(*this, key));
  co_return contents_.at(*found);
}

async::Task<Result<std::vector<sig::KeyEntry>>> BootFiles::list(std::string_view folder,
                                                                async::Wait) {
  co_return sig::list_keys(*this, folder);
}

}  // namespace fata::tar
