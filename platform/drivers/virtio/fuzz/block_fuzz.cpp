// Simulates a hostile disk with an arbitrary configuration. Between the driver's calls, it writes
// anywhere in the memory that it shares with the driver. Whatever it does, each request must end at
// most once, only requests that were begun may end, a request may succeed only if the device
// reported success, and no request slot may be lost.
#include <cstdint>
#include <map>
#include <vector>

#include "fata/base/panic.hpp"
#include "fata/virtio/block_requests.hpp"

using namespace fata;
using Kind = virtio::BlockRequests::Kind;

namespace {

constexpr std::uint16_t kSize = 32;
constexpr std::uint64_t kStatus = 32, kPlace = 64;  // the offset of a status

struct Begun {
  Kind kind;
  std::uint32_t length;
};

void play(ByteReader& in, const virtio::BlockLimits& limits) {
  const sig::BlockGeometry& geometry = limits.geometry;
  check(geometry.sector_size >= 512 && geometry.sectors != 0 && geometry.parallel >= 1, "geometry");
  check(geometry.sectors <= (std::uint64_t{1} << 63) / geometry.sector_size, "size");
  check(limits.max_bytes() != 0 && limits.max_bytes() % geometry.sector_size == 0, "limits");
  check(geometry.optimal % geometry.sector_size == 0, "optimal");
  alignas(64) static std::array<std::byte, virtio::Queue::bytes_needed(kSize)> ring;
  alignas(64) static std::array<std::byte, virtio::BlockRequests::bytes_needed(32)> memory;
  ring.fill(std::byte{0});
  memory.fill(std::byte{0});
  virtio::Queue queue(kSize, ring, (in.u8() & 1) != 0);
  virtio::BlockRequests requests(queue, memory, 0x1000, limits);
  std::map<std::uint16_t, Begun> under_way;
  while (in.ok() && !in.at_end()) {
    switch (in.u8() % 5) {
      case 0: {
        if (requests.under_way() == geometry.parallel) break;
        const auto kind = static_cast<Kind>(in.u8() % 4);
        if (kind == Kind::kDiscard && !geometry.discards) break;
        const bool moves = kind == Kind::kRead || kind == Kind::kWrite;
        const std::uint32_t sectors = 1 + in.u8() % (limits.max_bytes() / geometry.sector_size);
        const std::uint32_t length = moves ? sectors * geometry.sector_size : 0;
        const auto place =
            requests.begin(kind, in.u64() % geometry.sectors, {0x10000, length, false}, 1);
        check(place.has_value() != queue.broken(), "begin");
        if (place) {
          check(!under_way.contains(*place), "a place given twice");
          under_way[*place] = {kind, length};
        }
        break;
      }
      case 1:
        queue.publish();
        break;
      case 2:
        if (const auto ended = requests.next()) {
          const auto found = under_way.find(ended->place);
          check(found != under_way.end(), "a request ended that was not begun");
          const std::byte status = memory[ended->place * kPlace + kStatus];
          check(!ended->outcome || status == std::byte{0},
                "a success that the device did not give");
          under_way.erase(found);
        }
        break;
      case 3: {
        const std::size_t at = in.u16() % ring.size();
        copy_bytes(MutableBytes(ring).subspan(at),
                   in.take(std::min<std::size_t>(in.u8() % 9, in.remaining())));
        break;
      }
      case 4: {
        const std::size_t at = in.u16() % memory.size();
        copy_bytes(MutableBytes(memory).subspan(at),
                   in.take(std::min<std::size_t>(in.u8() % 9, in.remaining())));
        break;
      }
    }
    check(requests.under_way() == under_way.size(), "places lost");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in(std::as_bytes(std::span(data, size)));
  const std::uint64_t features = in.u16();
  const Bytes config = in.take(virtio::BlockLimits::kConfigSize);
  if (!in.ok()) return 0;
  if (const auto limits = virtio::BlockLimits::parse(features, config, kSize)) play(in, *limits);
  return 0;
}
