#include "fata/sim/bus/virtio_nic.hpp"

#include <cstring>

#include "fata/base/bytes.hpp"
#include "fata/base/panic.hpp"

namespace fata::sim {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::uint16_t kReceive = 0, kTransmit = 1;
constexpr std::size_t kMaxBuffers = 20;  // of a frame

std::vector<std::byte> configuration() {
  std::vector<std::byte> config(12);
  constexpr std::uint8_t kMacAddress[]{0x52, 0x54, 0, 0x12, 0x34, 0x56};
  std::memcpy(config.data(), kMacAddress, sizeof kMacAddress);
  store_le(MutableBytes(config).subspan(10), std::uint16_t{1500});
  return config;
}

// The Internet checksum (RFC 1071), of a field that holds the sum of the pseudo-header.
void complete_checksum(VirtioNic::Frame& frame) {
  const MutableBytes bytes(frame.bytes);
  std::uint32_t sum = 0;
  for (std::size_t i = frame.checksum_start; i < bytes.size(); i += 2) {
    sum += std::to_integer<std::uint32_t>(bytes[i]) << 8;
    if (i + 1 < bytes.size()) sum += std::to_integer<std::uint32_t>(bytes[i + 1]);
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  const auto at = bytes.subspan(std::size_t{frame.checksum_start} + frame.checksum_offset);
  at[0] = static_cast<std::byte>(~sum >> 8);
  at[1] = static_cast<std::byte>(~sum);
}

}  // namespace

VirtioNic::VirtioNic(Machine& machine, bool on_pci, std::uint64_t features, unsigned seed)
    : VirtioDevice(machine, {.kind = bus::DeviceKind::kNic,
                             .on_pci = on_pci,
                             .features = features | kVersion1,
                             .config = configuration(),
                             .queues = {256, 256, 64},
                             .seed = seed}) {}

void VirtioNic::deliver(Frame frame) {
  waiting_.push_back(std::move(frame));
  if (is_running()) wake(kReceive);
}

void VirtioNic::forget() {
  buffers_.clear();
  sending_.clear();
}

bool VirtioNic::work(std::uint16_t queue) {
  if (queue > kTransmit) return false;
  return queue == kReceive ? receive() : transmit();
}

// Takes some packets, reads them, and finishes them in any order.
bool VirtioNic::transmit() {
  for (unsigned count = random_() % 8; count != 0; --count) {
    auto chain = take(kTransmit);
    if (!chain) break;
    read_frame(*chain);
    sending_.push_back(std::move(*chain));
  }
  for (unsigned count = random_() % 8; count != 0 && !sending_.empty(); --count) {
    std::swap(sending_[random_() % sending_.size()], sending_.back());
    finish(kTransmit, sending_.back().head, 0);
    sending_.pop_back();
  }
  return !sending_.empty() || is_awake(kTransmit);
}

void VirtioNic::read_frame(const Chain& chain) {
  std::vector<std::byte> all;
  for (const VirtqueueDevice::Segment& segment : chain.segments) {
    check(!segment.device_writes && segment.length != 0, "a packet in memory to write");
    const MutableBytes bytes = segment.memory();
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  check(all.size() > kHeader, "a packet without a header");
  const Bytes header(all);
  Frame frame;
  frame.flags = std::to_integer<std::uint8_t>(header[0]);
  frame.gso_type = std::to_integer<std::uint8_t>(header[1]);
  frame.header_length = load_le<std::uint16_t>(header.subspan(2));
  frame.gso_size = load_le<std::uint16_t>(header.subspan(4));
  frame.checksum_start = load_le<std::uint16_t>(header.subspan(6));
  frame.checksum_offset = load_le<std::uint16_t>(header.subspan(8));
  frame.bytes.assign(all.begin() + kHeader, all.end());
  check_offload(frame);
  if ((frame.flags & kNeedsCsum) != 0) complete_checksum(frame);
  sent(std::move(frame));
}

// The driver's duties of 5.1.6.2.1.
void VirtioNic::check_offload(const Frame& frame) const {
  check((frame.flags & ~kNeedsCsum) == 0, "a flag that a driver does not set");
  if ((frame.flags & kNeedsCsum) != 0) {
    check(accepted(kCsum), "a checksum that was not negotiated");
    check(std::size_t{frame.checksum_start} + frame.checksum_offset + 2 <= frame.bytes.size(),
          "a checksum outside of the packet");
  }
  const std::uint8_t type = frame.gso_type & static_cast<std::uint8_t>(~kEcn);
  if (type == 0) {
    check(frame.gso_type == 0 && frame.bytes.size() <= 1518, "a packet that is too long");
    return;
  }
  check(type == kTcp4 ? accepted(kHostTso4) : type == kTcp6 && accepted(kHostTso6),
        "a segmentation that was not negotiated");
  check((frame.gso_type & kEcn) == 0 || accepted(kHostEcn), "ECN that was not negotiated");
  check((frame.flags & kNeedsCsum) != 0, "segmentation without a checksum");
  check(frame.gso_size != 0 && frame.header_length <= frame.bytes.size(), "a segment's sizes");
}

bool VirtioNic::receive() {
  for (unsigned count = random_() % 32; count != 0; --count) {
    auto chain = take(kReceive);
    if (!chain) break;
    check(chain->segments.size() == 1 && chain->segments[0].device_writes, "a receive buffer");
    buffers_.push_back(std::move(*chain));
  }
  bool has_room = true;
  for (unsigned count = random_() % 4; count != 0 && !waiting_.empty() && has_room; --count) {
    has_room = write_frame(waiting_.front());
    if (has_room) waiting_.pop_front();
  }
  return (has_room && !waiting_.empty()) || is_awake(kReceive);
}

bool VirtioNic::write_frame(const Frame& frame) {
  const std::size_t needed = kHeader + frame.bytes.size();
  std::vector<std::size_t> pieces;
  std::size_t total = 0;
  for (const Chain& buffer : buffers_) {
    if (total == needed || pieces.size() == kMaxBuffers) break;
    std::size_t piece = std::min<std::size_t>(buffer.segments[0].length, needed - total);
    // Without mergeable buffers, a frame has one. With them, pieces need not fill their buffers.
    if (accepted(kMergeable) && buffers_.size() >= kMaxBuffers && piece > 64 && pieces.size() < 4 &&
        random_() % 2 == 0)
      piece = 64 + random_() % (piece - 63);
    pieces.push_back(piece);
    total += piece;
    if (!accepted(kMergeable)) break;
  }
  if (total != needed) {
    check(accepted(kMergeable) || pieces.empty(), "a receive buffer smaller than a frame");
    return false;
  }
  std::vector<std::byte> all(kHeader);
  all[0] = static_cast<std::byte>(frame.flags);
  all[1] = static_cast<std::byte>(frame.gso_type);
  store_le(MutableBytes(all).subspan(2), frame.header_length);
  store_le(MutableBytes(all).subspan(4), frame.gso_size);
  store_le(MutableBytes(all).subspan(6), frame.checksum_start);
  store_le(MutableBytes(all).subspan(8), frame.checksum_offset);
  store_le(MutableBytes(all).subspan(10), static_cast<std::uint16_t>(pieces.size()));
  all.insert(all.end(), frame.bytes.begin(), frame.bytes.end());
  std::size_t done = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::memcpy(buffers_[i].segments[0].memory().data(), all.data() + done, pieces[i]);
    done += pieces[i];
    finish(kReceive, buffers_[i].head, static_cast<std::uint32_t>(pieces[i]));
  }
  buffers_.erase(buffers_.begin(), buffers_.begin() + static_cast<std::ptrdiff_t>(pieces.size()));
  if (pieces.size() > 1) ++merged;
  return true;
}

}  // namespace fata::sim
