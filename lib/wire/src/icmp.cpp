#include "fata/wire/icmp.hpp"

#include "fata/wire/checksum.hpp"

namespace fata::wire::icmp {

std::optional<Header> Header::parse(Bytes message) {
  ByteReader in(message);
  Header header{in.u8(), in.u8()};
  in.skip(kHeaderSize - 2);
  if (!in.ok() || checksum(message) != 0) return std::nullopt;
  return header;
}

void make_echo_reply(MutableBytes message) {
  message[0] = static_cast<std::byte>(kEchoReply);
  // HC' = ~(~HC + ~m + m'), with m = 0x0800 and m' = 0 for type and code 0 (RFC 1624 equation 3).
  const std::uint32_t sum =
      static_cast<std::uint16_t>(~load_be<std::uint16_t>(message.subspan(2))) +
      std::uint32_t{static_cast<std::uint16_t>(~(std::uint32_t{kEcho} << 8))};
  store_be(message.subspan(2), static_cast<std::uint16_t>(~((sum & 0xffff) + (sum >> 16))));
}

void write_error(MutableBytes to, std::uint8_t type, std::uint8_t code, Bytes quoted) {
  ByteWriter out(to);
  out.u8(type);
  out.u8(code);
  out.u16(0);
  out.u32(0);
  out.bytes(quoted);
  out.patch_u16(2, checksum(out.written()));
}

}  // namespace fata::wire::icmp
