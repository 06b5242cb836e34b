// Reads any bytes as a tar archive. The files of a valid one lie in it, sorted and with distinct
// names that are relative paths.
#include "fata/base/panic.hpp"
#include "fata/sig/key_value.hpp"
#include "fata/tar/archive.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fata;
  const Bytes input(reinterpret_cast<const std::byte*>(data), size);
  // A fuzzer finds no checksums: each header gets its own.
  std::vector<std::byte> bytes(input.begin(), input.end());
  for (std::size_t at = 0; at + 512 <= bytes.size(); at += 512) {
    if (bytes[at + 257] != std::byte{'u'}) continue;
    const std::span<std::byte> header = std::span(bytes).subspan(at, 512);
    unsigned sum = 8 * ' ';
    for (std::size_t i = 0; i < 512; ++i) {
      if (i < 148 || i >= 156) sum += static_cast<unsigned>(header[i]);
    }
    for (std::size_t i = 0; i < 6; ++i)
      header[148 + i] = static_cast<std::byte>('0' + (sum >> (3 * (5 - i)) & 7));
    header[154] = std::byte{};
  }
  for (const Bytes archive : {input, Bytes(bytes)}) {
    const Result<tar::Archive> read = tar::Archive::read(archive);
    if (!read) continue;
    std::string_view last;
    for (const tar::Archive::File& file : read->files()) {
      check(sig::is_key(file.name), "a name is a relative path");
      check(last < file.name, "files are sorted and distinct");
      last = file.name;
      check(file.content.empty() ||
                (file.content.data() >= archive.data() &&
                 file.content.data() + file.content.size() <= archive.data() + archive.size()),
            "a file lies in its archive");
      check(read->files()[read->find(file.name).value()].block == file.block, "a name is found");
    }
  }
  return 0;
}
