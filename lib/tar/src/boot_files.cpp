#include "fata/tar/boot_files.hpp"

#include <algorithm>

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

async::Task<Result<std::unique_ptr<BootFiles>>> BootFiles::connect_to(Bytes archive) {
  co_return read(archive);
}

std::span<const Archive::File> BootFiles::below(std::string_view folder) const {
  const std::span<const Archive::File> files = archive_.files();
  if (folder.empty()) return files;
  const std::string start = std::string(folder) + '/';
  const auto name_of = [](const Archive::File& file) { return std::string_view(file.name); };
  const auto first = std::ranges::lower_bound(files, std::string_view(start), {}, name_of);
  const auto begin = static_cast<std::size_t>(first - files.begin());
  std::size_t end = begin;
  while (end != files.size() && files[end].name.starts_with(start)) ++end;
  return files.subspan(begin, end - begin);
}

async::Task<Result<Slice>> BootFiles::get(std::string_view key, async::Wait) {
  const std::optional<std::size_t> found = archive_.find(key);
  if (found) co_return contents_.at(*found);
  if (!sig::is_key(key)) co_return fail(sig::KeyErrc::kBadKey);
  co_return fail(below(key).empty() ? sig::KeyErrc::kNotFound : sig::KeyErrc::kIsFolder);
}

async::Task<Result<std::vector<sig::KeyEntry>>> BootFiles::list(std::string_view folder,
                                                                async::Wait) {
  if (!folder.empty() && !sig::is_key(folder)) co_return fail(sig::KeyErrc::kBadKey);
  const std::span<const Archive::File> files = below(folder);
  if (files.empty() && !folder.empty()) co_return fail(sig::KeyErrc::kNotFound);
  const std::size_t skipped = folder.empty() ? 0 : folder.size() + 1;
  std::vector<sig::KeyEntry> entries;
  for (const Archive::File& file : files) {
    const std::string_view rest = std::string_view(file.name).substr(skipped);
    const std::size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    // A folder's files are neighbours; but "a-b" is before "a/c", and so before the folder "a".
    auto at = entries.end();
    while (at != entries.begin() && name < (at - 1)->name) --at;
    if (at != entries.begin() && (at - 1)->name == name) continue;
    entries.insert(at, {.name = std::string(name), .folder = slash != rest.npos});
  }
  co_return entries;
}

}  // namespace fata::tar
