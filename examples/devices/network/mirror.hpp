// Counts the received Ethernet frames, and sends those of the experimental type 0x88b5 (IEEE 802)
// back to their sender.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/sig/net_device.hpp>
#include <fata/wire/ethernet.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace network_example {

inline constexpr std::uint16_t kExperimental = 0x88b5;

template <fata::sig::NetDevice Net>
class Mirror {
 public:
  Mirror(fata::async::Context& context, Net& net, std::uint32_t limit)
      : stop_(context.stop), log_(context.logger("network")), net_(net), limit_(limit) {}

  fata::async::Task<int> start() {
    using namespace fata;
    log_.info("hardware address ", net_.mac(), ", MTU ", net_.mtu());
    const async::Wait until_stopped = async::Wait::cancelled_by(stop_);
    std::array<sig::RxFrame, kBatch> in;
    std::array<PacketBuf, kBatch> out;
    while (limit_ == 0 || mirrored_ < limit_) {
      const Result<std::size_t> count =
          co_await net_.receive(std::span<sig::RxFrame>(in), until_stopped);
      if (!count) break;
      received_ += *count;
      std::size_t ready = 0;
      for (sig::RxFrame& frame : std::span(in).first(*count)) {
        PacketBuf answer = mirrored(frame.frame.bytes());
        frame = {};  // the device gets its memory back
        if (answer) out[ready++] = std::move(answer);
      }
      // send() takes as many frames as the device has room for; the rest stay in `out`.
      for (std::size_t sent = 0; sent < ready;) {
        const std::size_t taken = net_.send(std::span(out).subspan(sent, ready - sent));
        sent += taken;
        mirrored_ += taken;
        if (taken == 0 && !co_await net_.writable(until_stopped)) break;
      }
      co_await async::yield();  // the device is notified of sent frames at the end of this turn
    }
    log_.info(received_, " frames received, ", mirrored_, " sent back");
    co_return 0;
  }

 private:
  static constexpr std::size_t kBatch = 64;

  // The frame with sender and receiver exchanged; empty if the frame is of another type or there is
  // no buffer for it.
  fata::PacketBuf mirrored(fata::Bytes frame) {
    const auto header = fata::wire::ethernet::Header::parse(frame);
    if (!header || header->type != kExperimental) return {};
    fata::PacketBuf answer = net_.allocate(0);
    if (!answer || answer.tailroom() < frame.size()) return {};
    fata::MutableBytes bytes = answer.append(frame.size());
    std::ranges::copy(frame, bytes.begin());
    fata::wire::ethernet::Header{header->source, net_.mac(), kExperimental}.write(bytes);
    return answer;
  }

  fata::async::CancelToken stop_;
  fata::Logger log_;
  Net& net_;
  std::uint32_t limit_;
  std::uint64_t received_ = 0;
  std::uint64_t mirrored_ = 0;
};

}  // namespace network_example
