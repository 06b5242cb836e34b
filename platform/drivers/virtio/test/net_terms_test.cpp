#include "fata/virtio/net_terms.hpp"

#include <gtest/gtest.h>

#include "../src/net_header.hpp"

namespace fata::virtio {
namespace {

constexpr std::uint64_t features(std::initializer_list<unsigned> bits) {
  std::uint64_t all = 0;
  for (const unsigned n : bits) all |= std::uint64_t{1} << n;
  return all;
}
constexpr std::uint64_t kBasic =
    features({VIRTIO_F_VERSION_1, VIRTIO_RING_F_EVENT_IDX, VIRTIO_NET_F_MAC, VIRTIO_NET_F_MTU});
constexpr std::uint64_t kMergeable = features({VIRTIO_NET_F_MRG_RXBUF});
constexpr std::uint64_t kSum = features({VIRTIO_NET_F_CSUM}),
                        kGuestSum = features({VIRTIO_NET_F_GUEST_CSUM});
constexpr std::uint64_t kCut =
    features({VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_HOST_TSO6, VIRTIO_NET_F_HOST_ECN});
constexpr std::uint64_t kCoalesced =
    features({VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_GUEST_ECN});
constexpr std::uint64_t kAll = kBasic | kMergeable | kSum | kGuestSum | kCut | kCoalesced;

TEST(NetTerms, all_that_is_useful_is_accepted_where_all_is_offered) {
  EXPECT_EQ(choose_net_features(kAll, true, true), kAll);
}

TEST(NetTerms, nothing_is_accepted_that_the_driver_does_not_know) {
  EXPECT_EQ(choose_net_features(~std::uint64_t{0}, true, true), kAll);
}

TEST(NetTerms, without_offload_frames_travel_as_on_a_wire) {
  EXPECT_EQ(choose_net_features(kAll, false, true), kBasic | kMergeable);
}

TEST(NetTerms, segments_are_coalesced_only_with_memory_and_mergeable_buffers) {
  EXPECT_EQ(choose_net_features(kAll, true, false), kAll & ~kCoalesced);
  EXPECT_EQ(choose_net_features(kAll & ~kMergeable, true, true), kAll & ~kMergeable & ~kCoalesced);
}

// Virtio 1.2, section 5.1.3.1.
TEST(NetTerms, no_feature_is_accepted_without_what_it_requires) {
  EXPECT_EQ(choose_net_features(kAll & ~kSum, true, true), kBasic | kMergeable | kGuestSum);
  EXPECT_EQ(choose_net_features(kAll & ~kGuestSum, true, true), kBasic | kMergeable | kSum | kCut);
  EXPECT_EQ(choose_net_features(kBasic | kCut | kCoalesced, true, true), kBasic);
  EXPECT_EQ(choose_net_features(
                kAll & ~features({VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6}), true, true),
            kAll & ~kCoalesced);
  for (std::uint64_t some = 0; some < 256;
       ++some) {  // every subset of the features with requirements
    constexpr unsigned kBits[] = {VIRTIO_NET_F_CSUM,       VIRTIO_NET_F_GUEST_CSUM,
                                  VIRTIO_NET_F_HOST_TSO4,  VIRTIO_NET_F_HOST_TSO6,
                                  VIRTIO_NET_F_HOST_ECN,   VIRTIO_NET_F_GUEST_TSO4,
                                  VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_GUEST_ECN};
    std::uint64_t offered = kBasic | kMergeable;
    for (std::size_t i = 0; i < 8; ++i) offered |= (some >> i & 1) != 0 ? features({kBits[i]}) : 0;
    const std::uint64_t agreed = choose_net_features(offered, true, true);
    EXPECT_EQ(agreed & ~offered, 0U);
    const auto has = [&](unsigned n) { return (agreed >> n & 1) != 0; };
    EXPECT_TRUE(has(VIRTIO_NET_F_CSUM) || (agreed & kCut) == 0) << some;
    EXPECT_TRUE(has(VIRTIO_NET_F_GUEST_CSUM) || (agreed & kCoalesced) == 0) << some;
    EXPECT_TRUE(has(VIRTIO_NET_F_HOST_TSO4) || has(VIRTIO_NET_F_HOST_TSO6) ||
                !has(VIRTIO_NET_F_HOST_ECN))
        << some;
    EXPECT_TRUE(has(VIRTIO_NET_F_GUEST_TSO4) || has(VIRTIO_NET_F_GUEST_TSO6) ||
                !has(VIRTIO_NET_F_GUEST_ECN))
        << some;
  }
}

std::array<std::byte, NetConfig::kSize> config(std::uint16_t mtu) {
  std::array<std::byte, NetConfig::kSize> bytes{};
  for (std::size_t i = 0; i < 6; ++i) bytes[i] = static_cast<std::byte>(0x52 + i);
  store_le(std::span(bytes).subspan(10), mtu);
  return bytes;
}

TEST(NetTerms, fields_of_the_configuration_count_only_with_their_feature) {
  const NetConfig all = NetConfig::parse(kAll, config(9000));
  ASSERT_TRUE(all.mac);
  EXPECT_EQ(all.mac->octets[5], std::byte{0x57});
  EXPECT_EQ(all.link_mtu, 9000U);
  const NetConfig none = NetConfig::parse(features({VIRTIO_F_VERSION_1}), config(9000));
  EXPECT_FALSE(none.mac);
  EXPECT_EQ(none.link_mtu, 1500U);
}

TEST(NetTerms, an_mtu_that_no_device_may_offer_is_ignored) {
  for (const std::uint16_t mtu : {0, 1, 67})
    EXPECT_EQ(NetConfig::parse(kAll, config(mtu)).link_mtu, 1500U);
  for (const std::uint16_t mtu : {68, 576, 1280, 65535})
    EXPECT_EQ(NetConfig::parse(kAll, config(mtu)).link_mtu, mtu);
}

TEST(NetTerms, without_mergeable_buffers_each_holds_a_frame_of_the_link) {
  for (const bool roomy : {false, true}) {
    const ReceiveBuffers usual = ReceiveBuffers::choose(kAll, 9000, roomy);
    EXPECT_EQ(ReceiveBuffers::choose(kBasic, 1500, roomy).size, usual.size);
    for (const std::size_t mtu : {68UZ, 1500UZ, 2018UZ, 2019UZ, 4066UZ, 4067UZ, 9000UZ, 16000UZ,
                                  32000UZ, 65521UZ, 65535UZ}) {
      const ReceiveBuffers buffers = ReceiveBuffers::choose(kBasic, mtu, roomy);
      EXPECT_GE(buffers.size, mtu + 12 + 14 + 4) << mtu;
      EXPECT_GE(buffers.ring, 2U) << mtu;
      EXPECT_TRUE(std::has_single_bit(buffers.ring)) << mtu;
      EXPECT_LE((buffers.ring + buffers.spare) * buffers.size,
                (usual.ring + usual.spare) * usual.size)
          << mtu;
    }
  }
}

}  // namespace
}  // namespace fata::virtio
