// A TCP segment in a script's form and in wire form. It is written and parsed here without the
// library's own header code, so that an error there cannot hide.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fata/base/address.hpp"
#include "fata/ip/transport.hpp"

namespace fata::test {

enum Flag : std::uint8_t {
  kFin = 1,
  kSyn = 2,
  kRst = 4,
  kPsh = 8,
  kAck = 16,
  kUrg = 32,
  kEce = 64,
  kCwr = 128
};

struct Timestamps {
  std::uint32_t value = 0;
  std::uint32_t echo = 0;
};
struct Block {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

struct WireSegment {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 0;
  std::uint16_t urgent = 0;
  std::optional<std::uint16_t> mss;
  std::optional<std::uint8_t> window_scale;
  bool sack_permitted = false;
  std::vector<Block> sack;
  std::optional<Timestamps> timestamps;
  std::optional<std::string> cookie;  // empty: a request
  std::string raw_options;            // written unchanged before all others
  std::string data;
  ip::Ecn ecn = ip::Ecn::kNotCapable;
  std::uint8_t dscp = 0;
  std::uint8_t hop_limit = 0;
  Offload offload;
  bool bad_checksum = false;
};

std::string encode(const WireSegment& segment, const IpAddress& source,
                   const IpAddress& destination);

struct Decoded {
  WireSegment segment;
  std::string diagnostic;  // why it must never be sent; empty if it is valid
};
// `device_sums`: the device completes the checksum; it holds only the pseudo-header's part.
Decoded decode(const std::string& bytes, const IpAddress& source, const IpAddress& destination,
               bool device_sums);

// The byte at `position` of the data that the peer or the engine sends. Received data is verified
// by its position in the stream.
char pattern(std::uint32_t position, bool from_peer);
std::string pattern_text(std::uint32_t position, std::size_t length, bool from_peer);

std::string flags_text(std::uint8_t flags);

}  // namespace fata::test
