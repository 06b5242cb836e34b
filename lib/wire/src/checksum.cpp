#include "fata/wire/checksum.hpp"

namespace fata::wire {

void ChecksumSum::add(Bytes bytes) {
  // Sums eight bytes at a time in native order: byte order changes a one's-complement sum only by a
  // final swap (RFC 1071 section 2(B)). Carries out of 64 bits are added back.
  std::uint64_t sum = 0;
  while (bytes.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.first<8>().data(), 8);
    sum += word;
    sum += sum < word ? 1 : 0;
    bytes = bytes.subspan(8);
  }
  std::uint64_t tail = 0;
  if (!bytes.empty()) {
    std::memcpy(&tail, bytes.data(), bytes.size());
    sum += tail;
    sum += sum < tail ? 1 : 0;
  }
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  const auto folded = static_cast<std::uint16_t>(sum);
  sum_ += std::endian::native == std::endian::little ? std::byteswap(folded) : folded;
}

void ChecksumSum::add_pieces(std::size_t before, const BufferChain& pieces) {
  bool odd = before % 2 != 0;
  for (const Slice& piece : pieces.pieces()) {
    ChecksumSum own;
    own.add(piece.bytes());
    // After an odd number of bytes, every byte is in the other half of its word (RFC 1071 section
    // 2(B)).
    sum_ += odd ? std::byteswap(own.partial()) : own.partial();
    odd = odd != (piece.size() % 2 != 0);
  }
}

std::uint16_t ChecksumSum::partial() const {
  std::uint64_t sum = sum_;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

void finish_checksum(MutableBytes frame, const Offload& offload) {
  if (!offload.checksum_needed) return;
  const std::uint16_t sum = checksum(frame.subspan(offload.checksum_start));
  store_be(frame.subspan(std::size_t{offload.checksum_start} + offload.checksum_offset),
           sum == 0 ? std::uint16_t{0xffff} : sum);  // 0 would mean "no checksum" in UDP
}

void finish_checksum(PacketBuf& packet) {
  Offload& offload = packet.offload();
  if (!offload.checksum_needed) return;
  const MutableBytes summed = packet.bytes().subspan(offload.checksum_start);
  ChecksumSum sum;
  sum.add(summed);
  sum.add_pieces(summed.size(), packet.chain());
  const std::uint16_t finished = sum.finish();
  store_be(summed.subspan(offload.checksum_offset),
           finished == 0 ? std::uint16_t{0xffff} : finished);
  offload.checksum_needed = false;
}

}  // namespace fata::wire
