// A tar archive in memory: ustar (POSIX.1-1988), the extended headers of pax (POSIX.1-2001), and
// the long names of GNU tar.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fata/base/packet.hpp"
#include "fata/base/result.hpp"

namespace fata::tar {

// The detail is the number of the header's block of 512 bytes, from 1.
enum class Errc : std::uint32_t {
  kTruncated = 1,  // ends within an entry, or after its extended header
  kChecksum,       // of a header
  kNumber,         // a size that is not octal, or larger than an archive can be
  kName,           // not a relative path without "..", or longer than kMaxName
  kKind,           // a symbolic link, a device, a sparse file, or a hard link to no earlier file
  kExtended,       // a malformed extended header
  kConflict,       // a path is both a file and a folder
  kTooMany,        // more than kMaxFiles
  kAbsent,         // nothing was passed to the image
};
const ErrorDomain& error_domain(Errc) noexcept;

// The regular files of an archive. Folders without files are left out. If two entries have the same
// name, the later one counts.
class Archive {
 public:
  static constexpr std::size_t kMaxFiles = 65536;
  static constexpr std::size_t kMaxName = 4096;           // bytes
  static constexpr std::size_t kMaxContent = 0xffffffff;  // bytes of a file: those of a Slice

  struct File {
    std::string name;         // "a/b.txt"
    Bytes content;            // lies in the archive
    std::uint32_t block = 0;  // of its header, from 1
  };

  // Reads and checks all headers. An archive ends with a block of zeros, or without one.
  static Result<Archive> read(Bytes archive);

  // Sorted by name, bytewise.
  std::span<const File> files() const { return files_; }
  // Its index.
  std::optional<std::size_t> find(std::string_view name) const;

 private:
  std::vector<File> files_;
};

}  // namespace fata::tar
