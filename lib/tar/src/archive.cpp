#include "fata/tar/archive.hpp"

#include <algorithm>

#include "fata/base/bytes.hpp"
#include "fata/base/text.hpp"
#include "fata/sig/key_value.hpp"

namespace fata::tar {

const ErrorDomain& error_domain(Errc) noexcept {
  static constexpr ErrorDomain domain{
      "tar", [](std::uint32_t code) -> std::string_view {
        switch (static_cast<Errc>(code)) {
          case Errc::kTruncated:
            return "the archive ends within an entry, in block";
          case Errc::kChecksum:
            return "a header has a wrong checksum, in block";
          case Errc::kNumber:
            return "a size is not a valid number, in block";
          case Errc::kName:
            return "a name is not a relative path of at most 4096 bytes, in block";
          case Errc::kKind:
            return "an entry is no regular file, folder, or link to an earlier file, in block";
          case Errc::kExtended:
            return "an extended header is malformed, in block";
          case Errc::kConflict:
            return "a path is both a file and a folder, in block";
          case Errc::kTooMany:
            return "the archive has more than 65536 files, in block";
          case Errc::kAbsent:
            return "the image was started without an archive; start it with one as initial ramdisk "
                   "(fata run --files FOLDER)";
        }
        return "unknown";
      }};
  return domain;
}

namespace {

constexpr std::size_t kBlock = 512;

// The fields of a header block that are used here.
constexpr std::size_t kNameSize = 100, kSizeAt = 124, kSizeSize = 12, kChecksumAt = 148,
                      kChecksumSize = 8, kTypeAt = 156, kMagicAt = 257, kPrefixAt = 345,
                      kPrefixSize = 155, kLinkAt = 157, kLinkSize = 100;

// The bytes of a field before its first zero.
std::string_view text_of(Bytes field) {
  const std::string_view text(as_text(field));
  return text.substr(0, text.find('\0'));
}

// Octal digits between spaces, before a zero or the end.
std::optional<std::uint64_t> octal(Bytes field) {
  std::string_view text = text_of(field);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  text = text.substr(0, text.find(' '));
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return std::nullopt;
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

bool checksum_holds(Bytes header) {
  const std::optional<std::uint64_t> given = octal(header.subspan(kChecksumAt, kChecksumSize));
  std::uint64_t sum = kChecksumSize * ' ';
  for (std::size_t i = 0; i < kBlock; ++i) {
    if (i < kChecksumAt || i >= kChecksumAt + kChecksumSize)
      sum += static_cast<std::uint64_t>(header[i]);
  }
  return given == sum;
}

// What extended headers say about the entry after them.
struct Extension {
  std::optional<std::string_view> path;
  std::optional<std::string_view> link;
  std::optional<std::uint64_t> size;
};

// An empty value ends what an earlier record said.
std::optional<std::string_view> unless_empty(std::string_view value) {
  return value.empty() ? std::nullopt : std::optional(value);
}

std::optional<std::uint64_t> decimal(std::string_view text) {
  std::uint64_t value = 0;
  return parse_unsigned(text, std::uint64_t{1} << 62, value) ? std::optional(value) : std::nullopt;
}

// Records of "LENGTH KEY=VALUE\n", where LENGTH counts all of it.
Result<void, Errc> read_records(std::string_view records, Extension& extension, bool global) {
  while (!records.empty()) {
    const std::size_t space = records.find(' ');
    if (space == records.npos) return fail(Errc::kExtended);
    const std::optional<std::uint64_t> length = decimal(records.substr(0, space));
    if (!length || *length < space + 3 || *length > records.size() || records[*length - 1] != '\n')
      return fail(Errc::kExtended);
    const std::string_view record = records.substr(space + 1, *length - space - 2);
    records.remove_prefix(*length);
    const std::size_t equals = record.find('=');
    if (equals == record.npos || equals == 0) return fail(Errc::kExtended);
    const std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
    if (key.starts_with("GNU.sparse.")) return fail(Errc::kKind);
    if (key != "path" && key != "linkpath" && key != "size") continue;
    // One value for all entries makes no sense.
    if (global) return fail(Errc::kExtended);
    if (key == "path") {
      extension.path = unless_empty(value);
    } else if (key == "linkpath") {
      extension.link = unless_empty(value);
    } else if (value.empty()) {
      extension.size.reset();
    } else if (!(extension.size = decimal(value))) {
      return fail(Errc::kNumber);
    }
  }
  return {};
}

// Reads entry by entry.
class Reader {
 public:
  explicit Reader(Bytes archive) : archive_(archive) {}

  // The next file; nothing after the last one. `before`: the files so far, to which a hard link may
  // refer.
  Result<std::optional<Archive::File>, Errc> next(std::span<const Archive::File> before);
  // Of the last entry's header, from 1.
  std::uint32_t block() const { return static_cast<std::uint32_t>(header_at_ / kBlock + 1); }

 private:
  Result<Bytes, Errc> take(std::uint64_t size);
  Result<std::string, Errc> name_of(Bytes header) const;
  std::string_view link_of(Bytes header) const;

  Bytes archive_;
  std::size_t position_ = 0;
  std::size_t header_at_ = 0;
  Extension extension_;
};

// The entry's data; skips the padding.
Result<Bytes, Errc> Reader::take(std::uint64_t size) {
  const std::size_t left = archive_.size() - position_;
  if (size > left || (size + kBlock - 1) / kBlock * kBlock > left) return fail(Errc::kTruncated);
  const Bytes data = archive_.subspan(position_, static_cast<std::size_t>(size));
  position_ += (data.size() + kBlock - 1) / kBlock * kBlock;
  return data;
}

Result<std::string, Errc> Reader::name_of(Bytes header) const {
  std::string_view prefix, name = extension_.path.value_or(text_of(header.first(kNameSize)));
  // GNU tar, whose magic ends with a space, has other fields in the place of the prefix.
  if (!extension_.path && as_text(header.subspan(kMagicAt, 6)) == std::string_view("ustar\0", 6))
    prefix = text_of(header.subspan(kPrefixAt, kPrefixSize));
  std::string_view& first = prefix.empty() ? name : prefix;
  while (first.starts_with("./")) first.remove_prefix(2);
  if (name.size() > Archive::kMaxName || name.contains('\0')) return fail(Errc::kName);
  std::string whole(prefix);
  if (!prefix.empty()) whole += '/';
  whole += name;
  return whole;
}

std::string_view Reader::link_of(Bytes header) const {
  std::string_view link = extension_.link.value_or(text_of(header.subspan(kLinkAt, kLinkSize)));
  while (link.starts_with("./")) link.remove_prefix(2);
  return link;
}

Result<std::optional<Archive::File>, Errc> Reader::next(std::span<const Archive::File> before) {
  while (position_ != archive_.size()) {
    header_at_ = position_;
    const Result<Bytes, Errc> header = take(kBlock);
    if (!header) return fail(header.error());
    if (std::ranges::all_of(*header, [](std::byte b) { return b == std::byte{}; })) break;
    if (!checksum_holds(*header)) return fail(Errc::kChecksum);
    const std::optional<std::uint64_t> size = octal(header->subspan(kSizeAt, kSizeSize));
    if (!size) return fail(Errc::kNumber);
    const char type = static_cast<char>((*header)[kTypeAt]);
    const bool describes = type == 'x' || type == 'g' || type == 'L' || type == 'K';
    // These have no data, whatever the field says (POSIX.1, ustar).
    const bool bare = type >= '2' && type <= '6';
    const Result<Bytes, Errc> data = take(bare        ? 0
                                          : describes ? *size
                                                      : extension_.size.value_or(*size));
    if (!data) return fail(data.error());
    if (data->size() > Archive::kMaxContent) return fail(Errc::kNumber);
    if (describes) {
      if (type == 'L') extension_.path = text_of(*data);
      if (type == 'K') extension_.link = text_of(*data);
      if (type == 'x' || type == 'g') {
        if (const auto read = read_records(as_text(*data), extension_, type == 'g'); !read)
          return fail(read.error());
      }
      continue;
    }
    Result<std::string, Errc> name = name_of(*header);
    const std::string_view link = link_of(*header);
    extension_ = {};
    if (!name) return fail(name.error());
    const bool folder = name->ends_with('/') || *name == "." || name->empty();
    while (name->ends_with('/')) name->pop_back();
    if (!name->empty() && *name != "." && !sig::is_key(*name)) return fail(Errc::kName);
    if (type == '5' || (type == '\0' && folder)) continue;
    if (type != '0' && type != '\0' && type != '7' && type != '1') return fail(Errc::kKind);
    if (folder) return fail(Errc::kName);
    if (type == '1') {
      // The last one of that name.
      const auto linked =
          std::ranges::find(before.rbegin(), before.rend(), link, &Archive::File::name);
      if (linked == before.rend()) return fail(Errc::kKind);
      return Archive::File{std::move(*name), linked->content, block()};
    }
    return Archive::File{std::move(*name), *data, block()};
  }
  // An extended header describes the entry after it.
  if (extension_.path || extension_.link || extension_.size) return fail(Errc::kTruncated);
  return std::nullopt;
}

}  // namespace

Result<Archive> Archive::read(Bytes bytes) {
  Archive archive;
  std::vector<File>& files = archive.files_;
  Reader reader(bytes);
  for (;;) {
    Result<std::optional<File>, Errc> file = reader.next(files);
    if (!file) return fail(file.error(), reader.block());
    if (!*file) break;
    if (files.size() == kMaxFiles) return fail(Errc::kTooMany, reader.block());
    files.push_back(std::move(**file));
  }
  // Heaps take less code than std::sort.
  const auto before = [](const File& a, const File& b) {
    return a.name != b.name ? a.name < b.name : a.block < b.block;
  };
  std::ranges::make_heap(files, before);
  std::ranges::sort_heap(files, before);
  // Of files of one name, the last one counts.
  std::size_t kept = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i + 1 < files.size() && files[i].name == files[i + 1].name) continue;
    if (kept != i) files[kept] = std::move(files[i]);
    ++kept;
  }
  files.resize(kept);
  for (const File& file : files) {
    const std::string_view name = file.name;
    for (std::size_t slash = name.find('/'); slash != name.npos;
         slash = name.find('/', slash + 1)) {
      if (archive.find(name.substr(0, slash))) return fail(Errc::kConflict, file.block);
    }
  }
  return archive;
}

std::optional<std::size_t> Archive::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(files_, name, {}, &File::name);
  if (found == files_.end() || found->name != name) return std::nullopt;
  return static_cast<std::size_t>(found - files_.begin());
}

}  // namespace fata::tar
