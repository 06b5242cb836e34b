#include "fata/wire/tcp.hpp"

namespace fata::wire::tcp {

namespace {

enum Kind : std::uint8_t {
  kEnd = 0,
  kNop = 1,
  kMss = 2,
  kWindowScale = 3,
  kSackPermitted = 4,
  kSack = 5,
  kTimestamps = 8,
  kFastOpen = 34,
};
// NOP, NOP, timestamps: the options of nearly every segment.
constexpr std::uint32_t kAlignedTimestamps = 0x0101080a;

void parse_sack(Options& options, ByteReader in) {
  while (in.remaining() >= 8 && options.sack_count < Options::kMaxSack) {
    const Seq begin = in.u32();
    const Seq end = in.u32();
    if (before(begin, end)) options.sack[options.sack_count++] = {begin, end};
  }
}

void parse_option(Options& options, std::uint8_t kind, Bytes value) {
  ByteReader in(value);
  switch (kind) {
    case kMss:
      if (value.size() == 2) options.mss = in.u16();
      break;
    case kWindowScale:
      if (value.size() != 1) break;
      options.has_window_scale = true;
      options.window_scale = std::min<std::uint8_t>(in.u8(), 14);  // RFC 7323 section 2.3
      break;
    case kSackPermitted:
      if (value.empty()) options.sack_permitted = true;
      break;
    case kSack:
      if (value.size() % 8 == 0) parse_sack(options, in);
      break;
    case kTimestamps:
      if (value.size() != 8) break;
      options.has_timestamps = true;
      options.ts_value = in.u32();
      options.ts_echo = in.u32();
      break;
    case kFastOpen:
      // RFC 7413 section 4.1.1: an even length of 4 to 16, or 0.
      if (value.size() > Options::kMaxCookie || value.size() % 2 != 0 || value.size() == 2) break;
      options.has_cookie = true;
      options.cookie_size = static_cast<std::uint8_t>(value.size());
      copy_bytes(options.cookie, value);
      break;
    default:
      break;
  }
}

void parse_options(Options& options, Bytes bytes) {
  if (bytes.size() == 12 && load_be<std::uint32_t>(bytes) == kAlignedTimestamps) [[likely]] {
    options.has_timestamps = true;
    options.ts_value = load_be<std::uint32_t>(bytes.subspan<4>());
    options.ts_echo = load_be<std::uint32_t>(bytes.subspan<8>());
    return;
  }
  ByteReader in(bytes);
  while (!in.at_end()) {
    const std::uint8_t kind = in.u8();
    if (kind == kEnd) return;
    if (kind == kNop) continue;
    const std::uint8_t length = in.u8();
    if (!in.ok() || length < 2) return;
    const Bytes value = in.take(length - 2U);
    if (!in.ok()) return;
    parse_option(options, kind, value);
  }
}

constexpr std::size_t padded(std::size_t size) { return (size + 3) / 4 * 4; }

}  // namespace

std::size_t Options::size() const {
  std::size_t size = 0;
  if (mss != 0) size += 4;
  if (has_timestamps) size += sack_permitted ? 10 : 12;
  if (sack_permitted) size += 2;
  if (has_window_scale) size += 4;
  if (sack_count != 0) size += 4 + sack_count * std::size_t{8};
  if (has_cookie) size += 2U + cookie_size;
  return padded(size);
}

std::expected<Header, Malformed> Header::parse(Bytes segment) {
  if (segment.size() < kHeaderSize) return std::unexpected(Malformed::kTruncated);
  Header header;
  header.source_port = load_be<std::uint16_t>(segment);
  header.destination_port = load_be<std::uint16_t>(segment.subspan<2>());
  header.seq = load_be<std::uint32_t>(segment.subspan<4>());
  header.ack = load_be<std::uint32_t>(segment.subspan<8>());
  header.header_length =
      static_cast<std::uint8_t>(static_cast<std::uint8_t>(segment[12]) >> 4 << 2);
  header.flags = static_cast<std::uint8_t>(segment[13]);
  header.window = load_be<std::uint16_t>(segment.subspan<14>());
  header.urgent = load_be<std::uint16_t>(segment.subspan<18>());
  if (header.header_length < kHeaderSize || header.header_length > segment.size())
    return std::unexpected(Malformed::kHeaderLength);
  if (header.header_length != kHeaderSize)
    parse_options(header.options, segment.subspan(kHeaderSize, header.header_length - kHeaderSize));
  return header;
}

void Header::write(MutableBytes to) const {
  const std::size_t length = kHeaderSize + options.size();
  ByteWriter out(to.first(length));
  out.u16(source_port);
  out.u16(destination_port);
  out.u32(seq);
  out.u32(ack);
  out.u8(static_cast<std::uint8_t>(length / 4 << 4));
  out.u8(flags);
  out.u16(window);
  out.u16(0);
  out.u16(urgent);
  const auto head = [&out](std::uint8_t kind, std::size_t size) {
    out.u8(kind);
    out.u8(static_cast<std::uint8_t>(size));
  };
  if (options.mss != 0) {
    head(kMss, 4);
    out.u16(options.mss);
  }
  if (options.sack_permitted) head(kSackPermitted, 2);
  if (options.has_timestamps) {
    if (!options.sack_permitted) out.u16(kNop << 8 | kNop);
    head(kTimestamps, 10);
    out.u32(options.ts_value);
    out.u32(options.ts_echo);
  }
  if (options.has_window_scale) {
    out.u8(kNop);
    head(kWindowScale, 3);
    out.u8(options.window_scale);
  }
  if (options.sack_count != 0) {
    out.u16(kNop << 8 | kNop);
    head(kSack, 2 + options.sack_count * std::size_t{8});
    for (const SeqRange& block : std::span(options.sack).first(options.sack_count)) {
      out.u32(block.begin);
      out.u32(block.end);
    }
  }
  if (options.has_cookie) {
    head(kFastOpen, 2U + options.cookie_size);
    out.bytes(options.cookie_bytes());
  }
  while (out.ok() && out.room() != 0) out.u8(kEnd);
}

void add_pseudo_header(ChecksumSum& sum, const IpAddress& source, const IpAddress& destination,
                       std::size_t length) {
  sum.add(source.octets());
  sum.add(destination.octets());
  sum.add_u16(kProtocol);
  sum.add_u32(static_cast<std::uint32_t>(length));
}

bool checksum_holds(const IpAddress& source, const IpAddress& destination, Bytes segment,
                    const BufferChain& more) {
  ChecksumSum sum;
  add_pseudo_header(sum, source, destination, segment.size() + (more.empty() ? 0 : more.bytes()));
  sum.add(segment);
  std::size_t offset = segment.size();
  for (const Slice& piece : more.pieces()) {
    ChecksumSum part;
    part.add(piece.bytes());
    // In a piece at an odd offset, every byte is in the other half of its word (RFC 1071 section
    // 2(B)).
    const std::uint16_t value = part.partial();
    sum.add_u16(offset % 2 == 0 ? value : std::byteswap(value));
    offset += piece.size();
  }
  return sum.finish() == 0;
}

}  // namespace fata::wire::tcp
