// Simulates a hostile NIC that offers any set of features. Between the driver's calls, it writes
// arbitrary data into the buffers lent to it and anywhere in the ring. Whatever it does, each frame
// must consist of buffers from the ring and must not extend past their ends, no buffer may be
// handed to the application while the device still owns it, and no buffer may be lost.
#include <cstdint>
#include <vector>

#include "fata/base/panic.hpp"
#include "fata/virtio/frame_receiver.hpp"

using namespace fata;

namespace {

constexpr std::uint16_t kSize = 32;
constexpr std::size_t kSpare = 16, kBuffer = 128;

// The simulated device. It reads a descriptor from the ring each time it uses one.
class Device {
 public:
  explicit Device(MutableBytes ring) : ring_(ring) {}

  void fill(ByteReader& in) {
    const std::size_t slot = in.u8() % kSize;
    const Bytes descriptor = Bytes(ring_).subspan(16 * slot, 16);
    const std::uint64_t address = load_le<std::uint64_t>(descriptor);
    // The model writes only to lent memory. Without an IOMMU, a device could write anywhere, which
    // the driver cannot prevent.
    if (address < lent_.first || address > lent_.second) return;
    const MutableBytes room = danger_span(reinterpret_cast<std::byte*>(address), kBuffer);
    const std::size_t at = in.u8() % kBuffer;
    copy_bytes(room.subspan(at),
               in.take(std::min<std::size_t>({in.u8() % 16U, in.remaining(), kBuffer - at})));
  }
  void finish(std::uint32_t head, std::uint32_t written) {
    const std::size_t used = virtio::Queue::used_offset(kSize);
    const std::size_t slot = used + 4 + 8 * (index_ % kSize);
    store_le(ring_.subspan(slot), head);
    store_le(ring_.subspan(slot + 4), written);
    store_le(ring_.subspan(used + 2), ++index_);
  }
  void scribble(ByteReader& in) {
    const std::size_t at = in.u16() % ring_.size();
    copy_bytes(ring_.subspan(at), in.take(std::min<std::size_t>(in.u8() % 9, in.remaining())));
  }
  void lend(std::uint64_t address) {
    lent_.first = std::min(lent_.first, address);
    lent_.second = std::max(lent_.second, address);
  }

 private:
  MutableBytes ring_;
  std::uint16_t index_ = 0;
  std::pair<std::uint64_t, std::uint64_t> lent_{~std::uint64_t{0}, 0};
};

Device* the_device = nullptr;
std::uint64_t address_of(const volatile void* memory) {
  const auto address = reinterpret_cast<std::uint64_t>(memory);
  the_device->lend(address);
  return address;
}

void look_at(const sig::RxFrame& frame) {
  std::size_t pieces = 1;
  std::size_t total = frame.frame.size();
  check(total >= 14 && total <= kBuffer - 12, "a frame without its header, or beyond its buffer");
  std::uint8_t sum = 0;  // reads each byte, for the sanitizer
  const auto read = [&](const Slice& slice) {
    for (const std::byte b : slice.bytes())
      sum = static_cast<std::uint8_t>(sum + std::to_integer<std::uint8_t>(b));
  };
  read(frame.frame);
  if (!frame.more.empty()) {
    for (const Slice& piece : frame.more.pieces()) {
      check(!piece.empty() && piece.size() <= kBuffer, "a piece");
      read(piece);
      total += piece.size();
      ++pieces;
    }
  }
  check(pieces <= 1 + BufferChain::kMax && frame.total_size() == total, "pieces");
  check(frame.offload.gso != Offload::Gso::kNone || frame.offload.gso_size == 0,
        "segments that are none");
  volatile std::uint8_t keep = sum;
  (void)keep;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  alignas(64) static std::array<std::byte, virtio::Queue::bytes_needed(kSize)> memory;
  memory.fill(std::byte{0});
  ByteReader in(std::as_bytes(std::span(data, size)));
  const std::uint64_t features = in.u64();
  Device device(memory);
  the_device = &device;
  virtio::Queue queue(kSize, memory, (in.u8() & 1) != 0);
  std::array<Counter, virtio::FrameReceiver::kCounts> counters{};
  virtio::FrameReceiver receiver(features, {kSize, kSpare, kBuffer}, address_of, counters);
  receiver.start(queue);
  queue.publish();
  std::vector<sig::RxFrame> held;
  std::size_t frames = 0;
  while (in.ok() && !in.at_end()) {
    switch (in.u8() % 6) {
      case 0:
        device.fill(in);
        break;
      case 1:
        device.finish(in.u8() % 64, in.u8());
        break;
      case 2:
        device.scribble(in);
        break;
      case 3: {
        std::array<sig::RxFrame, 8> batch;
        const std::size_t count = receiver.receive(std::span(batch).first(1 + in.u8() % 8));
        frames += count;
        for (sig::RxFrame& frame : std::span(batch).first(count)) {
          look_at(frame);
          if ((in.u8() & 1) != 0) held.push_back(std::move(frame));
        }
        break;
      }
      case 4:
        held.clear();
        break;
      case 5:
        receiver.refill();
        queue.publish();
        break;
    }
    for (const sig::RxFrame& frame : held) look_at(frame);
  }
  check(counters[virtio::FrameReceiver::kReceived].value == frames, "frames counted");
  held.clear();
  receiver.stop();
  check(receiver.available() == kSize + kSpare, "buffers lost");
  return 0;
}
