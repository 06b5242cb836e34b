// Any network device, with what passes through it written to a file as pcapng (for Wireshark, tcpdump).
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "fata/async/context.hpp"
#include "fata/base/platform.hpp"
#include "fata/host/fd.hpp"
#include "fata/sig/net_device.hpp"

namespace fata::host {

// Packets as blocks of a pcapng file, nanoseconds since 1970. A write that fails ends the recording, not the
// image.
class PcapWriter {
 public:
  enum class Way : std::uint32_t { kIn = 1, kOut = 2 };

  static Result<PcapWriter> create(std::string_view path);

  void add(Bytes frame, Way way, WallTime when);
  // Hands what was added to the kernel.
  void flush();

 private:
  explicit PcapWriter(Fd file) : file_(std::move(file)) {}
  void u32(std::uint32_t value);

  Fd file_;
  std::vector<std::byte> pending_;
};

// Models sig::NetDevice over another. Frames sent may carry half a checksum, which the device below
// completes.
template <sig::NetDevice Net>
class Pcap {
 public:
  // An empty path records nothing and costs nothing.
  static async::Task<Result<std::unique_ptr<Pcap>>> connect(async::Context&, Net& net,
                                                            std::string_view path) {
    auto device = std::make_unique<Pcap>(net);
    if (!path.empty()) {
      Result<PcapWriter> writer = PcapWriter::create(path);
      if (!writer) co_return std::unexpected(writer.error());
      device->writer_.emplace(std::move(*writer));
    }
    co_return device;
  }
  explicit Pcap(Net& net) : net_(net) {}

  MacAddress mac() const { return net_.mac(); }
  std::size_t mtu() const { return net_.mtu(); }
  sig::NetFeatures features() const { return net_.features(); }
  auto writable(async::Wait wait = {}) { return net_.writable(wait); }
  PacketBuf allocate(std::size_t headroom) { return net_.allocate(headroom); }

  async::Task<Result<std::size_t>> receive(std::span<sig::RxFrame> in, async::Wait wait = {}) {
    if (!writer_) return net_.receive(in, wait);
    return receive_and_record(in, wait);
  }
  std::size_t send(std::span<PacketBuf> out) {
    if (writer_) {
      for (const PacketBuf& packet : out)
        writer_->add(packet.bytes(), PcapWriter::Way::kOut, platform::wall_now());
      writer_->flush();
    }
    return net_.send(out);
  }

 private:
  async::Task<Result<std::size_t>> receive_and_record(std::span<sig::RxFrame> in, async::Wait wait) {
    const Result<std::size_t> count = co_await net_.receive(in, wait);
    if (count) {
      for (const sig::RxFrame& frame : in.first(*count)) {
        writer_->add(frame.frame.bytes(), PcapWriter::Way::kIn, platform::wall_now());
      }
      writer_->flush();
    }
    co_return count;
  }

  Net& net_;
  std::optional<PcapWriter> writer_;
};

}  // namespace fata::host
