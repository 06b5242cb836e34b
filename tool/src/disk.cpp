#include "disk.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "error.hpp"

namespace fata::tool {

Disk parse_disk(const std::string& text) {
  Disk disk{.file = text};
  for (;;) {
    const std::size_t comma = disk.file.rfind(',');
    if (comma == std::string::npos) break;
    const std::string word = disk.file.substr(comma + 1);
    if (word == "ro") {
      disk.read_only = true;
    } else if (word == "direct") {
      disk.direct = true;
    } else if (word == "sector=512" || word == "sector=4096") {
      disk.sector_size = word == "sector=512" ? 512 : 4096;
    } else if (word.find_first_of("/.") != std::string::npos) {
      break;  // a part of the path
    } else {
      throw UsageError(
          "--disk " + text +
          ": after the file's name may follow ,ro ,direct ,sector=512 and ,sector=4096, not ," +
          word);
    }
    disk.file.erase(comma);
  }
  if (disk.file.empty()) throw UsageError("--disk: the file name is missing");
  return disk;
}

void check_disk_count(const Plan& plan, const std::vector<std::string>& given) {
  if (given.size() <= plan.disks.size()) return;
  if (plan.disks.empty()) throw UsageError("--disk: this application has no disk");
  std::string names;
  for (const std::string& name : plan.disks) names += (names.empty() ? "" : ", ") + name;
  throw UsageError("--disk: " + std::to_string(given.size()) +
                   " are given, and the application has " + std::to_string(plan.disks.size()) +
                   ": " + names);
}

namespace {
struct File {
  int number;
  ~File() {
    if (number >= 0) ::close(number);
  }
};
}  // namespace

void check_disk(const Disk& disk) {
  const auto refuse = [&](const std::string& why) {
    throw UsageError("--disk: " + disk.file + why);
  };
  const File file{
      ::open(disk.file.c_str(), (disk.read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK)};
  if (file.number < 0) {
    if (errno == ENOENT) refuse(": no such file; make one with: truncate -s 64M " + disk.file);
    if (errno == EISDIR) refuse(" is neither a file nor a block device");
    refuse(std::string(": ") + std::strerror(errno) +
           (disk.read_only ? "" : "; add ,ro to read only"));
  }
  struct stat status{};
  ::fstat(file.number, &status);
  auto bytes = static_cast<std::uint64_t>(status.st_size);
  if (S_ISBLK(status.st_mode)) {
    if (::ioctl(file.number, BLKGETSIZE64, &bytes) != 0)
      refuse(std::string(": ") + std::strerror(errno));
  } else if (!S_ISREG(status.st_mode)) {
    refuse(" is neither a file nor a block device");
  }
  if (bytes == 0) refuse(" is empty; give it a size with: truncate -s 64M " + disk.file);
  if (bytes % disk.sector_size != 0) {
    refuse("'s size is not a multiple of " + std::to_string(disk.sector_size) +
           "; fix it with: truncate -s %4096 " + disk.file);
  }
  // The byte range that QEMU and Fata's processes lock.
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = disk.read_only ? 101 : 100;
  lock.l_len = disk.read_only ? 1 : 200;
  if (::fcntl(file.number, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
    refuse(" is in use by another process");
}

}  // namespace fata::tool
