#include "fata/dhcp/message.hpp"

#include <algorithm>
#include <bit>

namespace fata::dhcp {

namespace {

constexpr std::uint32_t kMagic = 0x63825363;
constexpr std::size_t kMaxName = 253;
constexpr std::size_t kServerName = 44, kFile = 108, kCookie = 236, kOptions = 240;

enum Option : std::uint8_t {
  kPad = 0,
  kMask = 1,
  kRouter = 3,
  kNameServer = 6,
  kHostName = 12,
  kDomain = 15,
  kMtu = 26,
  kTimeServer = 42,
  kWanted = 50,
  kLeaseTime = 51,
  kOverload = 52,
  kKind = 53,
  kServer = 54,
  kList = 55,
  kLargest = 57,
  kRenewal = 58,
  kRebinding = 59,
  kClient = 61,
  kSearch = 119,
  kRoutes = 121,
  kEnd = 255
};

// Calls `see(code, data)` for every option of an area; false if an option exceeds the area.
template <class See>
bool walk(Bytes area, See&& see) {
  ByteReader in(area);
  while (!in.at_end()) {
    const std::uint8_t code = in.u8();
    if (code == kPad) continue;
    if (code == kEnd) return true;
    const Bytes data = in.take(in.u8());
    if (!in.ok()) return false;
    see(code, data);
  }
  return true;
}

// The areas with options, in the order of RFC 3396 for joining split options.
class Options {
 public:
  // False if the options are malformed.
  bool read(Bytes message) {
    areas_[0] = message.subspan(kOptions);
    std::uint8_t overload = 0;
    if (!walk(areas_[0], [&](std::uint8_t code, Bytes data) {
          if (code == kOverload && data.size() == 1) overload = load_be<std::uint8_t>(data);
        }))
      return false;
    if ((overload & 1) != 0) areas_[1] = message.subspan(kFile, kCookie - kFile);
    if ((overload & 2) != 0) areas_[2] = message.subspan(kServerName, kFile - kServerName);
    const auto nothing = [](std::uint8_t, Bytes) {};
    return walk(areas_[1], nothing) && walk(areas_[2], nothing);
  }

  // An option's parts, joined; empty if absent. Bytes beyond the buffer are dropped. Valid until
  // the next call.
  Bytes find(std::uint8_t wanted) {
    std::size_t used = 0;
    for (const Bytes area : areas_) {
      (void)walk(area, [&](std::uint8_t code, Bytes data) {
        if (code == wanted) used += copy_bytes(MutableBytes(joined_).subspan(used), data);
      });
    }
    return Bytes(joined_).first(used);
  }
  template <class T>
  std::optional<T> number(std::uint8_t wanted) {
    const Bytes data = find(wanted);
    if (data.size() != sizeof(T)) return std::nullopt;
    return load_be<T>(data);
  }

 private:
  std::array<Bytes, 3> areas_;
  std::array<std::byte, 512> joined_{};
};

std::array<std::byte, 7> client_id(const MacAddress& mac) {
  std::array<std::byte, 7> id{std::byte{1}};
  copy_bytes(MutableBytes(id).subspan(1), mac.octets);
  return id;
}

// False if the option is malformed, which makes it void (RFC 3442).
bool read_routes(Bytes data, Few<Route, 16>& routes) {
  ByteReader in(data);
  while (!in.at_end()) {
    Route route;
    route.to.prefix = in.u8();
    if (route.to.prefix > 32) return false;
    for (unsigned i = 0; i * 8 < route.to.prefix; ++i) {
      route.to.address.value |= std::uint32_t{in.u8()} << (24 - 8 * i);
    }
    route.to.address.value &= route.to.mask();
    route.gateway.value = in.u32();
    if (!in.ok()) return false;
    routes.push(route);
  }
  return !routes.all().empty();
}

bool may_be_in_name(std::byte each) {
  const char c = static_cast<char>(each);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

bool is_host(Ipv4Address address) {
  return address.value >> 24 != 0 && !address.is_loopback() && address.value >> 28 < 0xe;
}

void read_hosts(Bytes data, Few<Ipv4Address, 4>& hosts) {
  ByteReader in(data);
  while (in.remaining() >= 4) {
    if (const Ipv4Address each{in.u32()}; is_host(each)) hosts.push(each);
  }
}

// Ignores zero bytes at the end. An invalid name leaves the list empty.
template <std::size_t N>
void read_name(Bytes data, Few<char, N>& name) {
  while (!data.empty() && data.back() == std::byte{0}) data = data.first(data.size() - 1);
  if (data.size() > N || !std::ranges::all_of(data, may_be_in_name)) return;
  for (const std::byte each : data) name.push(static_cast<char>(each));
}

// Reads a name at the reader's position (RFC 1035 section 4.1.4, with pointers from the start of
// the option) and advances past it. Writes it to `text`, with dots. False if the name is
// malformed or too long.
bool read_compressed_name(ByteReader& in, std::span<char, kMaxName> text, std::size_t& size) {
  ByteReader at(in.whole());
  at.seek(in.position());
  std::size_t limit = in.position();  // a pointer must point before all that was read
  bool jumped = false;
  size = 0;
  for (;;) {
    const std::uint8_t length = at.u8();
    if (length >= 0xc0) {
      const std::size_t to = (std::size_t{length} & 0x3f) << 8 | at.u8();
      if (!at.ok() || to >= limit) return false;
      if (!jumped) in.seek(at.position());
      jumped = true;
      at.seek(limit = to);
      continue;
    }
    const Bytes label = at.take(length);
    if (!at.ok() || length > 63) return false;
    if (length == 0) break;
    const auto valid = [](std::byte each) {
      return each != std::byte{'.'} && may_be_in_name(each);
    };
    if (!std::ranges::all_of(label, valid) || size + label.size() + 1 > text.size()) return false;
    if (size != 0) text[size++] = '.';
    for (const std::byte each : label) text[size++] = static_cast<char>(each);
  }
  if (!jumped) in.seek(at.position());
  return true;
}

// A malformed name ends the list (RFC 3397). Names that do not fit are dropped.
void read_search(Bytes data, SearchList& search) {
  ByteReader in(data);
  std::array<char, kMaxName> name;
  std::size_t size = 0;
  while (!in.at_end() && read_compressed_name(in, name, size)) {
    if (size != 0) add_domain(search, std::span(name).first(size));
  }
}

}  // namespace

void add_domain(SearchList& list, std::span<const char> domain) {
  const std::size_t used = list.all().size();
  if (used + domain.size() + 1 > 255) return;
  if (used != 0) list.push(' ');
  for (const char each : domain) list.push(each);
}

std::expected<Reply, Malformed> Reply::parse(Bytes message, const MacAddress& us) {
  ByteReader in(message);
  Reply reply;
  const std::uint32_t kinds = in.u32();  // op, htype, hlen, hops
  reply.xid = in.u32();
  in.skip(8);
  reply.address.value = in.u32();
  in.skip(8);
  const Bytes hardware = in.take(6);
  in.seek(std::min(message.size(), kCookie));
  const bool magic = in.u32() == kMagic;
  if (!in.ok() || kinds >> 8 != 0x020106 || !magic) return std::unexpected(Malformed::kHeader);

  Options options;
  if (!options.read(message)) return std::unexpected(Malformed::kOptions);
  const auto kind = options.number<std::uint8_t>(kKind);
  if (!kind) return std::unexpected(Malformed::kOptions);
  reply.kind = static_cast<Kind>(*kind);
  const Bytes id = options.find(kClient);
  reply.for_us = equal_bytes(hardware, us.octets) && (id.empty() || equal_bytes(id, client_id(us)));
  if (const auto server = options.number<std::uint32_t>(kServer); server && is_host({*server})) {
    reply.server = Ipv4Address{*server};
  }
  if (const auto mask = options.number<std::uint32_t>(kMask)) {
    const auto ones = static_cast<std::uint8_t>(std::countl_one(*mask));
    if (ones != 0 && ones == std::popcount(*mask)) reply.prefix = ones;
  }
  reply.lease = options.number<std::uint32_t>(kLeaseTime);
  reply.renewal = options.number<std::uint32_t>(kRenewal);
  reply.rebinding = options.number<std::uint32_t>(kRebinding);
  reply.mtu = options.number<std::uint16_t>(kMtu);
  if (!read_routes(options.find(kRoutes), reply.routes)) {
    reply.routes.clear();
    const Bytes routers = options.find(kRouter);
    if (routers.size() >= 4) {
      const Ipv4Address first{load_be<std::uint32_t>(routers)};
      if (is_host(first)) reply.routes.push({{{}, 0}, first});
    }
  }
  read_hosts(options.find(kNameServer), reply.name_servers);
  read_hosts(options.find(kTimeServer), reply.time_servers);
  read_name(options.find(kDomain), reply.domain);
  read_name(options.find(kHostName), reply.host_name);
  read_search(options.find(kSearch), reply.search);
  return reply;
}

std::size_t Request::write(std::span<std::byte, kMax> whole) const {
  ByteWriter out(whole);
  out.u32(0x01010600);
  out.u32(xid);
  out.u16(seconds);
  out.u16(broadcast ? 0x8000 : 0);
  out.u32(address.value);
  out.zeros(12);
  out.bytes(mac.octets);
  out.zeros(kCookie - out.position());
  out.u32(kMagic);
  const auto option = [&](std::uint8_t code, auto value) {
    out.u8(code);
    out.u8(sizeof(value));
    if constexpr (sizeof(value) == 1) out.u8(value);
    if constexpr (sizeof(value) == 2) out.u16(value);
    if constexpr (sizeof(value) == 4) out.u32(value);
  };
  option(kKind, static_cast<std::uint8_t>(kind));
  out.u8(kClient);
  out.u8(7);
  out.bytes(client_id(mac));
  if (!wanted.is_any()) option(kWanted, wanted.value);
  if (!server.is_any()) option(kServer, server.value);
  if (kind == Kind::kDiscover || kind == Kind::kRequest) {
    option(kLargest, std::max<std::uint16_t>(largest, 576));
    static constexpr std::array<std::uint8_t, 13> kAsked{
        kMask,   kRoutes,  kRouter,    kNameServer, kDomain,     kMtu,   kLeaseTime,
        kServer, kRenewal, kRebinding, kHostName,   kTimeServer, kSearch};
    out.u8(kList);
    out.u8(kAsked.size());
    for (const std::uint8_t each : kAsked) out.u8(each);
    const std::string_view name = host_name.substr(0, 63);
    if (!name.empty()) {
      out.u8(kHostName);
      out.u8(static_cast<std::uint8_t>(name.size()));
      out.bytes(as_bytes(name));
    }
  }
  out.u8(kEnd);
  if (out.position() < 300) out.zeros(300 - out.position());
  return out.position();
}

}  // namespace fata::dhcp
