#include "fata/udp/table.hpp"

namespace fata::udp {

const ErrorDomain& error_domain(SocketErrc) noexcept {
  static constexpr ErrorDomain domain{"udp", [](std::uint32_t code) -> std::string_view {
                                        switch (static_cast<SocketErrc>(code)) {
                                          case SocketErrc::kNotOurAddress:
                                            return "not an address of this host";
                                          case SocketErrc::kPortInUse:
                                            return "the port is in use";
                                          case SocketErrc::kNoFreePort:
                                            return "no port is free";
                                          case SocketErrc::kNoRoute:
                                            return "no route to the remote host";
                                          case SocketErrc::kGroupTableFull:
                                            return "too many multicast groups";
                                          case SocketErrc::kPortUnreachable:
                                            return "the remote port is unreachable";
                                          case SocketErrc::kUnreachable:
                                            return "the remote host is unreachable";
                                          case SocketErrc::kTimeExceeded:
                                            return "a datagram did not arrive in time";
                                          case SocketErrc::kTooBig:
                                            return "a datagram was too large for the path";
                                          case SocketErrc::kParameterProblem:
                                            return "the remote did not understand a datagram";
                                        }
                                        return "unknown";
                                      }};
  return domain;
}

namespace {
// Names of Table::Count, in the same order.
constexpr std::array<Counter, Table::kCounts> kCounters{{{"udp_received"},
                                                         {"bad_udp"},
                                                         {"udp_checksum"},
                                                         {"no_listener"},
                                                         {"no_small_buffer"},
                                                         {"udp_errors_heard"},
                                                         {"udp_errors_refused"},
                                                         {"udp_sent"},
                                                         {"no_route"},
                                                         {"too_long"}}};
constexpr std::uint64_t kPortPurpose = 6;

// An interface that no host has for a number out of range.
std::uint8_t link_of(sig::InterfaceIndex interface) {
  return static_cast<std::uint8_t>(std::min<sig::InterfaceIndex>(interface, ip::kNoLink));
}
// Replaces the zones of a datagram's addresses by the interface to send from.
[[clang::minsize]] void leave_by_scope(sig::TxDatagram& datagram, bool& reports_scopes) {
  IpAddress& to = datagram.destination.address;
  if (const auto scope = to.scope()) {
    datagram.interface = *scope;
    to = to.without_scope();
    reports_scopes = true;
  }
  datagram.source = datagram.source.without_scope();
}
}  // namespace

[[clang::minsize]] Port::~Port() {
  if (table_ == nullptr) return;
  --table_->count_;
  if (table_->last_ == this) table_->last_ = nullptr;
}

[[clang::minsize]] Table::Table(ip::Layer& ip, const SipKey& secret)
    : ip_(&ip),
      random_(derive(secret, kPortPurpose)),
      small_(kSmallBuffers, kSmallBufferSize),
      counters_(kCounters) {}

void Table::renew(const SipKey& secret) { random_ = RandomSource(derive(secret, kPortPurpose)); }

[[clang::minsize]] void Port::configure(const sig::UdpOptions& options) {
  shared_ = options.shared;
  reports_scopes_ = options.arrival;
  hop_limit_ = options.hop_limit;
  group_hop_limit_ = options.multicast_hop_limit;
  sets_hop_limit_ = (hop_limit_ | group_hop_limit_) != 0;
}

[[clang::minsize]] bool Table::taken(const Endpoint& local, bool shared) {
  for (const Port& port : buckets_[local.port % kBuckets]) {
    if (port.local_.port != local.port || (shared && port.shared_)) continue;
    if (port.local_.address == local.address || port.local_.address.is_any() ||
        local.address.is_any())
      return true;
  }
  return false;
}

[[clang::minsize]] Result<void> Table::bind(Port& port, Endpoint local) {
  if (local.port == 0) {
    // Draws at random first, so that ports that follow used ones are not favoured; then searches
    // all ports in order.
    constexpr std::uint32_t kFirst = 49152, kPorts = 16384, kDraws = 8;
    std::uint64_t at = 0;
    for (std::uint32_t tries = 0; tries < kDraws + kPorts && local.port == 0; ++tries) {
      at = tries < kDraws ? random_.next() : at + 1;
      const auto port = static_cast<std::uint16_t>(kFirst + at % kPorts);
      if (!taken({local.address, port}, false)) local.port = port;
    }
    if (local.port == 0) return fail(Error(SocketErrc::kNoFreePort));
  } else if (taken(local, port.shared_)) {
    return fail(SocketErrc::kPortInUse, local.port);
  }
  port.local_ = local;
  port.table_ = this;
  buckets_[local.port % kBuckets].push_back(port);
  ++count_;
  return {};
}

Port* Table::find(const Endpoint& local, const Endpoint& remote) {
  const auto hears = [&](const Port& port) {
    if (port.local_.port != local.port) return false;
    if (port.local_.address != local.address && !port.local_.address.is_any()) return false;
    return port.remote_.port == 0 || port.remote_ == remote;
  };
  if (last_ != nullptr && hears(*last_)) return last_;
  for (Port& port : buckets_[local.port % kBuckets]) {
    if (hears(port)) return last_ = &port;
  }
  return nullptr;
}

[[clang::minsize]] bool Table::to_members(const sig::RxDatagram& datagram, const Endpoint& local,
                                          std::uint8_t link, Instant now) {
  bool any = false;
  for (Port& port : buckets_[local.port % kBuckets]) {
    if (port.local_.port != local.port || !port.is_member(local.address, link)) continue;
    if (port.remote_.port != 0 && port.remote_ != datagram.source) continue;
    port.deliver(sig::RxDatagram(datagram), now);
    any = true;
  }
  return any;
}

bool Table::receive(ip::Packet& packet, Instant now) {
  count_up(kReceived);
  const auto header = wire::udp::Header::parse(packet.payload.bytes(), packet.source,
                                               packet.destination, packet.offload);
  if (!header)
    return count_up(header.error() == wire::udp::Malformed::kChecksum ? kChecksum : kBadHeader),
           true;
  const Endpoint from{packet.source, header->source_port};
  const Endpoint local{packet.destination, header->destination_port};
  Port* const port = find(local, from);
  if (port == nullptr && packet.unicast) {
    count_up(kNoListener);
    return header->source_port == 0;  // no port to notify
  }
  sig::RxDatagram datagram{
      from, packet.destination,
      packet.payload.part(wire::udp::kHeaderSize, header->length - wire::udp::kHeaderSize)};
  datagram.interface = packet.link == ip::kNoLink ? sig::kAnyInterface : packet.link;
  datagram.hop_limit = packet.hop_limit;
  const std::size_t size = datagram.payload.size();
  if (datagram.payload.footprint() > 4 * size && size <= kSmallBufferSize) {
    [[clang::uninitialized]] PacketBuf copy = small_.copy(datagram.payload.bytes());
    if (!copy) return count_up(kNoSmallBuffer), true;
    datagram.payload = Slice(std::move(copy));
  }
  if (port != nullptr && port->reports_scopes_ && packet.link != ip::kNoLink) [[unlikely]] {
    datagram.source.address = from.address.with_scope(packet.link);
    if (packet.unicast) datagram.destination = packet.destination.with_scope(packet.link);
  }
  if (!packet.unicast && to_members(datagram, local, packet.link, now)) return true;
  if (port == nullptr) return count_up(kNoListener), header->source_port == 0;
  port->deliver(std::move(datagram), now);
  return true;
}

[[clang::minsize]] void Table::icmp_error(const ip::IcmpError& error, Instant now) {
  const auto local_port = load_be<std::uint16_t>(error.quoted);
  const Endpoint remote{error.remote, load_be<std::uint16_t>(error.quoted.subspan(2))};
  const auto length = load_be<std::uint16_t>(error.quoted.subspan(4));
  Port* const port = find({error.local, local_port}, remote);
  const bool too_short = error.kind == ip::IcmpError::Kind::kTooBig &&
                         length + (error.remote.is_v4() ? 20U : 40U) <= error.hop_mtu;
  const bool sent =
      length != 0 &&
      recent_.find({error.local, error.remote, local_port, remote.port, length}, now) != 0;
  if (port == nullptr || port->ignores_path_ || !sent || too_short) return count_up(kErrorsRefused);
  count_up(kErrorsHeard);
  SocketErrc what = SocketErrc::kUnreachable;
  switch (error.kind) {
    case ip::IcmpError::Kind::kPortUnreachable:
      what = SocketErrc::kPortUnreachable;
      break;
    case ip::IcmpError::Kind::kUnreachable:
      break;
    case ip::IcmpError::Kind::kTimeExceeded:
      what = SocketErrc::kTimeExceeded;
      break;
    case ip::IcmpError::Kind::kTooBig:
      // The next datagram is fragmented to fit; the flow continues without an error.
      return ip_->lower_path_mtu(error.remote, error.mtu, now);
    case ip::IcmpError::Kind::kParameterProblem:
      what = SocketErrc::kParameterProblem;
      break;
  }
  port->error(what, remote);
}

PacketBuf Table::allocate() {
  [[clang::uninitialized]] PacketBuf packet = ip_->allocate();
  if (packet) {
    (void)packet.append(wire::udp::kHeaderSize);
    packet.trim_front(wire::udp::kHeaderSize);
  }
  return packet;
}

void Table::send(sig::TxDatagram&& given, Port& from, Instant now) {
  sig::TxDatagram datagram = std::move(given);  // recycles the buffer even if it is not sent
  if (datagram.destination.address.is_of_link()) [[unlikely]]
    leave_by_scope(datagram, from.reports_scopes_);
  const Endpoint& to = datagram.destination.port == 0 ? from.remote() : datagram.destination;
  if (datagram.payload.total_size() > kMaxPayload) return count_up(kTooLong);
  const IpAddress& local = datagram.source.is_any() ? from.local().address : datagram.source;
  [[clang::uninitialized]] const auto path =
      datagram.interface == sig::kAnyInterface
          ? ip_->path(to.address, local)
          : ip_->path_on(link_of(datagram.interface), to.address, local);
  if (!path) return count_up(kNoRoute);
  const std::size_t room = path->mtu - (path->source.is_v4() ? 20 : 40) - wire::udp::kHeaderSize;
  const bool whole = datagram.payload.size() <= room && datagram.payload.chain().empty();
  wire::udp::prepend_header(datagram.payload, from.local().port, to.port, path->source, to.address,
                            path->checksum && whole);
  count_up(kSent);
  ip::Marks marks;
  if (from.sets_hop_limit_) [[unlikely]]
    marks.hop_limit = to.address.is_multicast() ? from.group_hop_limit_ : from.hop_limit_;
  if (from.ignores_path_) {
    marks.path_probe = marks.may_fragment = true;
  } else {
    const auto length = static_cast<std::uint16_t>(datagram.payload.total_size());
    recent_.note({path->source, to.address, from.local().port, to.port, length}, now);
  }
  ip_->send_along(*path, std::move(datagram.payload), to.address, wire::udp::kProtocol, marks, true,
                  now);
}

}  // namespace fata::udp
