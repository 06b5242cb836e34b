// Tests the receiving half of virtio-net against a well-behaved and a hostile device, with each set
// of features.
#include "fata/virtio/frame_receiver.hpp"

#include <gtest/gtest.h>

#include "../src/net_header.hpp"
#include "fata/sim/bus/virtqueue_device.hpp"

namespace fata::virtio {
namespace {

constexpr std::uint64_t bit(unsigned n) { return std::uint64_t{1} << n; }
constexpr std::uint64_t kPlain = bit(VIRTIO_F_VERSION_1);
constexpr std::uint64_t kMergeable = kPlain | bit(VIRTIO_NET_F_MRG_RXBUF);
constexpr std::uint64_t kSums = bit(VIRTIO_NET_F_GUEST_CSUM);
constexpr std::uint64_t kSegments = bit(VIRTIO_NET_F_GUEST_TSO4) | bit(VIRTIO_NET_F_GUEST_TSO6);

struct Wire {
  explicit Wire(std::uint64_t features, ReceiveBuffers buffers = {32, 32, 256})
      : queue(32, memory, false),
        device(32, memory, false),
        receiver(
            features, buffers,
            [](const volatile void* p) { return reinterpret_cast<std::uint64_t>(p); }, counters) {
    receiver.start(queue);
    queue.publish();
  }
  ~Wire() { receiver.stop(); }

  // The device fills the next buffer with `front`, then `fill`, and reports `length` bytes.
  void write(std::string_view front, std::size_t length, char fill = 'f') {
    const auto chain = device.take();
    ASSERT_TRUE(chain);
    const auto& segment = chain->segments.front();
    const MutableBytes room =
        danger_span(reinterpret_cast<std::byte*>(segment.address), segment.length);
    std::ranges::fill(room, static_cast<std::byte>(fill));
    copy_bytes(room, as_bytes(front));
    device.finish(chain->head, static_cast<std::uint32_t>(length));
  }
  std::vector<sig::RxFrame> receive() {
    std::array<sig::RxFrame, 40> in;
    const std::size_t count = receiver.receive(in);
    queue.publish();
    return {std::make_move_iterator(in.begin()),
            std::make_move_iterator(in.begin() + static_cast<std::ptrdiff_t>(count))};
  }
  std::uint64_t count(std::size_t which) const { return counters[which].value; }

  alignas(64) std::array<std::byte, Queue::bytes_needed(32)> memory{};
  std::array<Counter, FrameReceiver::kCounts> counters{};
  Queue queue;
  sim::VirtqueueDevice device;
  FrameReceiver receiver;
};

std::string header(std::uint16_t buffers, std::uint8_t flags = 0, std::uint8_t gso_type = 0,
                   std::uint16_t gso_size = 0) {
  std::array<std::byte, kNetHeaderSize> bytes{};
  bytes[0] = static_cast<std::byte>(flags);
  bytes[1] = static_cast<std::byte>(gso_type);
  store_le(std::span(bytes).subspan(4), gso_size);
  store_le(std::span(bytes).subspan(10), buffers);
  return std::string(as_text(bytes));
}

TEST(FrameReceiver, without_mergeable_buffers_a_buffer_is_a_frame_whatever_its_header_holds) {
  for (const std::uint16_t garbage : {0, 1, 2, 7, 0x6666, 0xffff}) {
    Wire wire(kPlain);
    for (int i = 0; i < 3; ++i) wire.write(header(garbage), 12 + 60);
    const auto frames = wire.receive();
    ASSERT_EQ(frames.size(), 3U) << garbage;
    for (const sig::RxFrame& frame : frames) {
      EXPECT_EQ(frame.frame.size(), 60U);
      EXPECT_TRUE(frame.more.empty());
    }
    EXPECT_EQ(wire.count(FrameReceiver::kReceived), 3U);
  }
}

TEST(FrameReceiver, with_mergeable_buffers_a_frame_is_in_as_many_as_its_header_says) {
  Wire wire(kMergeable);
  wire.write(header(3), 256, 'a');
  wire.write("", 256, 'b');
  EXPECT_TRUE(wire.receive().empty()) << "the third is still to come";
  wire.write("", 10, 'c');
  wire.write(header(1), 12 + 60, 'd');
  const auto frames = wire.receive();
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0].frame.text(), std::string(244, 'a'));
  ASSERT_EQ(frames[0].more.pieces().size(), 2U);
  EXPECT_EQ(frames[0].more.pieces()[0].text(), std::string(256, 'b'));
  EXPECT_EQ(frames[0].more.pieces()[1].text(), std::string(10, 'c'));
  EXPECT_EQ(frames[1].frame.text(), std::string(60, 'd'));
}

TEST(FrameReceiver, a_count_of_zero_buffers_is_one) {
  Wire wire(kMergeable);
  wire.write(header(0), 72);
  EXPECT_EQ(wire.receive().size(), 1U);
}

TEST(FrameReceiver, the_most_buffers_of_a_frame_are_taken_and_one_more_drops_it_alone) {
  Wire wire(kMergeable);
  const auto frame_of = [&](std::size_t buffers) {
    wire.write(header(static_cast<std::uint16_t>(buffers)), 256);
    for (std::size_t i = 1; i < buffers; ++i) wire.write("", 256);
    return wire.receive();
  };
  const auto fits = frame_of(1 + BufferChain::kMax);
  ASSERT_EQ(fits.size(), 1U);
  EXPECT_EQ(fits[0].total_size(), 256 * (1 + BufferChain::kMax) - 12);
  EXPECT_TRUE(frame_of(2 + BufferChain::kMax).empty());
  EXPECT_EQ(wire.count(FrameReceiver::kTooLong), 1U);
  EXPECT_EQ(frame_of(1).size(), 1U);
}

TEST(FrameReceiver, a_frame_shorter_than_its_headers_is_dropped_with_all_of_its_buffers) {
  for (const std::size_t length : {0, 1, 11, 12, 25}) {
    Wire wire(kPlain);
    wire.write(header(1), length);
    wire.write(header(1), 12 + 14);
    EXPECT_EQ(wire.receive().size(), 1U) << length;
    EXPECT_EQ(wire.count(FrameReceiver::kBadLength), 1U) << length;
  }
  Wire wire(kMergeable);
  wire.write(header(2), 25);
  wire.write("", 256);
  wire.write(header(1), 72);
  EXPECT_EQ(wire.receive().size(), 1U);
  EXPECT_EQ(wire.count(FrameReceiver::kBadLength), 1U);
}

TEST(FrameReceiver, empty_buffers_inside_of_a_frame_add_nothing) {
  Wire wire(kMergeable);
  wire.write(header(3), 256);
  wire.write("", 0);
  wire.write("", 5);
  const auto frames = wire.receive();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].total_size(), 244U + 5U);
}

TEST(FrameReceiver, flags_and_segmentation_count_only_where_they_were_agreed_on) {
  struct Case {
    std::uint64_t features;
    std::uint8_t flags, gso_type;
    bool valid;
    Offload::Gso gso;
  };
  using enum Offload::Gso;
  constexpr std::uint8_t kEcn = VIRTIO_NET_HDR_GSO_ECN, kValid = VIRTIO_NET_HDR_F_DATA_VALID;
  const Case cases[] = {
      {kPlain, kValid, 0, false, kNone},
      {kPlain, VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_GSO_TCPV4, false, kNone},
      {kMergeable | kSums, kValid, VIRTIO_NET_HDR_GSO_TCPV6, true, kNone},
      {kMergeable | kSums, VIRTIO_NET_HDR_F_NEEDS_CSUM, 0, true, kNone},
      {kMergeable | kSums, VIRTIO_NET_HDR_F_RSC_INFO, 0, false, kNone},
      {kMergeable | kSums | kSegments, kValid, VIRTIO_NET_HDR_GSO_TCPV4, true, kTcpV4},
      {kMergeable | kSums | kSegments, kValid, VIRTIO_NET_HDR_GSO_TCPV6 | kEcn, true, kTcpV6},
      {kMergeable | kSums | bit(VIRTIO_NET_F_GUEST_TSO4), 0, VIRTIO_NET_HDR_GSO_TCPV6, false,
       kNone},
      {kMergeable | kSums | kSegments, 0, VIRTIO_NET_HDR_GSO_UDP, false, kNone},
      {kMergeable | kSums | kSegments, 0, 0xff, false, kNone},
  };
  for (const Case& c : cases) {
    Wire wire(c.features);
    wire.write(header(1, c.flags, c.gso_type, 1448), 72);
    const auto frames = wire.receive();
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].offload.checksum_valid, c.valid);
    EXPECT_EQ(frames[0].offload.gso, c.gso);
    EXPECT_EQ(frames[0].offload.gso_size, c.gso == kNone ? 0 : 1448);
  }
}

TEST(FrameReceiver, buffers_that_are_held_do_not_come_back_and_those_let_go_do) {
  Wire wire(kPlain, {32, 4, 256});
  for (int i = 0; i < 32; ++i) wire.write(header(9), 72);
  {
    const auto held = wire.receive();
    ASSERT_EQ(held.size(), 32U);
    EXPECT_EQ(wire.receiver.available(), 0U);
    EXPECT_EQ(wire.queue.room(), 28U);
  }
  wire.receiver.refill();
  EXPECT_EQ(wire.queue.room(), 0U);
  EXPECT_EQ(wire.receiver.available(), 4U);
}

TEST(FrameReceiver, a_queue_that_broke_gives_what_came_before_and_all_buffers_come_home) {
  Wire wire(kMergeable);
  wire.write(header(1), 72);
  wire.write(header(2), 72);  // continues in a buffer that never arrives
  wire.device.finish(31, 100'000);
  EXPECT_EQ(wire.receive().size(), 1U);
  EXPECT_TRUE(wire.queue.broken());
  wire.receiver.stop();
  EXPECT_EQ(wire.receiver.available(), 64U);
}

}  // namespace
}  // namespace fata::virtio
