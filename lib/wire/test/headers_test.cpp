#include "fata/base/pool.hpp"
#include "fata/wire/icmp.hpp"
#include "fata/wire/udp.hpp"
#include "frames.hpp"

namespace fata::wire {
namespace {

using namespace test;

TEST(EthernetHeader, IsReadBackAsWritten) {
  Frame frame(20);
  ethernet::Header{mac(7), mac(9), 0x0806}.write(frame);
  const auto header = ethernet::Header::parse(frame);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->destination, mac(7));
  EXPECT_EQ(header->source, mac(9));
  EXPECT_EQ(header->type, 0x0806);
  for (std::size_t size = 0; size < ethernet::kHeaderSize; ++size) {
    EXPECT_FALSE(ethernet::Header::parse(Bytes(frame).first(size))) << size;
  }
}

TEST(ArpPacket, IsReadBackAsWritten) {
  Frame bytes(arp::kPacketSize + 18);
  arp::Packet{arp::kReply, mac(3), v4_address(3), mac(4), v4_address(4)}.write(
      MutableBytes(bytes).first(arp::kPacketSize));
  const auto packet = arp::Packet::parse(bytes);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->operation, arp::kReply);
  EXPECT_EQ(packet->sender_mac, mac(3));
  EXPECT_EQ(packet->sender, v4_address(3));
  EXPECT_EQ(packet->target_mac, mac(4));
  EXPECT_EQ(packet->target, v4_address(4));
}

TEST(ArpPacket, OfAnyOtherKindIsRefused) {
  const Frame right = arp_packet(arp::kRequest, mac(3), v4_address(3), v4_address(4));
  for (std::size_t size = 0; size < right.size(); ++size)
    EXPECT_FALSE(arp::Packet::parse(Bytes(right).first(size)));
  for (const std::size_t at : {0, 1, 2, 3, 4, 5}) {  // hardware and protocol type, both lengths
    Frame wrong = right;
    wrong[at] ^= std::byte{1};
    EXPECT_FALSE(arp::Packet::parse(wrong)) << at;
  }
}

TEST(Ipv4Header, IsReadBackAsWritten) {
  ipv4::Header header;
  header.source = v4_address(1);
  header.destination = v4_address(2);
  header.protocol = 200;
  header.ttl = 3;
  header.tos = 0xb8;
  header.identification = 0xbeef;
  header.dont_fragment = true;
  header.total_length = 60;
  Frame packet(60);
  header.write(packet);
  const auto read = ipv4::Header::parse(packet);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->source, v4_address(1));
  EXPECT_EQ(read->destination, v4_address(2));
  EXPECT_EQ(read->protocol, 200);
  EXPECT_EQ(read->ttl, 3);
  EXPECT_EQ(read->tos, 0xb8);
  EXPECT_EQ(read->identification, 0xbeef);
  EXPECT_TRUE(read->dont_fragment);
  EXPECT_FALSE(read->is_fragment());
  EXPECT_EQ(read->header_length, 20);
  EXPECT_EQ(read->total_length, 60);

  header.dont_fragment = false;
  header.more_fragments = true;
  header.fragment_offset = 8 * 1234;
  header.write(packet);
  EXPECT_EQ(ipv4::Header::parse(packet)->fragment_offset, 8 * 1234);
  EXPECT_TRUE(ipv4::Header::parse(packet)->more_fragments);
  EXPECT_TRUE(ipv4::Header::parse(packet)->is_fragment());
}

TEST(Ipv4Header, EachWrongFieldHasItsReason) {
  using enum ipv4::Malformed;
  struct Case {
    const char* what;
    IpFields fields;
    ipv4::Malformed reason;
  };
  const Case cases[] = {
      {"version 6", {.version = 6}, kVersion},
      {"version 0", {.version = 0}, kVersion},
      {"a header of 16 bytes", {.header_length = 4}, kHeaderLength},
      {"a header beyond the packet", {.header_length = 15}, kHeaderLength},
      {"shorter than its header", {.total_length = 19}, kTotalLength},
      {"longer than what came", {.total_length = 29}, kTotalLength},
      {"65535 bytes", {.total_length = 65535}, kTotalLength},
      {"a wrong checksum", {.checksum_error = 1}, kChecksum},
  };
  for (const Case& each : cases) {
    const auto header = ipv4::Header::parse(ip_packet(each.fields, Frame(8)));
    ASSERT_FALSE(header) << each.what;
    EXPECT_EQ(header.error(), each.reason) << each.what;
  }
  const Frame right = ip_packet({}, {});
  for (std::size_t size = 0; size < right.size(); ++size) {
    const auto header = ipv4::Header::parse(Bytes(right).first(size));
    ASSERT_FALSE(header);
    EXPECT_EQ(header.error(), kTruncated);
  }
}

TEST(Ipv4Header, EveryBitOfItIsCoveredByTheChecksum) {
  const Frame right = ip_packet({.options = Frame(12, std::byte{1})}, {});
  ASSERT_TRUE(ipv4::Header::parse(right));
  for (std::size_t bit = 0; bit < right.size() * 8; ++bit) {
    Frame wrong = right;
    wrong[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    EXPECT_FALSE(ipv4::Header::parse(wrong)) << bit;
  }
}

TEST(UdpHeader, EachWrongFieldHasItsReason) {
  using enum udp::Malformed;
  struct Case {
    const char* what;
    UdpFields fields;
    udp::Malformed reason;
  };
  const Case cases[] = {
      {"shorter than its header", {.length = 7}, kLength},
      {"no length", {.length = 0}, kLength},
      {"longer than its packet", {.length = 14}, kLength},
      {"a wrong checksum", {.checksum = 1}, kChecksum},
      {"another sender", {.source = v4_address(3)}, kChecksum},
      {"another receiver", {.destination = v4_address(3)}, kChecksum},
  };
  for (const Case& each : cases) {
    const auto header = udp::Header::parse(udp_datagram(each.fields, text("hello")), v4_address(2),
                                           v4_address(1), {});
    ASSERT_FALSE(header) << each.what;
    EXPECT_EQ(header.error(), each.reason) << each.what;
  }
  const Frame right = udp_datagram({}, {});
  for (std::size_t size = 0; size < right.size(); ++size) {
    EXPECT_EQ(
        udp::Header::parse(Bytes(right).first(size), v4_address(2), v4_address(1), {}).error(),
        kTruncated);
  }
}

TEST(UdpHeader, AChecksumIsNotNeededWhereItIsAbsentOrTheDeviceVouchesForIt) {
  EXPECT_TRUE(udp::Header::parse(udp_datagram({.checksum = 0}, text("hello")), v4_address(2),
                                 v4_address(1), {}));
  const Frame unfinished = udp_datagram({.checksum = 0x1234}, text("hello"));
  EXPECT_FALSE(udp::Header::parse(unfinished, v4_address(2), v4_address(1), {}));
  EXPECT_TRUE(
      udp::Header::parse(unfinished, v4_address(2), v4_address(1), {.checksum_valid = true}));
}

TEST(UdpHeader, IsReadBackAsPrependedAndItsChecksumIsNeverZero) {
  BufferPool pool(1, 2048);
  unsigned mangled = 0;
  // For some values of two bytes, the sum is 0, which would mean "no checksum" (RFC 768).
  for (std::uint32_t value = 0; value < 65536; ++value) {
    PacketBuf packet = pool.allocate(udp::kHeaderSize);
    store_be(packet.append(2), static_cast<std::uint16_t>(value));
    udp::prepend_header(packet, 1000, 2000, v4_address(2), v4_address(1), false);
    const auto header = udp::Header::parse(packet.bytes(), v4_address(2), v4_address(1), {});
    ASSERT_TRUE(header);
    ASSERT_EQ(header->source_port, 1000);
    ASSERT_EQ(header->destination_port, 2000);
    ASSERT_EQ(header->length, 10);
    const auto sum = load_be<std::uint16_t>(packet.bytes().subspan(6));
    ASSERT_NE(sum, 0);
    mangled += sum == 0xffff ? 1 : 0;
  }
  EXPECT_GE(mangled, 1u);
}

TEST(Icmp, EchoRepliesKeepEverythingButTheTypeAndHaveARightChecksum) {
  for (std::uint32_t code = 0; code < 256; code += 51) {
    for (std::uint32_t value = 0; value < 65536; value += 97) {
      Frame rest(6);
      store_be(MutableBytes(rest), value << 16 | 0x0001);
      const Frame request = icmp_message(icmp::kEcho, static_cast<std::uint8_t>(code), rest);
      Frame reply = request;
      icmp::make_echo_reply(reply);
      const auto header = icmp::Header::parse(reply);
      ASSERT_TRUE(header) << value;
      ASSERT_EQ(header->type, icmp::kEchoReply);
      ASSERT_TRUE(equal_bytes(Bytes(reply).subspan(4), Bytes(request).subspan(4)));
    }
  }
}

TEST(Icmp, ShortOrDamagedMessagesAreRefused) {
  const Frame right = icmp_message(icmp::kEcho, 0, Frame(9));
  ASSERT_TRUE(icmp::Header::parse(right));
  for (std::size_t size = 0; size < icmp::kHeaderSize; ++size) {
    EXPECT_FALSE(icmp::Header::parse(Bytes(right).first(size)));
  }
  for (std::size_t bit = 0; bit < right.size() * 8; ++bit) {
    Frame wrong = right;
    wrong[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    EXPECT_FALSE(icmp::Header::parse(wrong)) << bit;
  }
}

TEST(Icmp, AnUnreachableMessageQuotesWhatItWasGiven) {
  const Frame quoted = text("an offending packet");
  Frame message(icmp::kHeaderSize + quoted.size());
  icmp::write_error(message, icmp::kUnreachable, icmp::kCodePort, quoted);
  const auto header = icmp::Header::parse(message);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, 3);
  EXPECT_EQ(header->code, 3);
  EXPECT_TRUE(equal_bytes(Bytes(message).subspan(8), quoted));
}

}  // namespace
}  // namespace fata::wire
