// Opens a file or block device: determines its type, locks it against other writers, and queries
// its buffer requirements.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <bit>
#include <string>

#include "block_file_ring.hpp"
#include "block_thread.hpp"

namespace fata::linux {

const ErrorDomain& error_domain(BlockFileErrc) noexcept {
  static constexpr ErrorDomain domain{
      "disk", [](std::uint32_t code) -> std::string_view {
        switch (static_cast<BlockFileErrc>(code)) {
          case BlockFileErrc::kNoName:
            return "no file is named; make one with `truncate -s 64M FILE` and name it: fata run "
                   "--disk FILE";
          case BlockFileErrc::kBadOption:
            return "an unknown word after the file's name; there are ,ro and ,direct and "
                   ",sector=512 and "
                   ",sector=4096";
          case BlockFileErrc::kNotFound:
            return "no such file; make one with: truncate -s 64M FILE";
          case BlockFileErrc::kNoRights:
            return "no permission to read and write the file; add ,ro to read only, or run as its "
                   "owner";
          case BlockFileErrc::kBusy:
            return "the file is in use by another process or a guest, or the device is mounted";
          case BlockFileErrc::kNotBlock:
            return "neither a file nor a block device";
          case BlockFileErrc::kEmpty:
            return "the file is empty; give it a size with: truncate -s 64M FILE";
          case BlockFileErrc::kBadSize:
            return "the file's size is no whole number of sectors; fix it with: truncate -s %4096 "
                   "FILE";
          case BlockFileErrc::kNoDirect:
            return "this file system knows no O_DIRECT; leave out ,direct";
        }
        return "unknown";
      }};
  return domain;
}

namespace {

struct Wanted {
  std::string path;
  bool writable = true;
  bool direct = false;
  std::uint32_t sector_size = 0;  // 0: the default
};

// Options are taken from the end, because a path may contain commas.
Result<Wanted> parse(std::string_view what) {
  Wanted wanted;
  for (;;) {
    const std::size_t comma = what.rfind(',');
    if (comma == what.npos) break;
    const std::string_view word = what.substr(comma + 1);
    if (word == "ro") {
      wanted.writable = false;
    } else if (word == "direct") {
      wanted.direct = true;
    } else if (word == "sector=512" || word == "sector=4096") {
      wanted.sector_size = word == "sector=512" ? 512 : 4096;
    } else if (word.contains('/') || word.contains('.')) {
      break;  // part of the path
    } else {
      return fail(Error(BlockFileErrc::kBadOption));
    }
    what = what.substr(0, comma);
  }
  if (what.empty()) return fail(Error(BlockFileErrc::kNoName));
  wanted.path = what;
  return wanted;
}

// QEMU's lock bytes (block/file-posix.c): a read lock on byte 100 + n means "permission n is in
// use"; one on byte 200 + n means "permission n is denied to others". Permission 1 is writing. A
// write lock over all of these bytes excludes every other user.
constexpr off_t kUses = 100, kExcludes = 200, kWriting = 1;

enum class Locked { kYes, kBusy, kNoLocks };

Locked lock_bytes(int fd, int command, short type, off_t start, off_t length) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = start;
  lock.l_len = length;
  if (::fcntl(fd, command, &lock) != 0)
    return errno == EAGAIN || errno == EACCES ? Locked::kBusy : Locked::kNoLocks;
  return command == F_OFD_GETLK && lock.l_type != F_UNLCK ? Locked::kBusy : Locked::kYes;
}

// The locks are held until the file is closed.
Locked lock_image(int fd, bool writable) {
  if (writable) return lock_bytes(fd, F_OFD_SETLK, F_WRLCK, kUses, 2 * (kExcludes - kUses));
  const Locked excluded = lock_bytes(fd, F_OFD_SETLK, F_RDLCK, kExcludes + kWriting, 1);
  return excluded == Locked::kYes ? lock_bytes(fd, F_OFD_GETLK, F_WRLCK, kUses + kWriting, 1)
                                  : excluded;
}

// Only /sys shows whether a block device supports discard.
bool device_discards(dev_t device) {
  Text<100> path(std::in_place, "/sys/dev/block/", ::major(device), ":", ::minor(device),
                 "/queue/discard_max_bytes");
  const Fd file(::open(std::string(path.view()).c_str(), O_RDONLY | O_CLOEXEC));
  char first = '0';
  return file && ::read(file.get(), &first, 1) == 1 && first != '0';
}

Result<sig::BlockGeometry> geometry_of(int fd, const Wanted& wanted) {
  struct statx status{};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_DIOALIGN, &status) != 0)
    return os_fail();
  sig::BlockGeometry geometry{.writable = wanted.writable, .discards = wanted.writable};
  std::uint64_t bytes = status.stx_size;
  std::uint32_t preferred = status.stx_blksize;
  if (S_ISBLK(status.stx_mode)) {
    int logical = 512;
    unsigned physical = 512;
    if (::ioctl(fd, BLKGETSIZE64, &bytes) != 0 || ::ioctl(fd, BLKSSZGET, &logical) != 0)
      return os_fail();
    if (::ioctl(fd, BLKPBSZGET, &physical) == 0) preferred = std::max(physical, 4096U);
    geometry.sector_size = std::max(static_cast<std::uint32_t>(logical), wanted.sector_size);
    geometry.discards =
        wanted.writable && device_discards(::makedev(status.stx_rdev_major, status.stx_rdev_minor));
  } else if (S_ISREG(status.stx_mode)) {
    geometry.sector_size = wanted.sector_size == 0 ? 512 : wanted.sector_size;
  } else {
    return fail(Error(BlockFileErrc::kNotBlock));
  }
  if (wanted.direct) {
    // Kernels before 6.1 do not report the alignment; page alignment is enough for every file
    // system.
    const bool known = (status.stx_mask & STATX_DIOALIGN) != 0;
    if (known && status.stx_dio_offset_align == 0) return fail(Error(BlockFileErrc::kNoDirect));
    geometry.alignment =
        known ? std::bit_ceil(std::clamp(status.stx_dio_mem_align, 1U, 4096U)) : 4096;
    geometry.sector_size =
        std::max(geometry.sector_size, known ? std::bit_ceil(status.stx_dio_offset_align) : 4096U);
  }
  if (bytes == 0) return fail(Error(BlockFileErrc::kEmpty));
  if (bytes % geometry.sector_size != 0) return fail(BlockFileErrc::kBadSize, geometry.sector_size);
  geometry.sectors = bytes / geometry.sector_size;
  geometry.optimal =
      std::max(geometry.sector_size, std::bit_floor(std::clamp(preferred, 512U, 1U << 20)));
  return geometry;
}

}  // namespace

Result<std::unique_ptr<BlockFile>> BlockFile::open(async::Context& context, std::string_view what) {
  const Result<Wanted> wanted = parse(what);
  if (!wanted) return fail(wanted.error());
  struct stat before{};
  const bool device = ::stat(wanted->path.c_str(), &before) == 0 && S_ISBLK(before.st_mode);
  // With O_EXCL, open() fails if the block device is mounted.
  const int flags = (wanted->writable ? O_RDWR : O_RDONLY) | (wanted->direct ? O_DIRECT : 0) |
                    (device && wanted->writable ? O_EXCL : 0) | O_CLOEXEC | O_NONBLOCK;
  Fd fd(::open(wanted->path.c_str(), flags));
  if (!fd) {
    switch (errno) {
      case ENOENT:
      case ENOTDIR:
        return fail(Error(BlockFileErrc::kNotFound));
      case EACCES:
      case EPERM:
      case EROFS:
        return fail(Error(BlockFileErrc::kNoRights));
      case EBUSY:
        return fail(Error(BlockFileErrc::kBusy));
      case EISDIR:
      case ENXIO:
        return fail(Error(BlockFileErrc::kNotBlock));
      case EINVAL:
        if (wanted->direct) return fail(Error(BlockFileErrc::kNoDirect));
        [[fallthrough]];
      default:
        return os_fail();
    }
  }
  const Result<sig::BlockGeometry> geometry = geometry_of(fd.get(), *wanted);
  if (!geometry) return fail(geometry.error());
  const Logger log = context.logger("disk");
  switch (lock_image(fd.get(), wanted->writable)) {
    case Locked::kYes:
      break;
    case Locked::kBusy:
      return fail(Error(BlockFileErrc::kBusy));
    case Locked::kNoLocks:
      log.warning(wanted->path,
                  ": its file system knows no locks: nothing hinders others from writing to it");
  }
  auto ring = std::make_unique<Ring>();
  if (!ring->ended) return os_fail();
  std::unique_ptr<BlockThread> thread;
  if (!ring->open(kParallel)) {
    log.info(kNoUring, "a thread reads and writes ", wanted->path);
    auto started = BlockThread::start(fd.get(), ring->ended.get());
    if (!started) return fail(started.error());
    thread = std::move(*started);
  }
  log.info(wanted->path, ": ", geometry->sectors, " sectors of ", geometry->sector_size, " bytes",
           geometry->writable ? "" : ", read-only", geometry->discards ? ", discards" : "",
           wanted->direct ? ", direct" : "");
  return std::unique_ptr<BlockFile>(
      new BlockFile(std::move(fd), std::move(ring), std::move(thread), *geometry, log));
}

// Retries while the file is busy: when a process that used io_uring is killed, the kernel closes
// the files registered with its ring a little later.
async::Task<Result<std::unique_ptr<BlockFile>>> BlockFile::open_patiently(async::Context* context,
                                                                          std::string_view what) {
  constexpr Duration kPause = milliseconds(50), kTimeout = seconds(2);
  for (Duration waited{};; waited = waited + kPause) {
    auto file = open(*context, what);
    if (file || file.error() != Error(BlockFileErrc::kBusy) || waited >= kTimeout) co_return file;
    if (waited.ns == 0) context->logger("disk").info(what, " is in use; waiting for it");
    if (!co_await async::sleep(kPause, context->stop)) co_return file;
  }
}

async::Task<Result<std::unique_ptr<BlockFile>>> BlockFile::connect(async::Context& context,
                                                                   std::string_view what) {
  return open_patiently(&context, what);
}

}  // namespace fata::linux
