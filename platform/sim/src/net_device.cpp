#include "fata/sim/net_device.hpp"

namespace fata::sim {

namespace {
constexpr std::size_t kEthernetHeader = 14;
constexpr std::size_t kTag = 4;  // IEEE 802.1Q

// The size of the link header; the MTU limits the length of the rest.
std::size_t header_of(Bytes frame) {
  const bool tagged =
      frame.size() >= kEthernetHeader && load_be<std::uint16_t>(frame.subspan(12)) == 0x8100;
  return kEthernetHeader + (tagged ? kTag : 0);
}
constexpr std::size_t kHeadroom = 128;  // the maximum that the layers above request
}  // namespace

NetDevice::NetDevice(Network& network, const MacAddress& mac, const DeviceOptions& options)
    : network_(&network),
      mac_(mac),
      options_(options),
      pool_(options.buffers, kHeadroom + kEthernetHeader + kTag + options.mtu),
      counters_{Counter{"received"},   Counter{"sent"},
                Counter{"overrun"},    Counter{"no_buffer"},
                Counter{"too_long"},   Counter{"no_link"},
                Counter{"sent_uncut"}, Counter{"received_coalesced"}} {
  check(options.segmentation == Segmentation::kNone || options.checksum_offload,
        "who cuts makes checksums");
}

sig::NetFeatures NetDevice::features() const {
  sig::NetFeatures features;
  features.tx_checksum = features.rx_checksum = options_.checksum_offload;
  if (options_.segmentation != Segmentation::kNone) {
    features.tso4 = features.tso6 = features.gather = true;
    features.gso_max =
        static_cast<std::uint32_t>(std::min<std::size_t>(65535, kMaxSegments * options_.mtu));
  }
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
    const Offload& offload = packet.offload();
    const bool uncut = offload.gso != Offload::Gso::kNone;
    if (packet.total_size() >
        (uncut ? features().gso_max : options_.mtu) + header_of(packet.bytes())) {
      ++counters_[kTooLong];
      continue;
    }
    check(!offload.checksum_needed || options_.checksum_offload,
          "an offload that this NIC does not have");
    check((packet.chain().empty() && !uncut) || options_.segmentation != Segmentation::kNone,
          "pieces or segments for a NIC that takes none");
    counters_[kSentUncut] += uncut ? 1 : 0;
    WireFrame frame{{}, offload};
    const Bytes first = packet.bytes();
    frame.bytes.assign(first.begin(), first.end());
    for (const Slice& piece : packet.chain().pieces()) {
      const Bytes more = piece.bytes();
      frame.bytes.insert(frame.bytes.end(), more.begin(), more.end());
    }
    const auto done = put_on_wire(std::move(frame));
    ++counters_[done || link() != nullptr ? kSent : kNoLink];
    if (!done || *done <= network_->now()) continue;
    outgoing_.push_back({*done, std::move(packet)});
    network_->at(*done, *this, std::nullopt);
  }
  return taken;
}

// For several segments, returns the time at which the last accepted one has left.
std::optional<Instant> NetDevice::put_on_wire(WireFrame&& frame) {
  if (frame.offload.gso == Offload::Gso::kNone || options_.segmentation == Segmentation::kWhole)
    return transmit(std::move(frame));
  std::optional<Instant> done;
  for (WireFrame& segment : cut(frame)) {
    if (const auto left = transmit(std::move(segment))) done = left;
  }
  return done;
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
  const bool whole = frame.offload.gso != Offload::Gso::kNone;
  if (whole && options_.segmentation != Segmentation::kWhole) {
    for (WireFrame& segment : cut(frame)) arrive(std::move(segment));
    return;
  }
  if (frame.bytes.size() > options_.mtu * (whole ? kMaxSegments : 1) + header_of(frame.bytes)) {
    ++counters_[kTooLong];
    return;
  }
  if (received_.size() >= options_.ring) {
    ++counters_[kOverrun];
    return;
  }
  sig::RxFrame received;
  received.offload.checksum_valid = options_.checksum_offload && frame.offload.checksum_needed;
  if (whole) {
    received.offload.gso = frame.offload.gso;
    received.offload.gso_size = frame.offload.gso_size;
    received.offload.header_length = frame.offload.header_length;
  }
  if (!received.offload.checksum_valid) finish_checksum(frame);
  if (!take(frame, received)) {
    ++counters_[kNoBuffer];
    return;
  }
  counters_[kReceivedCoalesced] += whole ? 1 : 0;
  received_.push_back(std::move(received));
  ++counters_[kReceived];
  readers_.notify_all();
}

// Copies the frame into as many buffers as it needs; false if there are too few.
bool NetDevice::take(const WireFrame& frame, sig::RxFrame& received) {
  Bytes rest(frame.bytes);
  do {
    const Bytes part = rest.first(std::min(rest.size(), options_.mtu + kEthernetHeader + kTag));
    PacketBuf packet = pool_.copy(part);
    if (!packet) return false;
    if (part.data() == frame.bytes.data()) {
      received.frame = Slice(std::move(packet));
    } else {
      received.more.push(Slice(std::move(packet)));
    }
    rest = rest.subspan(part.size());
  } while (!rest.empty());
  return true;
}

void NetDevice::fail_now() {
  failed_ = true;
  readers_.notify_all();
  writers_.notify_all();
}

}  // namespace fata::sim
