// The environment of a script: one Table, an IP layer that stores sent packets, and a clock that
// the script moves.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "fata/base/pool.hpp"
#include "fata/tcp/table.hpp"
#include "segment.hpp"

namespace fata::test {

struct Sent {
  Instant at;
  IpAddress local, remote;
  WireSegment segment;
  std::string diagnostic;
};

class World final : public ip::Layer {
 public:
  explicit World(const tcp::Config& config, bool v6);

  // Layer
  std::optional<ip::Path> path(const IpAddress& remote, const IpAddress& local) override;
  PacketBuf allocate() override { return transmit_.allocate(ip::kHeadroom); }
  void send(PacketBuf packet, const IpAddress& local, const IpAddress& remote,
            std::uint8_t protocol, ip::Marks marks, bool fragment, Instant now) override;
  void lower_path_mtu(const IpAddress& remote, std::size_t mtu, Instant now) override;
  void confirm_reachable(const IpAddress& remote, Instant now) override;

  void deliver(const WireSegment& segment, const IpAddress& source, bool unicast);
  void icmp(const ip::IcmpError& error) { table->icmp_error(error, now); }

  // Moves the clock to `to` and runs the timers on the way. Stops early, at that time, when a
  // packet is sent.
  void advance(Instant to);

  // Must outlive the table.
  BufferPool receive_{128, 4096};
  BufferPool transmit_{64, 10240};

  IpAddress local, remote;
  std::size_t mtu = 1500;
  std::size_t link_mtu = 1500;  // the maximum size of a path MTU probe
  std::uint32_t gso = 0;
  bool device_sums = false;
  bool reachable = true;
  Instant now = Instant{} + seconds(1000);
  std::deque<Sent> sent;
  std::string failure;
  std::unique_ptr<tcp::Table> table;
};

}  // namespace fata::test
