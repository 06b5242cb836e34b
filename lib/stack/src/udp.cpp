#include "fata/stack/udp.hpp"

#include <algorithm>

namespace fata::stack {

[[clang::minsize]] UdpSocket::~UdpSocket() {
  for (const Membership& each : groups_)
    udp_->ip().leave_group(each.group, each.link, driver_->now());
  if (!groups_.empty()) driver_->flush();
}

async::Task<Result<std::size_t>> UdpSocket::receive(std::span<sig::RxDatagram> in,
                                                    async::Wait wait) {
  while (used_ == 0) {
    if (remote().port != 0) {
      if (const auto diagnostic = take_error()) co_return fail(diagnostic->what);
    }
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

async::Task<Result<void>> UdpSocket::send(std::span<sig::TxDatagram> out, async::Wait wait) {
  const Instant now = driver_->now();
  for (sig::TxDatagram& datagram : out) {
    while (udp_->ip().any_full()) {
      const auto woken = co_await driver_->room().wait(wait);
      if (!woken) co_return fail(Error(woken.error()));
    }
    udp_->send(std::move(datagram), *this, now);
  }
  driver_->flush();
  co_return Result<void>{};
}

[[clang::minsize]] void UdpSocket::connect(const Endpoint& remote) {
  udp_->connect(*this, remote);
  errors_.clear();
}

std::optional<UdpSocket::Diagnostic> UdpSocket::take_error() {
  if (errors_.empty()) return std::nullopt;
  const Diagnostic oldest = errors_.front();
  errors_.erase(errors_.begin());
  return oldest;
}

[[clang::minsize]] Result<void> UdpSocket::join(const IpAddress& group,
                                                sig::InterfaceIndex interface) {
  for (const Membership& each : groups_) {
    if (each.group == group && each.wanted == interface) return {};
  }
  const bool any = interface == sig::kAnyInterface;
  if (!any && interface >= ip::Interface::kMax) return fail(Error(udp::SocketErrc::kNoRoute));
  if (groups_.size() == kGroups) return fail(Error(udp::SocketErrc::kGroupTableFull));
  const std::uint8_t link = any ? ip::kNoLink : static_cast<std::uint8_t>(interface);
  const std::uint8_t joined = udp_->ip().join_group(group, link, local().address, driver_->now());
  if (joined == ip::kNoLink) return fail(Error(udp::SocketErrc::kGroupTableFull));
  groups_.push_back({group, interface, joined});
  driver_->flush();
  return {};
}

[[clang::minsize]] void UdpSocket::leave(const IpAddress& group, sig::InterfaceIndex interface) {
  const auto at = std::ranges::find_if(groups_, [&](const Membership& each) {
    return each.group == group && each.wanted == interface;
  });
  if (at == groups_.end()) return;
  udp_->ip().leave_group(at->group, at->link, driver_->now());
  groups_.erase(at);
  driver_->flush();
}

[[clang::minsize]] bool UdpSocket::is_member(const IpAddress& group, std::uint8_t link) const {
  return std::ranges::any_of(
      groups_, [&](const Membership& each) { return each.group == group && each.link == link; });
}

void UdpSocket::deliver(sig::RxDatagram&& datagram, Instant) {
  if (used_ == kQueue) {
    ++dropped_;
    return;
  }
  queue_[(first_ + used_) % kQueue] = std::move(datagram);
  ++used_;
  readers_.notify_all();
}

[[clang::minsize]] void UdpSocket::error(udp::SocketErrc what, const Endpoint& remote) {
  if (errors_.size() == kErrors) errors_.erase(errors_.begin());
  errors_.push_back({what, remote});
  if (Port::remote().port != 0) readers_.notify_all();
}

UdpSockets::UdpSockets(ip::Host& host, SocketDriver& driver, const SipKey& secret)
    : host_(&host), driver_(&driver), table_(host, secret) {
  host.attach(ip::protocol::kUdp, table_);
}

UdpSockets::~UdpSockets() {
  check(table_.empty(), "a socket outlives its stack");
  host_->detach(table_);
}

[[clang::minsize]] Result<std::unique_ptr<UdpSocket>> UdpSockets::bind(
    Endpoint local, const sig::UdpOptions& options) {
  if (!local.address.is_any() && !host_->is_ours(local.address))
    return fail(udp::SocketErrc::kNotOurAddress, 0);
  auto socket = std::make_unique<UdpSocket>(table_, *driver_);
  socket->configure(options);
  if ([[clang::uninitialized]] const Result<void> bound = table_.bind(*socket, local); !bound)
    return fail(bound.error());
  return socket;
}

}  // namespace fata::stack
