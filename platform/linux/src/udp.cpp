#include "fata/linux/udp.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>

#include "fata/linux/os_error.hpp"
#include "sockets.hpp"

namespace fata::linux {

namespace {

constexpr std::size_t kBatch = 64;
// A dual-stack socket receives the address of an IPv4 datagram in both forms.
constexpr std::size_t kControl =
    CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(in_pktinfo)) + 2 * CMSG_SPACE(sizeof(int));

sig::InterfaceIndex interface_of(unsigned index) {
  return index != 0 && index < sig::kAnyInterface ? static_cast<sig::InterfaceIndex>(index)
                                                  : sig::kAnyInterface;
}
// 0: the kernel chooses.
unsigned index_of(sig::InterfaceIndex interface) {
  return interface == sig::kAnyInterface ? 0 : unsigned{interface};
}

// Prefers the IPv4 form: for a datagram to a broadcast address, it holds an address of this host.
void read_control(msghdr& header, sig::RxDatagram& datagram) {
  bool is_v4 = false;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      const Ipv4Address sent_to{ntohl(info.ipi_addr.s_addr)};
      const Ipv4Address own{ntohl(info.ipi_spec_dst.s_addr)};
      datagram.destination = sent_to.is_multicast() ? sent_to : own;
      datagram.interface = interface_of(static_cast<unsigned>(info.ipi_ifindex));
      is_v4 = true;
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO && !is_v4) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      datagram.interface = interface_of(info.ipi6_ifindex);
      datagram.destination = IpAddress::of_octets(std::as_bytes(std::span(info.ipi6_addr.s6_addr)));
      // An answer from this address then leaves on the interface of the question.
      if (datagram.interface != sig::kAnyInterface && !datagram.destination.is_multicast())
        datagram.destination = datagram.destination.with_scope(datagram.interface);
    }
    if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
        (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
      int hops = 0;
      std::memcpy(&hops, CMSG_DATA(c), sizeof hops);
      datagram.hop_limit = static_cast<std::uint8_t>(hops);
    }
  }
}

// Writes a control message; returns its length.
template <class Info>
std::size_t put(std::span<char> control, int level, int type, const Info& info) {
  cmsghdr header{};
  header.cmsg_level = level;
  header.cmsg_type = type;
  header.cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(control.data(), &header, sizeof header);
  std::memcpy(&control[CMSG_LEN(0)], &info, sizeof info);
  return CMSG_SPACE(sizeof info);
}

// Writes the control message that sets the source address and the interface; returns its length.
std::size_t put_source(std::span<char> control, const sig::TxDatagram& datagram) {
  const unsigned interface = index_of(datagram.interface);
  const IpAddress& source = datagram.source;
  if (datagram.destination.address.is_v4()) {
    in_pktinfo info{};
    info.ipi_ifindex = static_cast<int>(interface);
    if (source.is_v4()) info.ipi_spec_dst.s_addr = htonl(source.v4().value);
    return put(control, IPPROTO_IP, IP_PKTINFO, info);
  }
  in6_pktinfo info{};
  info.ipi6_ifindex = interface != 0 ? interface : source.scope().value_or(0);
  const IpAddress bare = source.without_scope();
  if (!source.is_v4()) std::memcpy(&info.ipi6_addr, bare.octets().data(), 16);
  return put(control, IPPROTO_IPV6, IPV6_PKTINFO, info);
}

}  // namespace

struct UdpSocket::Batch {
  struct Side {
    std::array<mmsghdr, kBatch> headers{};
    std::array<iovec, kBatch> vectors{};
    std::array<SockAddress, kBatch> addresses{};
    alignas(8) std::array<std::array<char, kControl>, kBatch> controls{};

    Side() {
      for (std::size_t i = 0; i < kBatch; ++i) {
        msghdr& header = headers[i].msg_hdr;
        header.msg_iov = &vectors[i];
        header.msg_iovlen = 1;
        header.msg_name = &addresses[i].storage;
      }
    }
  };
  Side in;
  Side out;
  std::array<PacketBuf, kBatch> buffers;  // filled by the next recvmmsg
};

UdpSocket::UdpSocket(Fd fd, bool wildcard, const sig::UdpOptions& options)
    : fd_(std::move(fd)),
      local_(local_of(fd_.get())),
      wildcard_(wildcard),
      arrival_(options.arrival),
      batch_(std::make_unique<Batch>()),
      counters_{Counter{"received"}, Counter{"sent"}, Counter{"too_long"}, Counter{"send_errors"}} {
  const int on = 1;
  if (wildcard_ || arrival_) {
    ::setsockopt(fd_.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    if (!local_.address.is_v4())
      ::setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  }
  apply(options);
  // The buffer must hold a burst that arrives during a long turn of the loop. The kernel caps the
  // size at net.core.rmem_max.
  const int size = 4 << 20;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  check(watch_.start(fd_.get()).has_value(), "epoll refuses a UDP socket");
}

UdpSocket::~UdpSocket() = default;

namespace {
// On an IPv6 socket, options of both families apply. Those of IPv6 fail on an IPv4 socket.
void set_both(int fd, int v4, int v6, int value) {
  ::setsockopt(fd, IPPROTO_IP, v4, &value, sizeof value);
  ::setsockopt(fd, IPPROTO_IPV6, v6, &value, sizeof value);
}
}  // namespace

void UdpSocket::apply(const sig::UdpOptions& options) {
  const int fd = fd_.get();
  if (options.arrival) set_both(fd, IP_RECVTTL, IPV6_RECVHOPLIMIT, 1);
  if (options.hop_limit != 0) set_both(fd, IP_TTL, IPV6_UNICAST_HOPS, options.hop_limit);
  if (options.multicast_hop_limit != 0)
    set_both(fd, IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS, options.multicast_hop_limit);
  // Linux loops by default.
  if (!options.multicast_loop) set_both(fd, IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP, 0);
  if (options.shared) only_own_groups();
}

void UdpSocket::only_own_groups() { set_both(fd_.get(), IP_MULTICAST_ALL, IPV6_MULTICAST_ALL, 0); }

int UdpSocket::change_membership(const IpAddress& group, sig::InterfaceIndex interface, bool join) {
  const unsigned index = index_of(interface);
  if (group.is_v4()) {
    ip_mreqn request{};
    request.imr_multiaddr.s_addr = htonl(group.v4().value);
    request.imr_ifindex = static_cast<int>(index);
    if (index == 0 && local_.address.is_v4() && !local_.address.is_any())
      request.imr_address.s_addr = htonl(local_.address.v4().value);
    return ::setsockopt(fd_.get(), IPPROTO_IP, join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP,
                        &request, sizeof request);
  }
  ipv6_mreq request{};
  std::memcpy(&request.ipv6mr_multiaddr, group.octets().data(), 16);
  request.ipv6mr_interface = index;
  return ::setsockopt(fd_.get(), IPPROTO_IPV6, join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &request,
                      sizeof request);
}

Result<void> UdpSocket::join(const IpAddress& group, sig::InterfaceIndex interface) {
  only_own_groups();
  if (change_membership(group, interface, true) != 0 && errno != EADDRINUSE) return os_fail();
  return {};
}

void UdpSocket::leave(const IpAddress& group, sig::InterfaceIndex interface) {
  (void)change_membership(group, interface, false);
}

void UdpSocket::ignore_path() {
  const int omit = IP_PMTUDISC_OMIT, omit_v6 = IPV6_PMTUDISC_OMIT;
  // An IPv6 socket may also send over IPv4. On an IPv4 socket the second call fails.
  ::setsockopt(fd_.get(), IPPROTO_IP, IP_MTU_DISCOVER, &omit, sizeof omit);
  ::setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, &omit_v6, sizeof omit_v6);
}

async::Task<Result<std::size_t>> UdpSocket::receive(std::span<sig::RxDatagram> in,
                                                    async::Wait wait) {
  for (;;) {
    if (watch_.readable()) {
      if (const std::size_t count = try_receive(in); count != 0) co_return count;
      if (watch_.readable()) {  // all buffers are in use: let their holders run
        co_await async::yield();
        continue;
      }
    }
    if (const Result<void> ready = co_await watch_.wait_readable(wait); !ready)
      co_return fail(ready.error());
  }
}

std::size_t UdpSocket::try_receive(std::span<sig::RxDatagram> in) {
  const std::size_t wanted = std::min(in.size(), kBatch);
  Batch::Side& side = batch_->in;
  std::size_t offered = 0;
  for (; offered < wanted; ++offered) {
    PacketBuf& buffer = batch_->buffers[offered];
    if (!buffer) buffer = pool_.allocate();
    if (!buffer) break;
    const MutableBytes room = buffer.tail();
    side.vectors[offered] = {room.data(), room.size()};
    msghdr& header = side.headers[offered].msg_hdr;
    header.msg_namelen = sizeof(sockaddr_storage);
    header.msg_control = wildcard_ || arrival_ ? side.controls[offered].data() : nullptr;
    header.msg_controllen = wildcard_ || arrival_ ? kControl : 0;
  }
  if (offered == 0) return 0;
  const int got = ::recvmmsg(fd_.get(), side.headers.data(), static_cast<unsigned>(offered),
                             MSG_DONTWAIT, nullptr);
  // An error other than EAGAIN belongs to an earlier datagram (an ICMP message came back), not to
  // this one.
  if (got < 0 && errno == EAGAIN) watch_.drained_in();
  if (got <= 0) return 0;
  const auto received = static_cast<std::size_t>(got);
  if (received < offered) watch_.drained_in();
  counters_[kReceived] += received;
  std::size_t count = 0;
  for (std::size_t i = 0; i < received; ++i) {
    msghdr& header = side.headers[i].msg_hdr;
    if ((header.msg_flags & MSG_TRUNC) != 0) {
      ++counters_[kTooLong];
      continue;
    }
    sig::RxDatagram& datagram = in[count++];
    datagram.source = from_sock(side.addresses[i].storage);
    datagram.destination = wildcard_ ? IpAddress() : local_.address;
    if (wildcard_ || arrival_) read_control(header, datagram);
    PacketBuf& buffer = batch_->buffers[i];
    (void)buffer.append(side.headers[i].msg_len);
    datagram.payload = Slice(std::move(buffer));
  }
  return count;
}

async::Task<Result<void>> UdpSocket::send(std::span<sig::TxDatagram> out, async::Wait wait) {
  Batch::Side& side = batch_->out;
  while (!out.empty()) {
    const std::size_t count = std::min(out.size(), kBatch);
    for (std::size_t i = 0; i < count; ++i) {
      sig::TxDatagram& datagram = out[i];
      const MutableBytes bytes = datagram.payload.bytes();
      side.vectors[i] = {bytes.data(), bytes.size()};
      side.addresses[i] = to_sock(datagram.destination);
      msghdr& header = side.headers[i].msg_hdr;
      header.msg_namelen = side.addresses[i].length;
      const bool chosen =
          (wildcard_ && !datagram.source.is_any()) || datagram.interface != sig::kAnyInterface;
      header.msg_controllen = chosen ? put_source(side.controls[i], datagram) : 0;
      header.msg_control = chosen ? side.controls[i].data() : nullptr;
    }
    const int sent =
        ::sendmmsg(fd_.get(), side.headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
    std::size_t done = 0;
    if (sent > 0) {
      done = static_cast<std::size_t>(sent);
      counters_[kSent] += done;
    } else if (errno == EAGAIN) {
      watch_.drained_out();
      if (const Result<void> ready = co_await watch_.wait_writable(wait); !ready) co_return ready;
    } else {
      // The first datagram cannot be sent (no route, refused by a filter): drop it, as UDP permits.
      done = 1;
      ++counters_[kSendErrors];
    }
    for (sig::TxDatagram& datagram : out.first(done)) datagram.payload.reset();
    out = out.subspan(done);
  }
  co_return Result<void>{};
}

Result<std::unique_ptr<UdpSocket>> Udp::bind(Endpoint local, const sig::UdpOptions& options) {
  Result<Fd> fd = bound_socket(SOCK_DGRAM, local, options.shared);
  if (!fd) return fail(fd.error());
  return std::make_unique<UdpSocket>(std::move(*fd), local.address.is_any(), options);
}

SandboxNeeds Udp::sandbox_needs() const {
  SandboxNeeds needs{.calls = {
                         {SYS_recvmmsg},
                         // With MSG_FASTOPEN, a TCP socket would connect.
                         {SYS_sendmmsg, {argument_is(3, MSG_DONTWAIT)}},
                         option_call(SOL_SOCKET, SO_RCVBUF),
                         option_call(SOL_SOCKET, SO_SNDBUF),
                         option_call(IPPROTO_IP, IP_PKTINFO),
                         option_call(IPPROTO_IP, IP_MTU_DISCOVER),
                         option_call(SOL_SOCKET, SO_REUSEPORT),
                         option_call(IPPROTO_IP, IP_RECVTTL),
                         option_call(IPPROTO_IP, IP_TTL),
                         option_call(IPPROTO_IP, IP_MULTICAST_TTL),
                         option_call(IPPROTO_IP, IP_MULTICAST_LOOP),
                         option_call(IPPROTO_IP, IP_MULTICAST_ALL),
                         option_call(IPPROTO_IP, IP_ADD_MEMBERSHIP),
                         option_call(IPPROTO_IP, IP_DROP_MEMBERSHIP),
                         option_call(IPPROTO_IPV6, IPV6_RECVHOPLIMIT),
                         option_call(IPPROTO_IPV6, IPV6_UNICAST_HOPS),
                         option_call(IPPROTO_IPV6, IPV6_MULTICAST_HOPS),
                         option_call(IPPROTO_IPV6, IPV6_MULTICAST_LOOP),
                         option_call(IPPROTO_IPV6, IPV6_MULTICAST_ALL),
                         option_call(IPPROTO_IPV6, IPV6_JOIN_GROUP),
                         option_call(IPPROTO_IPV6, IPV6_LEAVE_GROUP),
                         option_call(IPPROTO_IPV6, IPV6_RECVPKTINFO),
                         option_call(IPPROTO_IPV6, IPV6_MTU_DISCOVER),
                     }};
  add_binding(needs, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
  return needs;
}

}  // namespace fata::linux
