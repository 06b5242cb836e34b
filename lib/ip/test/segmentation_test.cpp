// Software segmentation compared with segments built one by one.
#include "fata/wire/segmentation.hpp"

#include <random>

#include "fata/sim/effort.hpp"
#include "fata/wire/ipv6.hpp"
#include "fata/wire/tcp.hpp"
#include "recorder.hpp"

namespace fata::ip {
namespace {

struct Large {
  bool v6 = false;
  wire::tcp::Header tcp{};
  std::size_t payload = 0;
  std::uint16_t gso_size = 0;
  std::uint16_t identification = 0;
};

const IpAddress kFrom4 = v4_address(1), kTo4 = v4_address(2);
constexpr IpAddress kFrom6 = IpAddress::of(0xfd00, 0, 0, 0, 0, 0, 0, 1);
constexpr IpAddress kTo6 = IpAddress::of(0xfd00, 0, 0, 0, 0, 0, 0, 2);

std::size_t headers_of(const Large& what) {
  return wire::ethernet::kHeaderSize +
         (what.v6 ? wire::ipv6::kHeaderSize : wire::ipv4::kHeaderSize) + wire::tcp::kHeaderSize +
         what.tcp.options.size();
}

// The headers for `length` bytes of data, without TCP's checksum.
Frame headers(const Large& what, const wire::tcp::Header& tcp, std::size_t length,
              std::uint16_t index) {
  const std::size_t tcp_size = wire::tcp::kHeaderSize + tcp.options.size();
  Frame frame(headers_of(what));
  const MutableBytes all(frame);
  const auto type = what.v6 ? wire::ethernet::Type::kIpv6 : wire::ethernet::Type::kIpv4;
  wire::ethernet::Header{mac(2), mac(1), static_cast<std::uint16_t>(type)}.write(all);
  if (what.v6) {
    wire::ipv6::Header header;
    header.source = kFrom6;
    header.destination = kTo6;
    header.payload_length = static_cast<std::uint16_t>(tcp_size + length);
    header.next_header = wire::tcp::kProtocol;
    header.write(all.subspan(wire::ethernet::kHeaderSize));
  } else {
    wire::ipv4::Header header;
    header.source = kFrom4.v4();
    header.destination = kTo4.v4();
    header.protocol = wire::tcp::kProtocol;
    header.dont_fragment = true;
    header.identification = static_cast<std::uint16_t>(what.identification + index);
    header.total_length = static_cast<std::uint16_t>(wire::ipv4::kHeaderSize + tcp_size + length);
    header.write(all.subspan(wire::ethernet::kHeaderSize));
  }
  tcp.write(all.last(tcp_size));
  return frame;
}

Frame expected(const Large& what, Bytes data, std::size_t at) {
  const std::size_t length = std::min<std::size_t>(what.gso_size, data.size() - at);
  wire::tcp::Header tcp = what.tcp;
  tcp.seq += static_cast<std::uint32_t>(at);
  if (at != 0) tcp.flags &= static_cast<std::uint8_t>(~wire::tcp::kCwr);
  if (at + length != data.size())
    tcp.flags &= static_cast<std::uint8_t>(~(wire::tcp::kFin | wire::tcp::kPsh));
  Frame frame = headers(what, tcp, length, static_cast<std::uint16_t>(at / what.gso_size));
  frame.insert(frame.end(), data.begin() + static_cast<std::ptrdiff_t>(at),
               data.begin() + static_cast<std::ptrdiff_t>(at + length));
  const MutableBytes segment =
      MutableBytes(frame).subspan(headers_of(what) - wire::tcp::kHeaderSize - tcp.options.size());
  wire::ChecksumSum sum;
  wire::tcp::add_pseudo_header(sum, what.v6 ? kFrom6 : kFrom4, what.v6 ? kTo6 : kTo4,
                               segment.size());
  sum.add(segment);
  // Both values mean the same; code that completes checksums also serves UDP.
  store_be(segment.subspan(16), sum.finish() == 0 ? std::uint16_t{0xffff} : sum.finish());
  return frame;
}

// A packet as TCP and IP build it for a device with segmentation offload; the data lies in buffers
// of random sizes, the first in the packet itself.
PacketBuf large(const Large& what, Bytes data, BufferPool& pool, std::mt19937& random) {
  PacketBuf packet = pool.allocate();
  const Frame head = headers(what, what.tcp, data.size(), 0);
  copy_bytes(packet.append(head.size()), Bytes(head));
  const auto tcp_at = head.size() - wire::tcp::kHeaderSize - what.tcp.options.size();
  wire::ChecksumSum sum;
  wire::tcp::add_pseudo_header(sum, what.v6 ? kFrom6 : kFrom4, what.v6 ? kTo6 : kTo4,
                               head.size() - tcp_at + data.size());
  store_be(packet.bytes().subspan(tcp_at + 16), sum.partial());
  Offload& offload = packet.offload();
  offload.gso = what.v6 ? Offload::Gso::kTcpV6 : Offload::Gso::kTcpV4;
  offload.gso_size = what.gso_size;
  offload.header_length = static_cast<std::uint16_t>(head.size());
  offload.checksum_needed = true;
  offload.checksum_start = static_cast<std::uint16_t>(tcp_at);
  offload.checksum_offset = 16;
  if (random() % 2 == 0) {
    const std::size_t own = std::min<std::size_t>(random() % 300, data.size());
    copy_bytes(packet.append(own), data.first(own));
    data = data.subspan(own);
  }
  const std::size_t least = (data.size() + 15) / 16;
  while (!data.empty()) {
    const std::size_t count = std::min(data.size(), least + random() % 2000);
    PacketBuf piece = pool.allocate();
    copy_bytes(piece.append(count), data.first(count));
    packet.chain().push(Slice(std::move(piece)));
    data = data.subspan(count);
  }
  return packet;
}

TEST(Segmentation, GivesTheFramesThatWouldHaveBeenMadeOneByOne) {
  std::mt19937 random(20);
  BufferPool pool{64, 8192};
  const unsigned rounds = sim::effort(500, 2000);
  for (unsigned round = 0; round < rounds; ++round) {
    Large what;
    what.v6 = random() % 2 == 0;
    what.payload = 1 + random() % 40000;
    what.gso_size = static_cast<std::uint16_t>(1 + random() % 1460);
    if (what.payload / what.gso_size > 60) what.gso_size = 1448;
    what.identification = static_cast<std::uint16_t>(random());
    what.tcp.source_port = static_cast<std::uint16_t>(random());
    what.tcp.destination_port = static_cast<std::uint16_t>(random());
    what.tcp.seq = static_cast<std::uint32_t>(random());
    what.tcp.ack = static_cast<std::uint32_t>(random());
    what.tcp.flags = static_cast<std::uint8_t>(wire::tcp::kAck | (random() & 0xc9U));
    what.tcp.window = static_cast<std::uint16_t>(random());
    what.tcp.options.has_timestamps = random() % 2 == 0;
    what.tcp.options.ts_value = static_cast<std::uint32_t>(random());
    Frame data(what.payload);
    for (std::byte& byte : data) byte = static_cast<std::byte>(random());

    wire::Segmenter segments(large(what, data, pool, random));
    std::size_t at = 0;
    for (; segments.size() != 0; at += what.gso_size) {
      ASSERT_LT(at, data.size());
      PacketBuf segment = pool.allocate();
      ASSERT_LE(segments.size(), segment.tailroom());
      segments.next(segment);
      EXPECT_EQ(segment.offload().gso, Offload::Gso::kNone);
      EXPECT_TRUE(segment.chain().empty());
      wire::finish_checksum(segment.bytes(), segment.offload());
      const Frame wanted = expected(what, data, at);
      ASSERT_TRUE(std::ranges::equal(segment.bytes(), wanted))
          << "round " << round << ", at " << at;
    }
    EXPECT_GE(at, data.size());
  }
  EXPECT_EQ(pool.available(), pool.count());
}

class Wire final : public PacketSink {
 public:
  PacketBuf allocate(std::size_t headroom) override { return pool.allocate(headroom); }
  void transmit(PacketBuf frame) override { frames.push_back(std::move(frame)); }
  BufferPool pool{8, 1514};
  std::vector<PacketBuf> frames;
};

class InterfaceWithoutSegmentation : public testing::Test {
 protected:
  void send(const sig::NetFeatures& features) {
    interface.emplace(LinkConfig{mac(1), 1500, features}, wire, std::uint8_t{0});
    Large what;
    what.tcp.flags = wire::tcp::kAck;
    what.payload = data.size();
    what.gso_size = 1460;
    PacketBuf packet = large(what, data, source, random);
    // As passed down by IP: without the Ethernet header.
    packet.trim_front(wire::ethernet::kHeaderSize);
    packet.offload().checksum_start -= wire::ethernet::kHeaderSize;
    packet.offload().header_length -= wire::ethernet::kHeaderSize;
    interface->send(std::move(packet), mac(2), wire::ethernet::Type::kIpv4);
  }
  std::mt19937 random{1};
  BufferPool source{32, 8192};
  Wire wire;
  std::optional<Interface> interface;
  Frame data = Frame(4000, std::byte{7});
};

TEST_F(InterfaceWithoutSegmentation, CutsAndFinishesChecksums) {
  send({});
  ASSERT_EQ(wire.frames.size(), 3u);
  for (PacketBuf& frame : wire.frames) {
    EXPECT_FALSE(frame.offload().checksum_needed);
    EXPECT_TRUE(wire::tcp::checksum_holds(kFrom4, kTo4, frame.bytes().subspan(34), {}));
  }
  EXPECT_EQ(interface->count(Interface::kSent), 3u);
  EXPECT_EQ(source.available(), source.count());
}

TEST_F(InterfaceWithoutSegmentation, LeavesChecksumsToADeviceThatFinishesThem) {
  sig::NetFeatures features;
  features.tx_checksum = true;
  send(features);
  ASSERT_EQ(wire.frames.size(), 3u);
  for (PacketBuf& frame : wire.frames) EXPECT_TRUE(frame.offload().checksum_needed);
}

TEST_F(InterfaceWithoutSegmentation, LetsADeviceCutThatCan) {
  sig::NetFeatures features;
  features.tx_checksum = features.gather = features.tso4 = true;
  send(features);
  ASSERT_EQ(wire.frames.size(), 1u);
  EXPECT_EQ(wire.frames.front().offload().gso, Offload::Gso::kTcpV4);
  wire.frames.clear();
}

TEST_F(InterfaceWithoutSegmentation, SendsWhatItHasBuffersForAndCountsTheRest) {
  std::vector<PacketBuf> taken;
  while (wire.pool.available() > 2) taken.push_back(wire.pool.allocate());
  send({});
  EXPECT_EQ(wire.frames.size(), 2u);
  EXPECT_EQ(interface->count(Interface::kNoBuffer), 1u);
  EXPECT_EQ(source.available(), source.count());
}

}  // namespace
}  // namespace fata::ip
