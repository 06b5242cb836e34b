#include "fata/virtio/frame_merger.hpp"

#include "net_header.hpp"

namespace fata::virtio {

namespace {
constexpr std::size_t kEthernetHeader = 14;
constexpr bool has(std::uint64_t features, unsigned n) { return (features >> n & 1) != 0; }
}  // namespace

FrameMerger::FrameMerger(std::uint64_t features)
    : mergeable_(has(features, VIRTIO_NET_F_MRG_RXBUF)),
      valid_flags_(has(features, VIRTIO_NET_F_GUEST_CSUM)
                       ? VIRTIO_NET_HDR_F_DATA_VALID | VIRTIO_NET_HDR_F_NEEDS_CSUM
                       : 0),
      gso4_(has(features, VIRTIO_NET_F_GUEST_TSO4)),
      gso6_(has(features, VIRTIO_NET_F_GUEST_TSO6)) {}

FrameMerger::Step FrameMerger::add(PacketBuf&& buffer, std::size_t written, sig::RxFrame& out) {
  if (left_ != 0) [[unlikely]]
    return add_more(std::move(buffer), written, out);
  if (written < kNetHeaderSize || written > buffer.tailroom()) [[unlikely]]
    return Step::kBadLength;
  const NetHeader header = NetHeader::parse(buffer.append(written));
  buffer.trim_front(kNetHeaderSize);
  const bool whole = buffer.size() >= kEthernetHeader;
  const auto begin = [&](sig::RxFrame& frame) {
    frame.frame = Slice(std::move(buffer));
    frame.offload = header.received(valid_flags_, gso4_, gso6_);
  };
  // Without mergeable buffers, the device may leave the buffer count unset, as QEMU before 10.0
  // does.
  if (!mergeable_ || header.buffers <= 1) [[likely]] {
    if (!whole) return Step::kBadLength;
    if (!out.more.empty()) out.more.clear();
    begin(out);
    return Step::kFrame;
  }
  left_ = static_cast<std::uint16_t>(header.buffers - 1);
  outcome_ = left_ > BufferChain::kMax ? Step::kTooLong : whole ? Step::kFrame : Step::kBadLength;
  if (outcome_ == Step::kFrame) begin(begun_);
  return Step::kMore;
}

FrameMerger::Step FrameMerger::add_more(PacketBuf&& buffer, std::size_t written,
                                        sig::RxFrame& out) {
  --left_;
  if (written > buffer.tailroom()) {
    outcome_ = Step::kBadLength;
    begun_ = {};
  } else if (outcome_ == Step::kFrame) {
    (void)buffer.append(written);
    begun_.more.push(Slice(std::move(buffer)));
  }
  if (left_ != 0) return Step::kMore;
  if (outcome_ == Step::kFrame) out = std::move(begun_);
  begun_ = {};
  return outcome_;
}

void FrameMerger::reset() {
  begun_ = {};
  left_ = 0;
}

}  // namespace fata::virtio
