// Simulates a hostile device. Between the driver's calls, it writes anywhere in the shared memory.
// Whatever it does, the driver must return only chains that it queued, must not report more written
// bytes than a chain has room for, and must never lose or duplicate a descriptor.
#include <cstdint>
#include <map>
#include <vector>

#include "fata/base/panic.hpp"
#include "fata/virtio/queue.hpp"

using namespace fata;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint16_t kSize = 16;
  alignas(64) static std::array<std::byte, virtio::Queue::bytes_needed(kSize)> memory;
  memory.fill(std::byte{0});
  ByteReader in(std::as_bytes(std::span(data, size)));
  virtio::Queue queue(kSize, memory, (in.u8() & 1) != 0);
  struct Queued {
    std::size_t descriptors;
    std::uint32_t writable;
  };
  std::map<std::uint16_t, Queued> outstanding;
  std::size_t used = 0;
  while (in.ok() && !in.at_end()) {
    switch (in.u8() % 6) {
      case 0: {
        std::vector<virtio::Segment> chain(1 + in.u8() % 4);
        std::uint32_t writable = 0;
        for (auto& segment : chain) {
          segment = {in.u32(), in.u16(), (in.u8() & 1) != 0};
          if (segment.device_writes) writable += segment.length;
        }
        const auto head = queue.add(chain);
        check(queue.broken() ? !head : head.has_value() == (used + chain.size() <= kSize), "add");
        if (head) {
          check(!outstanding.contains(*head), "a head given twice");
          outstanding[*head] = {chain.size(), writable};
          used += chain.size();
        }
        break;
      }
      case 1:
        queue.publish();
        break;
      case 2:
        if (const auto done = queue.pop()) {
          const auto found = outstanding.find(done->head);
          check(found != outstanding.end() && done->written <= found->second.writable, "pop");
          used -= found->second.descriptors;
          outstanding.erase(found);
        }
        break;
      case 3:
        queue.enable_interrupts();
        break;
      case 4:
        queue.disable_interrupts();
        break;
      case 5: {  // the device writes
        const std::size_t at = in.u16() % memory.size();
        const Bytes bytes = in.take(std::min<std::size_t>(in.u8() % 9, in.remaining()));
        copy_bytes(MutableBytes(memory).subspan(at), bytes);
        break;
      }
    }
    check(queue.broken() || queue.room() == kSize - used, "descriptors lost");
  }
  return 0;
}
