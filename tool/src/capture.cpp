#include "capture.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <vector>

#include "arch.hpp"
#include "process.hpp"
#include "progress.hpp"

namespace fata::tool {

namespace {

constexpr std::size_t kFileHeader = 24;
constexpr std::uint32_t kNetHeader = 12;
constexpr int kFirstThatStrips = 8;

struct Record {
  std::uint32_t seconds, fraction, held, length;
};
static_assert(sizeof(Record) == 16);

template <class T>
bool read_into(std::ifstream& in, T* to, std::size_t size) {
  return static_cast<bool>(
      in.read(reinterpret_cast<char*>(to), static_cast<std::streamsize>(size)));
}
template <class T>
void write_from(std::ofstream& out, const T* from, std::size_t size) {
  out.write(reinterpret_cast<const char*>(from), static_cast<std::streamsize>(size));
}

// Returns 0 if the version is unknown.
int qemu_major() {
  const std::string text = capture({qemu_program(kNativeArch), "--version"}).output;
  const std::size_t at = text.find("version ");
  int major = 0;
  if (at != text.npos) std::from_chars(text.data() + at + 8, text.data() + text.size(), major);
  return major;
}

}  // namespace

fs::path capture_of_nic(const fs::path& file, std::size_t nic) {
  if (nic == 0) return file;
  fs::path name = file.stem();
  name += "-" + std::to_string(nic);
  name += file.extension();
  return file.parent_path() / name;
}

void mend_capture(const fs::path& file) {
  const int major = qemu_major();
  if (major == 0 || major >= kFirstThatStrips) return;
  std::ifstream in(file, std::ios::binary);
  fs::path mended = file;
  mended += ".mended";
  std::ofstream out(mended, std::ios::binary);
  std::array<char, kFileHeader> head{};
  if (!read_into(in, head.data(), head.size())) return;
  write_from(out, head.data(), head.size());
  Record record{};
  std::vector<char> frame;
  while (read_into(in, &record, sizeof record) && record.held >= kNetHeader) {
    frame.resize(record.held);
    if (!read_into(in, frame.data(), frame.size())) break;
    record.held -= kNetHeader;
    record.length -= kNetHeader;
    write_from(out, &record, sizeof record);
    write_from(out, frame.data() + kNetHeader, record.held);
  }
  out.close();
  std::error_code error;
  if (out) fs::rename(mended, file, error);
  if (!out || error)
    say("--pcap: each frame in " + file.string() +
        " has 12 bytes of a virtio-net header before it");
}

}  // namespace fata::tool
