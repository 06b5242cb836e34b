#include "fata/wire/arp.hpp"

namespace fata::wire::arp {

[[clang::minsize]] std::optional<Packet> Packet::parse(Bytes bytes) {
  ByteReader in(bytes);
  const bool known = in.u16() == 1 && in.u16() == 0x0800 && in.u8() == 6 && in.u8() == 4;
  Packet packet;
  packet.operation = in.u16();
  copy_bytes(packet.sender_mac.octets, in.take(6));
  packet.sender.value = in.u32();
  copy_bytes(packet.target_mac.octets, in.take(6));
  packet.target.value = in.u32();
  if (!in.ok() || !known) return std::nullopt;
  return packet;
}

[[clang::minsize]] void Packet::write(MutableBytes to) const {
  ByteWriter out(to);
  out.u16(1);
  out.u16(0x0800);
  out.u8(6);
  out.u8(4);
  out.u16(operation);
  out.bytes(sender_mac.octets);
  out.u32(sender.value);
  out.bytes(target_mac.octets);
  out.u32(target.value);
}

}  // namespace fata::wire::arp
