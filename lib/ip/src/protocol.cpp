#include "fata/ip/protocol.hpp"

namespace fata::ip {

sig::RxFrame Loopback::pop() {
  PacketBuf packet = std::move(queue_[first_]);
  first_ = (first_ + 1) % kMax;
  --used_;
  sig::RxFrame frame;
  frame.offload.checksum_valid = true;
  frame.offload.gso = packet.offload().gso;
  frame.offload.gso_size = packet.offload().gso_size;
  frame.more = std::move(packet.chain());
  frame.frame = Slice(std::move(packet));
  return frame;
}

}  // namespace fata::ip
