// Tests devices that do not stop, or that violate the order of their status.
#include <gtest/gtest.h>

#include "fata/sim/platform.hpp"
#include "fata/virtio/transport.hpp"

namespace fata::virtio {
namespace {

constexpr std::uint64_t kVersion1 = std::uint64_t{1} << 32;

// Each read of the status takes a millisecond.
struct FakeDevice final : Transport {
  std::uint64_t offered = kVersion1 | 3;
  std::uint64_t accepted = 0;
  unsigned looks_until_stopped = 0;  // after a reset
  bool refuses_features = false;
  std::uint8_t value = 0xff;  // left by an earlier driver
  unsigned looks = 0;

  std::uint32_t device_id() override { return 1; }
  std::uint64_t offered_features() override { return offered; }
  void accept_features(std::uint64_t features) override { accepted = features; }
  std::uint8_t status() override {
    auto& platform = sim::Platform::current();
    platform.idle_until(platform.now() + milliseconds(1));
    ++looks;
    if (value == 0 && looks_until_stopped != 0) return --looks_until_stopped, std::uint8_t{0x40};
    return refuses_features ? static_cast<std::uint8_t>(value & ~8) : value;
  }
  void set_status(std::uint8_t status) override { value = status; }
  std::uint8_t config8(std::size_t) override { return 0; }
  std::uint16_t queue_max(std::uint16_t) override { return 0; }
  Result<void> start_queue(std::uint16_t, const Queue&, std::uint64_t) override { return {}; }
  void notify(std::uint16_t) override {}
  void acknowledge() override {}
};

TEST(VirtioReset, WaitsForADeviceThatTakesItsTime) {
  sim::Platform platform;
  FakeDevice device;
  device.looks_until_stopped = 900;
  EXPECT_TRUE(reset(device));
  EXPECT_EQ(device.looks, 901u);
}

TEST(VirtioReset, DoesNotWaitForEverForOneThatNeverStops) {
  sim::Platform platform;
  FakeDevice device;
  device.looks_until_stopped = ~0u;
  EXPECT_FALSE(reset(device));
  EXPECT_LE(platform.now(), Instant{} + milliseconds(10002));
  const auto agreed = negotiate(device, kVersion1, 0);
  ASSERT_FALSE(agreed);
  EXPECT_TRUE(agreed.error().is(Errc::kNoReset));
}

TEST(VirtioResetDeathTest, MemoryIsNotGivenBackWhileTheDeviceMayWriteToIt) {
  EXPECT_DEATH(
      {
        sim::Platform platform;
        FakeDevice device;
        device.looks_until_stopped = ~0u;
        stop(device);
      },
      "does not reset");
}

TEST(VirtioNegotiate, TakesWhatIsOfferedOfWhatIsWanted) {
  sim::Platform platform;
  FakeDevice device;
  const auto agreed = negotiate(device, kVersion1, 6);
  ASSERT_TRUE(agreed);
  EXPECT_EQ(*agreed, kVersion1 | 2);
  EXPECT_EQ(device.accepted, kVersion1 | 2);
  drive(device);
  EXPECT_EQ(device.value, 1 | 2 | 8 | 4);
}

// Features that depend on each other must come from a single read.
TEST(VirtioNegotiate, WhatIsOfferedIsReadOnceAndAgreedOn) {
  sim::Platform platform;
  FakeDevice device;
  device.offered = kVersion1 | 3;
  const auto all = offered(device);
  ASSERT_TRUE(all);
  device.offered = kVersion1 | 2;  // a second read would differ
  EXPECT_EQ(*agree(device, *all, kVersion1, 3), kVersion1 | 3);
  EXPECT_EQ(device.accepted, kVersion1 | 3);
}

TEST(VirtioNegotiate, NoBitOfTheDeviceIsWrittenBack) {
  sim::Platform platform;
  FakeDevice device;
  ASSERT_TRUE(negotiate(device, kVersion1, 0));
  device.value = 0xff;
  drive(device);
  EXPECT_EQ(device.value, 1 | 2 | 8 | 4);
}

TEST(VirtioNegotiate, RefusesALegacyDeviceALackAndADeviceThatRefuses) {
  sim::Platform platform;
  FakeDevice legacy, lacking, refusing;
  legacy.offered = 3;
  EXPECT_TRUE(negotiate(legacy, kVersion1, 0).error().is(Errc::kLegacyDevice));
  EXPECT_EQ(legacy.value, 0x80);
  EXPECT_TRUE(negotiate(lacking, kVersion1 | 4, 0).error().is(Errc::kFeatures));
  refusing.refuses_features = true;
  EXPECT_TRUE(negotiate(refusing, kVersion1, 0).error().is(Errc::kFeatures));
  EXPECT_EQ(refusing.value, 0x80);
}

}  // namespace
}  // namespace fata::virtio
