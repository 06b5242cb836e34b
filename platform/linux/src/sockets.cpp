#include "sockets.hpp"

#include <sys/socket.h>
#include <sys/syscall.h>

#include "fata/linux/os_error.hpp"

namespace fata::linux {

SockAddress to_sock(const Endpoint& endpoint) {
  SockAddress out;
  if (endpoint.address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    v4.sin_addr.s_addr = htonl(endpoint.address.v4().value);
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.length = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    const IpAddress bare = endpoint.address.without_scope();
    std::memcpy(&v6.sin6_addr, bare.octets().data(), 16);
    v6.sin6_scope_id = endpoint.address.scope().value_or(0);
    std::memcpy(&out.storage, &v6, sizeof v6);
    out.length = sizeof v6;
  }
  return out;
}

Endpoint from_sock(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &storage, sizeof v4);
    return {Ipv4Address{ntohl(v4.sin_addr.s_addr)}, ntohs(v4.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &storage, sizeof v6);
    IpAddress address = IpAddress::of_octets(std::as_bytes(std::span(v6.sin6_addr.s6_addr)));
    if (v6.sin6_scope_id != 0 && v6.sin6_scope_id < 65535)
      address = address.with_scope(static_cast<std::uint16_t>(v6.sin6_scope_id));
    return {address, ntohs(v6.sin6_port)};
  }
  return {};
}

Endpoint local_of(int fd) {
  SockAddress address;
  address.length = sizeof address.storage;
  ::getsockname(fd, address.raw(), &address.length);
  return from_sock(address.storage);
}

namespace {
Result<Fd> bound_to(int type, const Endpoint& local, bool shared) {
  SockAddress address = to_sock(local);
  Fd fd(::socket(address.storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return os_fail();
  const int on = 1, off = 0;
  // With UDP, SO_REUSEADDR would let two servers share a port and split its datagrams between them.
  if (type == SOCK_STREAM || shared)
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (shared) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (local.address == IpAddress())
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd.get(), address.raw(), address.length) != 0) return os_fail();
  return fd;
}
}  // namespace

Result<Fd> bound_socket(int type, const Endpoint& local, bool shared) {
  Result<Fd> fd = bound_to(type, local, shared);
  if (fd || local.address != IpAddress()) return fd;
  // A host with IPv6 disabled lacks either the socket family or the address.
  const bool no_ipv6 =
      fd.error() == os_error(EAFNOSUPPORT) || fd.error() == os_error(EADDRNOTAVAIL);
  return no_ipv6 ? bound_to(type, {Ipv4Address{}, local.port}, shared) : std::move(fd);
}

SystemCall option_call(int level, int option) {
  return {SYS_setsockopt,
          {argument_is(1, static_cast<std::uint32_t>(level)),
           argument_is(2, static_cast<std::uint32_t>(option))}};
}

void add_binding(SandboxNeeds& needs, std::uint32_t type) {
  for (const std::uint32_t family : {AF_INET, AF_INET6})
    needs.calls.push_back(
        {SYS_socket, {argument_is(0, family), argument_is(1, type), argument_is(2, 0)}});
  needs.calls.push_back({SYS_bind});
  needs.calls.push_back({SYS_getsockname});
  needs.calls.push_back(option_call(SOL_SOCKET, SO_REUSEADDR));
  needs.calls.push_back(option_call(IPPROTO_IPV6, IPV6_V6ONLY));
}

}  // namespace fata::linux
