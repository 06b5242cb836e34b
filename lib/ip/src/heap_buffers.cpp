#include "fata/ip/heap_buffers.hpp"

#include <memory>

namespace fata::ip {

struct HeapBuffers::Block : Buffer {
  std::unique_ptr<std::byte[]> owned;
};

PacketBuf HeapBuffers::allocate(std::size_t size, std::size_t headroom, std::size_t reserve) {
  const std::size_t whole = size + headroom;
  if (whole + reserve > budget_ - used_) return {};
  auto* const block = new Block;
  block->owned = std::make_unique_for_overwrite<std::byte[]>(whole);
  block->home = this;
  block->memory = block->owned.get();
  block->capacity = static_cast<std::uint32_t>(whole);
  used_ += whole;
  return PacketBuf(*block, headroom);
}

void HeapBuffers::recycle(Buffer& buffer) noexcept {
  used_ -= buffer.capacity;
  delete static_cast<Block*>(&buffer);
  if (abandoned_ && used_ == 0) delete this;
}

void copy_out(const PacketBuf& packet, std::size_t offset, MutableBytes to) {
  const auto take = [&](Bytes piece) {
    if (offset >= piece.size()) {
      offset -= piece.size();
      return;
    }
    const std::size_t count = std::min(piece.size() - offset, to.size());
    copy_bytes(to.first(count), piece.subspan(offset, count));
    to = to.subspan(count);
    offset = 0;
  };
  take(packet.bytes());
  for (const Slice& piece : packet.chain().pieces()) {
    if (to.empty()) return;
    take(piece.bytes());
  }
}

}  // namespace fata::ip
