#include "fata/net/socket.hpp"

#include <algorithm>

namespace fata::net {

const ErrorDomain& error_domain(SocketErrc) noexcept {
  static constexpr ErrorDomain domain{"udp", [](std::uint32_t code) -> std::string_view {
                                        switch (static_cast<SocketErrc>(code)) {
                                          case SocketErrc::kNotOurAddress: return "not an address of this host";
                                          case SocketErrc::kPortInUse: return "the port is in use";
                                          case SocketErrc::kNoFreePort: return "no port is free";
                                        }
                                        return "unknown";
                                      }};
  return domain;
}

UdpSocket::~UdpSocket() {
  --table_->count_;
  if (table_->last_ == this) table_->last_ = nullptr;
}

async::Task<Result<std::size_t>> UdpSocket::receive(std::span<sig::RxDatagram> in, async::Wait wait) {
  while (used_ == 0) {
    const auto woken = co_await readers_.wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
  const std::size_t count = std::min(in.size(), used_);
  for (sig::RxDatagram& datagram : in.first(count)) {
    datagram = std::move(queue_[first_]);
    first_ = (first_ + 1) % kQueue;
  }
  used_ -= count;
  co_return count;
}

void UdpSocket::push(sig::RxDatagram&& datagram) {
  if (used_ == kQueue) {
    ++dropped_;
    return;
  }
  queue_[(first_ + used_) % kQueue] = std::move(datagram);
  ++used_;
  readers_.notify_all();
}

Result<std::unique_ptr<UdpSocket>> SocketTable::bind(Endpoint local, std::size_t max_payload, DatagramSender& sender) {
  if (local.port == 0) {
    for (unsigned tries = 0; tries < 16384 && local.port == 0; ++tries) {
      if (find(next_port_) == nullptr) local.port = next_port_;
      next_port_ = next_port_ == 65535 ? 49152 : next_port_ + 1;
    }
    if (local.port == 0) return fail(Error(SocketErrc::kNoFreePort));
  } else if (find(local.port) != nullptr) {
    return fail(SocketErrc::kPortInUse, local.port);
  }
  auto socket = std::unique_ptr<UdpSocket>(new UdpSocket(local, max_payload, sender, *this));
  buckets_[local.port % kBuckets].push_back(*socket);
  ++count_;
  return socket;
}

bool SocketTable::deliver(sig::RxDatagram&& datagram, std::uint16_t port) {
  UdpSocket* socket = find(port);
  if (socket == nullptr) return false;
  socket->push(std::move(datagram));
  return true;
}

UdpSocket* SocketTable::find(std::uint16_t port) {
  if (last_ != nullptr && last_->local_.port == port) return last_;
  for (UdpSocket& socket : buckets_[port % kBuckets]) {
    if (socket.local_.port == port) return last_ = &socket;
  }
  return nullptr;
}

}  // namespace fata::net
