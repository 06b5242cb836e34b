#include "segment.hpp"

namespace fata::test {
namespace {

void put(std::string& out, std::uint64_t value, unsigned bytes) {
  while (bytes-- > 0) out.push_back(static_cast<char>(value >> (8 * bytes)));
}

class Reader {
 public:
  explicit Reader(const std::string& bytes) : bytes_(bytes) {}
  bool has(std::size_t count) const { return at_ + count <= bytes_.size(); }
  std::uint32_t number(unsigned count) {
    std::uint32_t value = 0;
    while (count-- > 0)
      value = value << 8 | static_cast<std::uint8_t>(at_ < bytes_.size() ? bytes_[at_++] : 0);
    return value;
  }
  std::string text(std::size_t count) {
    const std::string out = bytes_.substr(at_, count);
    at_ += count;
    return out;
  }

 private:
  const std::string& bytes_;
  std::size_t at_ = 0;
};

std::uint32_t add_sum(std::uint32_t sum, const std::string& bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[i])) << (i % 2 == 0 ? 8 : 0);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

std::uint32_t pseudo_sum(const IpAddress& source, const IpAddress& destination,
                         std::size_t length) {
  std::string pseudo;
  for (const IpAddress* address : {&source, &destination}) {
    const auto octets = Bytes(address->octets()).subspan(address->is_v4() ? 12 : 0);
    pseudo += as_text(octets);
  }
  put(pseudo, 6, 2);
  put(pseudo, length, source.is_v4() ? 2 : 4);
  return add_sum(0, pseudo);
}

void read_option(std::uint8_t kind, const std::string& body, Decoded& out) {
  Reader reader(body);
  WireSegment& segment = out.segment;
  const auto length = [&](bool right) {
    if (!right) out.diagnostic = "option " + std::to_string(kind) + " of a wrong length";
  };
  switch (kind) {
    case 2:
      length(body.size() == 2);
      segment.mss = static_cast<std::uint16_t>(reader.number(2));
      break;
    case 3:
      length(body.size() == 1);
      segment.window_scale = static_cast<std::uint8_t>(reader.number(1));
      break;
    case 4:
      length(body.empty());
      segment.sack_permitted = true;
      break;
    case 5:
      length(body.size() % 8 == 0 && !body.empty());
      while (reader.has(8)) {
        const std::uint32_t begin = reader.number(4);
        segment.sack.push_back({begin, reader.number(4)});
      }
      break;
    case 8: {
      length(body.size() == 8);
      const std::uint32_t value = reader.number(4);
      segment.timestamps = Timestamps{value, reader.number(4)};
      break;
    }
    case 34:
      length(body.empty() || (body.size() >= 4 && body.size() <= 16 && body.size() % 2 == 0));
      segment.cookie = body;
      break;
    default:
      out.diagnostic = "an option of kind " + std::to_string(kind);
  }
}

}  // namespace

char pattern(std::uint32_t position, bool from_peer) {
  return static_cast<char>(position * 7 + (position >> 8) * 13 + (from_peer ? 101 : 0));
}

std::string pattern_text(std::uint32_t position, std::size_t length, bool from_peer) {
  std::string out;
  for (std::size_t i = 0; i < length; ++i)
    out.push_back(pattern(position + static_cast<std::uint32_t>(i), from_peer));
  return out;
}

std::string flags_text(std::uint8_t flags) {
  std::string out;
  for (const auto& [bit, letter] : {std::pair{kSyn, 'S'},
                                    {kFin, 'F'},
                                    {kRst, 'R'},
                                    {kPsh, 'P'},
                                    {kAck, 'A'},
                                    {kUrg, 'U'},
                                    {kEce, 'E'},
                                    {kCwr, 'C'}}) {
    if ((flags & bit) != 0) out.push_back(letter);
  }
  return out.empty() ? "-" : out;
}

std::string encode(const WireSegment& segment, const IpAddress& source,
                   const IpAddress& destination) {
  std::string options = segment.raw_options;
  if (segment.mss) put(options, 0x0204, 2), put(options, *segment.mss, 2);
  if (segment.window_scale) put(options, 0x0303, 2), put(options, *segment.window_scale, 1);
  if (segment.sack_permitted) put(options, 0x0402, 2);
  if (segment.timestamps) {
    put(options, 0x080a, 2);
    put(options, segment.timestamps->value, 4);
    put(options, segment.timestamps->echo, 4);
  }
  if (!segment.sack.empty()) {
    put(options, 5, 1);
    put(options, 2 + 8 * segment.sack.size(), 1);
    for (const Block& block : segment.sack)
      put(options, block.begin, 4), put(options, block.end, 4);
  }
  if (segment.cookie) {
    put(options, 34, 1);
    put(options, 2 + segment.cookie->size(), 1);
    options += *segment.cookie;
  }
  while (options.size() % 4 != 0) options.push_back('\0');

  std::string out;
  put(out, segment.source_port, 2);
  put(out, segment.destination_port, 2);
  put(out, segment.seq, 4);
  put(out, segment.ack, 4);
  put(out, (5 + options.size() / 4) << 4, 1);
  put(out, segment.flags, 1);
  put(out, segment.window, 2);
  put(out, 0, 2);
  put(out, segment.urgent, 2);
  out += options;
  out += segment.data;
  const std::uint32_t sum = add_sum(pseudo_sum(source, destination, out.size()), out);
  const auto check = static_cast<std::uint16_t>(~sum ^ (segment.bad_checksum ? 0x100 : 0));
  out[16] = static_cast<char>(check >> 8);
  out[17] = static_cast<char>(check);
  return out;
}

Decoded decode(const std::string& bytes, const IpAddress& source, const IpAddress& destination,
               bool device_sums) {
  Decoded out;
  WireSegment& segment = out.segment;
  Reader reader(bytes);
  if (!reader.has(20)) {
    out.diagnostic = "shorter than a TCP header";
    return out;
  }
  segment.source_port = static_cast<std::uint16_t>(reader.number(2));
  segment.destination_port = static_cast<std::uint16_t>(reader.number(2));
  segment.seq = reader.number(4);
  segment.ack = reader.number(4);
  const std::uint32_t offset = reader.number(1);
  segment.flags = static_cast<std::uint8_t>(reader.number(1));
  segment.window = static_cast<std::uint16_t>(reader.number(2));
  const std::uint32_t check = reader.number(2);
  segment.urgent = static_cast<std::uint16_t>(reader.number(2));
  const std::size_t header = std::size_t{offset >> 4} * 4;
  if ((offset & 0xf) != 0) out.diagnostic = "reserved bits are set";
  if (header < 20 || header > bytes.size()) {
    out.diagnostic = "a data offset of " + std::to_string(offset >> 4);
    return out;
  }
  const std::string options = reader.text(header - 20);
  for (std::size_t at = 0; at < options.size();) {
    const auto kind = static_cast<std::uint8_t>(options[at]);
    if (kind == 0) {
      if (options.find_first_not_of('\0', at) != std::string::npos)
        out.diagnostic = "padding that is not zero";
      break;
    }
    if (kind == 1) {
      ++at;
      continue;
    }
    const std::size_t length =
        at + 1 < options.size() ? static_cast<std::uint8_t>(options[at + 1]) : 0;
    if (length < 2 || at + length > options.size()) {
      out.diagnostic = "an option that runs over its end";
      break;
    }
    read_option(kind, options.substr(at + 2, length - 2), out);
    at += length;
  }
  segment.data = bytes.substr(header);
  const std::uint32_t pseudo = pseudo_sum(source, destination, bytes.size());
  if (device_sums) {
    if (check != pseudo) out.diagnostic = "the pseudo-header's sum for the device is wrong";
  } else if (add_sum(pseudo, bytes) != 0xffff) {
    out.diagnostic = "its checksum is wrong";
  }
  if ((segment.flags & kSyn) == 0 &&
      (segment.mss || segment.window_scale || segment.sack_permitted)) {
    out.diagnostic = "an option that belongs in a SYN";
  }
  if ((segment.flags & kAck) == 0 && segment.ack != 0)
    out.diagnostic = "an acknowledgement number without ACK";
  if ((segment.flags & kUrg) == 0 && segment.urgent != 0)
    out.diagnostic = "an urgent pointer without URG";
  return out;
}

}  // namespace fata::test
