#include "fata/sim/net_device.hpp"

namespace fata::sim {

namespace {
constexpr std::size_t kEthernetHeader = 14;
constexpr std::size_t kHeadroom = 128;  // the most that the layers above ask for
}  // namespace

NetDevice::NetDevice(Network& network, const MacAddress& mac, const DeviceOptions& options)
    : network_(&network),
      mac_(mac),
      options_(options),
      pool_(options.buffers, kHeadroom + kEthernetHeader + options.mtu),
      counters_{Counter{"received"},  Counter{"sent"},     Counter{"overrun"},
                Counter{"no_buffer"}, Counter{"too_long"}, Counter{"no_link"}} {}

sig::NetFeatures NetDevice::features() const {
  sig::NetFeatures features;
  features.tx_checksum = features.rx_checksum = options_.checksum_offload;
  features.receive_memory = (options_.buffers - options_.reserve) * pool_.buffer_size();
  return features;
}

async::Task<Result<std::size_t>> NetDevice::receive(std::span<sig::RxFrame> in, async::Wait wait) {
  while (received_.empty()) {
    if (failed_) co_return fail(Error(async::Errc::kClosed));
    const auto woken = co_await readers_.wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
  std::size_t count = 0;
  for (; count < in.size() && !received_.empty(); ++count) {
    in[count] = std::move(received_.front());
    received_.pop_front();
  }
  co_return count;
}

PacketBuf NetDevice::allocate(std::size_t headroom) {
  if (pool_.available() <= options_.reserve) {
    ++counters_[kNoBuffer];
    return {};
  }
  return pool_.allocate(headroom);
}

std::size_t NetDevice::send(std::span<PacketBuf> out) {
  std::size_t taken = 0;
  for (; taken < out.size() && outgoing_.size() < options_.ring; ++taken) {
    PacketBuf packet = std::move(out[taken]);
    if (packet.size() > options_.mtu + kEthernetHeader) {
      ++counters_[kTooLong];
      continue;
    }
    check(!packet.offload().checksum_needed || options_.checksum_offload,
          "an offload that this card does not have");
    const Bytes bytes = packet.bytes();
    const auto done = transmit({{bytes.begin(), bytes.end()}, packet.offload()});
    ++counters_[done || link() != nullptr ? kSent : kNoLink];
    if (!done || *done <= network_->now()) continue;
    outgoing_.push_back({*done, std::move(packet)});
    network_->at(*done, *this, std::nullopt);
  }
  return taken;
}

void NetDevice::transmitted() {
  while (!outgoing_.empty() && outgoing_.front().done <= network_->now()) outgoing_.pop_front();
  writers_.notify_all();
}

async::Task<Result<void>> NetDevice::writable(async::Wait wait) {
  while (outgoing_.size() >= options_.ring) {
    if (failed_) co_return fail(Error(async::Errc::kClosed));
    const auto woken = co_await writers_.wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
  co_return Result<void>{};
}

void NetDevice::arrive(WireFrame&& frame) {
  if (frame.bytes.size() > options_.mtu + kEthernetHeader) {
    ++counters_[kTooLong];
    return;
  }
  if (received_.size() >= options_.ring) {
    ++counters_[kOverrun];
    return;
  }
  sig::RxFrame received;
  received.offload.checksum_valid = options_.checksum_offload && frame.offload.checksum_needed;
  if (!received.offload.checksum_valid) finish_checksum(frame);
  PacketBuf packet = pool_.copy(frame.bytes);
  if (!packet) {
    ++counters_[kNoBuffer];
    return;
  }
  received.frame = Slice(std::move(packet));
  received_.push_back(std::move(received));
  ++counters_[kReceived];
  readers_.notify_all();
}

void NetDevice::fail_now() {
  failed_ = true;
  readers_.notify_all();
  writers_.notify_all();
}

void finish_checksum(WireFrame& frame) {
  if (!frame.offload.checksum_needed) return;
  const std::size_t start = frame.offload.checksum_start;
  const std::size_t field = start + frame.offload.checksum_offset;
  check(field + 2 <= frame.bytes.size(), "the checksum lies outside of the frame");
  std::uint32_t sum = 0;
  for (std::size_t i = start; i < frame.bytes.size(); ++i) {
    const auto byte = static_cast<std::uint32_t>(frame.bytes[i]);
    sum += (i - start) % 2 == 0 ? byte << 8 : byte;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  const auto finished = static_cast<std::uint16_t>(~sum);
  store_be(MutableBytes(frame.bytes).subspan(field), finished == 0 ? std::uint16_t{0xffff} : finished);
  frame.offload = {};
}

}  // namespace fata::sim
