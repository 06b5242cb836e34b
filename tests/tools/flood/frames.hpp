// The frames of a flood. Each kind is a pattern that is written once; next() varies some fields.
#pragma once

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace fata::flood {

using Mac = std::array<std::uint8_t, 6>;

struct Target {
  Mac ours{}, mac{};
  in_addr source4{}, target4{};
  in6_addr source6{}, target6{};
  std::uint16_t port = 7;          // the target's open port
  std::uint16_t client = 0;        // the port of an open connection, from source4
  std::uint32_t seq = 0, ack = 0;  // the next numbers of that connection's client
};

class Frames {
 public:
  // `kind` is one of kinds(): "syn", "syn6", "fragments", "fragments6", "overlaps", "overlaps6",
  // "out-of-order", "resets", "acks", "udp", "arp", "neighbours".
  Frames(const std::string& kind, const Target& target);
  // The next frame; valid until the next call.
  const std::vector<std::uint8_t>& next();
  static const std::vector<std::string>& kinds();

 private:
  void ethernet(std::uint16_t type);
  void ipv4(std::uint8_t protocol, std::size_t payload);
  void ipv6(std::uint8_t next, std::size_t payload);
  void tcp(std::uint8_t flags, std::size_t data);
  void put16(std::size_t at, std::uint32_t value);
  void put32(std::size_t at, std::uint32_t value);
  void finish();  // writes the checksums

  const std::string kind_;
  const Target& target_;
  std::mt19937 random_{1};
  std::uint32_t count_ = 0;
  std::size_t inner_ = 0;  // offset of the data after the IP header
  bool v6_ = false;
  std::vector<std::uint8_t> frame_;
};

}  // namespace fata::flood
