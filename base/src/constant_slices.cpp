#include "fata/base/constant_slices.hpp"

namespace fata {

ConstantSlices::ConstantSlices(std::size_t count) {
  buffers_.reserve(count);
  whole_.reserve(count);
}

ConstantSlices::~ConstantSlices() {
  whole_.clear();
  for (const Buffer& buffer : buffers_)
    check(buffer.holders == 0, "a slice outlives the files that gave it");
}

void ConstantSlices::add(Bytes content) {
  check(buffers_.size() < buffers_.capacity(), "more slices than announced");
  Buffer& buffer = buffers_.emplace_back();
  buffer.home = this;
  // Never written: `whole_` always remains a second holder.
  buffer.memory = const_cast<std::byte*>(content.data());
  buffer.capacity = static_cast<std::uint32_t>(content.size());
  PacketBuf packet(buffer, 0);
  (void)packet.append(content.size());
  whole_.emplace_back(std::move(packet));
}

}  // namespace fata
