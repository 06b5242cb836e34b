// Between Endpoint and sockaddr.
#pragma once

#include <netinet/in.h>

#include "fata/base/address.hpp"
#include "fata/base/result.hpp"
#include "fata/host/fd.hpp"
#include "fata/host/sandbox.hpp"

namespace fata::host {

struct SockAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
};

SockAddress to_sock(const Endpoint& endpoint);
// An unknown family gives "any", port 0.
Endpoint from_sock(const sockaddr_storage& storage);
Endpoint local_of(int fd);
// A non-blocking socket, with SO_REUSEADDR, bound to `local`. IpAddress(), "any", is that of both
// families, whatever net.ipv6.bindv6only is; where the host has no IPv6, that of IPv4.
// Ipv4Address{} is that of IPv4 alone.
Result<Fd> bound_socket(int type, const Endpoint& local);

// What bound_socket() needs of a sandbox, `type` being that of the socket with its flags.
void add_binding(SandboxNeeds& needs, std::uint32_t type);
// setsockopt() of one option.
SystemCall option_call(int level, int option);

}  // namespace fata::host
