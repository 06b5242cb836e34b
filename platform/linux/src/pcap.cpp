#include "fata/host/pcap.hpp"

#include <fcntl.h>

#include <cstring>
#include <string>

#include "fata/host/os_error.hpp"

namespace fata::host {

// Blocks of draft-ietf-opsawg-pcapng in the byte order of this machine.
void PcapWriter::u32(std::uint32_t value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
}

Result<PcapWriter> PcapWriter::create(std::string_view path) {
  Fd file(::open(std::string(path).c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644));
  if (!file) return os_fail();
  PcapWriter writer(std::move(file));
  // Section header: byte-order magic, version 1.0, length unknown.
  for (const std::uint32_t word : {0x0a0d0d0aU, 28U, 0x1a2b3c4dU, 0x00000001U, 0xffffffffU, 0xffffffffU, 28U})
    writer.u32(word);
  // Interface: Ethernet, no snap length; option if_tsresol = 9 (nanoseconds), end of options.
  for (const std::uint32_t word : {1U, 32U, 1U, 0U, 0x00010009U, 9U, 0U, 32U}) writer.u32(word);
  writer.flush();
  return writer;
}

void PcapWriter::add(Bytes frame, Way way, WallTime when) {
  const auto size = static_cast<std::uint32_t>(frame.size());
  const std::uint32_t padding = (4 - size % 4) % 4;
  const std::uint32_t total = 28 + size + padding + 12 + 4;
  const auto time = static_cast<std::uint64_t>(when.ns);
  const auto high = static_cast<std::uint32_t>(time >> 32);
  for (const std::uint32_t word : {6U, total, 0U, high, static_cast<std::uint32_t>(time), size, size})
    u32(word);
  pending_.insert(pending_.end(), frame.begin(), frame.end());
  pending_.resize(pending_.size() + padding);
  // Option epb_flags: which way it went; end of options.
  for (const std::uint32_t word : {0x00040002U, static_cast<std::uint32_t>(way), 0U, total}) u32(word);
}

void PcapWriter::flush() {
  if (file_ &&
      ::write(file_.get(), pending_.data(), pending_.size()) != static_cast<ssize_t>(pending_.size())) {
    file_ = Fd();
  }
  pending_.clear();
}

}  // namespace fata::host
