// The drivers' bodies use nothing beyond their concepts.
#include <gtest/gtest.h>

#include "fata/dns/tcp_server.hpp"
#include "fata/dns/udp_server.hpp"
#include "fata/sig/archetype.hpp"

namespace fata::dns {

template async::Task<Result<void>> serve_udp(Engine*, sig::archetype::UdpSocket*, Counter*,
                                             async::CancelToken, TimedGuard);
template Guard::Guard(RateLimit, const Prefixes&, std::span<const std::byte, Guard::kSeedSize>,
                      sig::archetype::Clock*);
template class TcpServer<sig::archetype::StreamTransport>;
template class TcpServer<sig::archetype::Tcp>;

}  // namespace fata::dns
