#include "fata/dhcp/v6/message.hpp"

#include <algorithm>

namespace fata::dhcp::v6 {

namespace {

enum Option : std::uint16_t {
  kClientId = 1,
  kServerId = 2,
  kAssociation = 3,
  kAddress = 5,
  kRequested = 6,
  kPreference = 7,
  kElapsed = 8,
  kStatus = 13,
  kRapidCommit = 14,
  kNameServers = 23,
  kSearch = 24,
  kRefresh = 32,
  kTimeServers = 56,
  kMaxSolicit = 82,
  kMaxInformation = 83
};
constexpr std::size_t kLinkDuid = 10;

std::array<std::byte, kLinkDuid> duid_of(const MacAddress& mac) {
  std::array<std::byte, kLinkDuid> duid{std::byte{0}, std::byte{3}, std::byte{0}, std::byte{1}};
  copy_bytes(MutableBytes(duid).subspan(4), mac.octets);
  return duid;
}

// Calls `see(code, data)`, which is false for a malformed option, for every option. False if an
// option exceeds the area.
template <class See>
bool walk(Bytes area, unsigned& bad, See&& see) {
  ByteReader in(area);
  while (!in.at_end()) {
    const std::uint16_t code = in.u16();
    const Bytes data = in.take(in.u16());
    if (!in.ok()) return false;
    if (!see(code, data)) ++bad;
  }
  return true;
}

bool read_status(Bytes data, Status& status) {
  if (data.size() < 2) return false;
  status = static_cast<Status>(load_be<std::uint16_t>(data));
  return true;
}

bool is_host(const IpAddress& address) {
  return !address.is_v4() && !address.is_any() && !address.is_multicast() && !address.is_loopback();
}

bool read_hosts(Bytes data, Few<IpAddress, 4>& hosts) {
  if (data.empty() || data.size() % 16 != 0) return false;
  for (; !data.empty(); data = data.subspan(16)) {
    if (const auto each = IpAddress::of_octets(data.first(16)); is_host(each)) hosts.push(each);
  }
  return true;
}

bool may_be_in_label(std::byte each) {
  const char c = static_cast<char>(each);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

// Reads an uncompressed name (section 10) and writes it to `text`, with dots. False if the name is
// malformed or too long.
bool read_name(ByteReader& in, Few<char, 253>& text) {
  for (;;) {
    const std::uint8_t length = in.u8();
    const Bytes label = in.take(length);
    if (!in.ok() || length > 63) return false;
    if (length == 0) return !text.all().empty();
    const std::size_t size = text.all().size() + (text.all().empty() ? 0 : 1) + length;
    if (size > 253 || !std::ranges::all_of(label, may_be_in_label)) return false;
    if (!text.all().empty()) text.push('.');
    for (const std::byte each : label) text.push(static_cast<char>(each));
  }
}

// A malformed name ends the list. Names that do not fit are dropped.
bool read_search(Bytes data, SearchList& search) {
  ByteReader in(data);
  while (!in.at_end()) {
    Few<char, 253> name;
    if (!read_name(in, name)) return false;
    add_domain(search, name.all());
  }
  return !data.empty();
}

// RFC 5908: each suboption is a server. Multicast servers (2) are not supported.
bool read_time_servers(Bytes data, Settings& settings, unsigned& bad) {
  return walk(data, bad, [&](std::uint16_t code, Bytes value) {
    if (code == 1) return value.size() == 16 && read_hosts(value, settings.time_servers);
    if (code != 3 || !settings.time_server.all().empty()) return true;
    ByteReader in(value);
    Few<char, 253> name;
    if (!read_name(in, name) || !in.at_end()) return false;
    settings.time_server = name;
    return true;
  });
}

// Section 21.6: an address whose preferred lifetime exceeds the valid one is ignored.
bool read_address(Bytes data, Association& association, unsigned& bad) {
  if (data.size() < 24) return false;
  const Assigned each{IpAddress::of_octets(data.first(16)),
                      load_be<std::uint32_t>(data.subspan(16)),
                      load_be<std::uint32_t>(data.subspan(20))};
  Status status = Status::kSuccess;
  const bool whole = walk(data.subspan(24), bad, [&](std::uint16_t code, Bytes value) {
    return code != kStatus || read_status(value, status);
  });
  if (!whole || !is_host(each.address) || each.address.is_link_local()) return false;
  if (each.preferred > each.valid) return false;
  if (status == Status::kSuccess) association.addresses.push(each);
  return true;
}

// Section 21.4: an association with T1 after T2 is ignored. Another client's or interface's is
// skipped.
bool read_association(Bytes data, std::uint32_t iaid, Reply& reply) {
  ByteReader in(data);
  const bool ours = in.u32() == iaid;
  Association read{.renewal = in.u32(), .rebinding = in.u32()};
  if (!in.ok()) return false;
  if (!ours || reply.association) return true;
  if (read.rebinding != 0 && read.renewal > read.rebinding) return false;
  const bool whole = walk(in.rest(), reply.bad_options, [&](std::uint16_t code, Bytes value) {
    if (code == kAddress) return read_address(value, read, reply.bad_options);
    return code != kStatus || read_status(value, read.status);
  });
  if (whole) reply.association = read;
  return whole;
}

bool read_number(Bytes data, std::optional<std::uint32_t>& number, std::uint32_t min,
                 std::uint32_t max) {
  if (data.size() != 4) return false;
  const auto value = load_be<std::uint32_t>(data);
  if (value < min || value > max) return false;
  if (!number) number = value;
  return true;
}

bool read_server(Bytes data, Duid& server) {
  if (data.size() < 3 || data.size() > 130) return false;
  if (!server.all().empty()) return true;
  for (const std::byte each : data) server.push(each);
  return true;
}

bool read_option(std::uint16_t code, Bytes data, const Identity& us, Reply& reply) {
  switch (code) {
    case kClientId:
      reply.for_us = equal_bytes(data, duid_of(us.mac));
      return true;
    case kServerId:
      return read_server(data, reply.server);
    case kAssociation:
      return read_association(data, us.iaid, reply);
    case kPreference:
      if (data.size() == 1) reply.preference = load_be<std::uint8_t>(data);
      return data.size() == 1;
    case kStatus:
      return read_status(data, reply.status);
    case kRapidCommit:
      reply.rapid_commit = data.empty();
      return data.empty();
    case kNameServers:
      return read_hosts(data, reply.settings.name_servers);
    case kSearch:
      return read_search(data, reply.settings.search);
    case kTimeServers:
      return read_time_servers(data, reply.settings, reply.bad_options);
    case kRefresh:
      return read_number(data, reply.refresh, 0, kForever);
    case kMaxSolicit:
      return read_number(data, reply.max_solicit, 60, 86400);
    case kMaxInformation:
      return read_number(data, reply.max_information, 60, 86400);
    default:
      return true;
  }
}

}  // namespace

std::expected<Reply, Malformed> Reply::parse(Bytes message, const Identity& us) {
  ByteReader in(message);
  const std::uint32_t head = in.u32();
  Reply reply{.kind = static_cast<Kind>(head >> 24), .xid = head & 0xffffff};
  if (!in.ok() || (reply.kind != Kind::kAdvertise && reply.kind != Kind::kReply &&
                   reply.kind != Kind::kReconfigure)) {
    return std::unexpected(Malformed::kHeader);
  }
  const bool whole = walk(in.rest(), reply.bad_options, [&](std::uint16_t code, Bytes data) {
    return read_option(code, data, us, reply);
  });
  if (!whole) return std::unexpected(Malformed::kOptions);
  return reply;
}

std::size_t Request::write(std::span<std::byte, kMax> whole) const {
  ByteWriter out(whole);
  const auto option = [&](Option code, std::size_t size) {
    out.u16(code);
    out.u16(static_cast<std::uint16_t>(size));
  };
  out.u32(std::uint32_t{static_cast<std::uint8_t>(kind)} << 24 | xid);
  option(kClientId, kLinkDuid);
  out.bytes(duid_of(us.mac));
  if (!server.all().empty()) {
    option(kServerId, server.all().size());
    out.bytes(server.all());
  }
  option(kElapsed, 2);
  out.u16(elapsed);
  if (rapid_commit) option(kRapidCommit, 0);
  if (association) {
    option(kAssociation, address ? 12 + 28 : 12);
    out.u32(us.iaid);
    out.zeros(8);
    if (address) {
      option(kAddress, 24);
      out.bytes(address->octets());
      out.zeros(8);
    }
  }
  if (kind == Kind::kRelease || kind == Kind::kDecline) return out.position();
  const bool information = kind == Kind::kInformationRequest;
  option(kRequested, information ? 10 : 8);
  out.u16(kNameServers);
  out.u16(kSearch);
  out.u16(kTimeServers);
  out.u16(information ? kMaxInformation : kMaxSolicit);
  if (information) out.u16(kRefresh);
  return out.position();
}

}  // namespace fata::dhcp::v6
