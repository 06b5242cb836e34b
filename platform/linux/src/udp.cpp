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
constexpr std::size_t kControl = CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(in_pktinfo));

// Prefers the IPv4 form: for a datagram to a broadcast address, it holds an address of this host.
IpAddress destination_of(msghdr& header) {
  IpAddress found;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      return Ipv4Address{ntohl(info.ipi_spec_dst.s_addr)};
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      std::array<std::byte, 16> octets;
      std::memcpy(octets.data(), &info.ipi6_addr, 16);
      found = IpAddress(octets);
    }
  }
  return found;
}

// Writes the control message that sets the source address; returns its length.
std::size_t put_source(std::span<char> control, const IpAddress& source) {
  cmsghdr header{};
  if (source.is_v4()) {
    in_pktinfo info{};
    info.ipi_spec_dst.s_addr = htonl(source.v4().value);
    header.cmsg_level = IPPROTO_IP;
    header.cmsg_type = IP_PKTINFO;
    header.cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(control.data(), &header, sizeof header);
    std::memcpy(&control[CMSG_LEN(0)], &info, sizeof info);
    return CMSG_SPACE(sizeof info);
  }
  in6_pktinfo info{};
  std::memcpy(&info.ipi6_addr, source.octets().data(), 16);
  header.cmsg_level = IPPROTO_IPV6;
  header.cmsg_type = IPV6_PKTINFO;
  header.cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(control.data(), &header, sizeof header);
  std::memcpy(&control[CMSG_LEN(0)], &info, sizeof info);
  return CMSG_SPACE(sizeof info);
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

UdpSocket::UdpSocket(Fd fd, bool wildcard)
    : fd_(std::move(fd)),
      local_(local_of(fd_.get())),
      wildcard_(wildcard),
      batch_(std::make_unique<Batch>()),
      counters_{Counter{"received"}, Counter{"sent"}, Counter{"too_long"}, Counter{"send_errors"}} {
  const int on = 1;
  if (wildcard_) {
    ::setsockopt(fd_.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    if (!local_.address.is_v4())
      ::setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  }
  // The buffer must hold a burst that arrives during a long turn of the loop. The kernel caps the
  // size at net.core.rmem_max.
  const int size = 4 << 20;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  check(watch_.start(fd_.get()).has_value(), "epoll refuses a UDP socket");
}

UdpSocket::~UdpSocket() = default;

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
    header.msg_control = wildcard_ ? side.controls[offered].data() : nullptr;
    header.msg_controllen = wildcard_ ? kControl : 0;
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
    datagram.destination = wildcard_ ? destination_of(header) : local_.address;
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
      const bool chosen = wildcard_ && !datagram.source.is_any();
      header.msg_controllen = chosen ? put_source(side.controls[i], datagram.source) : 0;
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

Result<std::unique_ptr<UdpSocket>> Udp::bind(Endpoint local) {
  Result<Fd> fd = bound_socket(SOCK_DGRAM, local);
  if (!fd) return fail(fd.error());
  return std::make_unique<UdpSocket>(std::move(*fd), local.address.is_any());
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
                         option_call(IPPROTO_IPV6, IPV6_RECVPKTINFO),
                         option_call(IPPROTO_IPV6, IPV6_MTU_DISCOVER),
                     }};
  add_binding(needs, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
  return needs;
}

}  // namespace fata::linux
