// The frames of a flood: each a pattern written once, of which every copy differs where `vary`
// says.
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
  std::uint16_t port = 7;          // that it serves
  std::uint16_t client = 0;        // the port of a connection that stands, from source4
  std::uint32_t seq = 0, ack = 0;  // of that connection, as its client would send next
};

class Frames {
 public:
  // "syn", "syn6", "fragments", "fragments6", "overlaps", "out-of-order", "resets", "acks", "udp",
  // "arp", "neighbours"
  Frames(const std::string& kind, const Target& target);
  // The next one; valid until the call after.
  const std::vector<std::uint8_t>& next();
  static const std::vector<std::string>& kinds();

 private:
  void ethernet(std::uint16_t type);
  void ipv4(std::uint8_t protocol, std::size_t payload);
  void ipv6(std::uint8_t next, std::size_t payload);
  void tcp(std::uint8_t flags, std::size_t data);
  void put16(std::size_t at, std::uint32_t value);
  void put32(std::size_t at, std::uint32_t value);
  void finish();  // the checksums

  const std::string kind_;
  const Target& target_;
  std::mt19937 random_{1};
  std::uint32_t count_ = 0;
  std::size_t inner_ = 0;  // where what is behind the IP header begins
  bool v6_ = false;
  std::vector<std::uint8_t> frame_;
};

}  // namespace fata::flood
