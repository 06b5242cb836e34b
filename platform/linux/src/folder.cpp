#include "fata/linux/folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "fata/linux/os_error.hpp"

namespace fata::linux {

async::Task<Result<std::unique_ptr<Folder>>> Folder::connect(async::Context&,
                                                             std::string_view path) {
  using Made = Result<std::unique_ptr<Folder>>;
  Fd fd(::open(std::string(path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  return async::ready(fd ? Made(new Folder(std::move(fd))) : Made(os_fail()));
}

Result<Fd> Folder::open(std::string_view key, int flags) const {
  if (key.starts_with('/')) return fail(Error(sig::KeyErrc::kBadKey));
  const std::string path(key.empty() ? "." : key);
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  how.resolve = RESOLVE_BENEATH;
  const long fd = ::syscall(SYS_openat2, folder_.get(), path.c_str(), &how, sizeof how);
  if (fd >= 0) return Fd(static_cast<int>(fd));
  if (errno == ENOENT || errno == ENOTDIR) return fail(Error(sig::KeyErrc::kNotFound));
  if (errno == EXDEV) return fail(Error(sig::KeyErrc::kBadKey));
  return os_fail();
}

async::Task<Result<Slice>> Folder::get(std::string_view key, async::Wait) {
  const Result<Fd> fd = open(key, 0);
  if (!fd) co_return fail(fd.error());
  struct stat status{};
  if (::fstat(fd->get(), &status) != 0) co_return os_fail();
  if (S_ISDIR(status.st_mode)) co_return fail(Error(sig::KeyErrc::kIsFolder));
  if (!S_ISREG(status.st_mode)) co_return fail(Error(sig::KeyErrc::kNotFound));
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > kMaxFile) co_return os_fail(EFBIG);
  auto memory = std::make_unique_for_overwrite<std::byte[]>(std::max<std::size_t>(size, 1));
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got =
        ::read(fd->get(), danger_span(memory.get(), size).subspan(have).data(), size - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) co_return os_fail();
    if (got == 0) break;  // the file was truncated meanwhile
    have += static_cast<std::size_t>(got);
  }
  auto buffer = std::make_unique<Buffer>();
  buffer->home = this;
  buffer->memory = memory.release();
  buffer->capacity = static_cast<std::uint32_t>(size);
  PacketBuf packet(*buffer.release(), 0);
  (void)packet.append(have);
  co_return Slice(std::move(packet));
}

void Folder::recycle(Buffer& buffer) noexcept {
  const std::unique_ptr<Buffer> block(&buffer);
  const std::unique_ptr<std::byte[]> memory(buffer.memory);
}

async::Task<Result<std::vector<sig::KeyEntry>>> Folder::list(std::string_view key, async::Wait) {
  Result<Fd> fd = open(key, O_DIRECTORY);
  if (!fd) co_return fail(fd.error());
  DIR* folder = ::fdopendir(::dup(fd->get()));
  if (folder == nullptr) co_return os_fail();
  std::vector<sig::KeyEntry> entries;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat status{};
    if (::fstatat(::dirfd(folder), entry->d_name, &status, 0) != 0) continue;
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
      entries.push_back({std::string(name), S_ISDIR(status.st_mode)});
  }
  ::closedir(folder);
  std::ranges::sort(entries, {}, &sig::KeyEntry::name);
  co_return entries;
}

SandboxNeeds Folder::sandbox_needs() const {
  const auto folder = static_cast<std::uint32_t>(folder_.get());
  return {.calls =
              {
                  // The flags are in memory, which a filter cannot read. Landlock restricts the
                  // call to reading.
                  {SYS_openat2, {argument_is(0, folder), argument_is(3, sizeof(open_how))}},
                  {SYS_fstat},
                  {SYS_newfstatat},
                  {SYS_getdents64},
                  {SYS_dup},
                  {SYS_fcntl, {argument_is(1, F_GETFL)}},
                  {SYS_fcntl, {argument_is(1, F_SETFD)}},
              },
          .folders = {folder_.get()}};
}

}  // namespace fata::linux
