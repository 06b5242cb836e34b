// Conversion between Endpoint and sockaddr.
#pragma once

#include <netinet/in.h>

#include "fata/base/address.hpp"
#include "fata/base/result.hpp"
#include "fata/linux/fd.hpp"
#include "fata/linux/sandbox.hpp"

namespace fata::linux {

struct SockAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
};

// The zone of a link-local address is Linux's index of the interface, both ways.
SockAddress to_sock(const Endpoint& endpoint);
// Returns "any" and port 0 for an unknown family.
Endpoint from_sock(const sockaddr_storage& storage);
Endpoint local_of(int fd);
// A non-blocking socket bound to `local`; a TCP socket has SO_REUSEADDR. A socket bound to
// IpAddress() ("any") accepts both families, whatever net.ipv6.bindv6only is, or only IPv4 if the
// host has no IPv6. A socket bound to Ipv4Address{} accepts only IPv4.
// `shared`: other shared sockets may be bound to the same port (SO_REUSEADDR and SO_REUSEPORT).
Result<Fd> bound_socket(int type, const Endpoint& local, bool shared = false);

// The sandbox needs of bound_socket(); `type` includes the socket's flags.
void add_binding(SandboxNeeds& needs, std::uint32_t type);
// setsockopt() for one option.
SystemCall option_call(int level, int option);

}  // namespace fata::linux
