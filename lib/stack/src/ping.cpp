#include "fata/stack/ping.hpp"

#include "fata/wire/checksum.hpp"
#include "fata/wire/icmp.hpp"
#include "fata/wire/icmp6.hpp"

namespace fata::stack {

namespace {
// All requests share one identifier and are distinguished by sequence number.
constexpr std::uint16_t kIdentifier = 0xfa7a;

std::byte filler(std::size_t at) { return static_cast<std::byte>(at); }
}  // namespace

Pinger::Pinger(ip::Host& host, SocketDriver& driver) : host_(&host), driver_(&driver) {
  // Attach ICMP to each engine for its own family only: the other family's ICMP is invalid there.
  if (ip::Protocol* const v4 = host.v4()) v4->attach(ip::protocol::kIcmp, *this);
  if (ip::Protocol* const v6 = host.v6()) v6->attach(ip::protocol::kIcmpV6, *this);
}

Pinger::~Pinger() {
  for (ip::Protocol* const family : {host_->v4(), host_->v6()}) {
    if (family != nullptr) family->detach(*this);
  }
}

async::Task<Result<sig::EchoReply>> Pinger::echo(IpAddress to, std::size_t size, async::Wait wait) {
  while (host_->any_full()) {
    if (const auto woken = co_await driver_->room().wait(wait); !woken)
      co_return fail(Error(woken.error()));
  }
  Request request;
  request.to = to;
  request.size = size;
  request.number = ++number_;
  request.sent = driver_->now();
  if (const Result<void> sent = send(request, request.sent); !sent) co_return fail(sent.error());
  requests_.push_back(request);
  driver_->flush();
  while (!request.outcome) {
    if (const auto woken = co_await request.asker.wait(wait); !woken && !request.outcome) {
      request.unlink();
      co_return fail(Error(woken.error()));
    }
  }
  co_return *request.outcome;
}

Result<void> Pinger::send(const Request& request, Instant now) {
  if (request.size > kMaxData) return fail(sig::EchoErrc::kTooLong, request.size);
  ip::Host& host = *host_;
  [[clang::uninitialized]] const auto path = host.path(request.to, {});
  if (!path) return fail(Error(sig::EchoErrc::kNoRoute));
  const std::size_t size = wire::icmp::kHeaderSize + request.size;
  PacketBuf packet = host.allocate();
  if (packet && packet.tailroom() < size) packet = memory_->allocate(size, ip::kHeadroom);
  if (!packet) return fail(Error(sig::EchoErrc::kNoBuffer));

  const MutableBytes message = packet.append(size);
  ByteWriter out(message.first(wire::icmp::kHeaderSize));
  const bool v4 = request.to.is_v4();
  out.u8(v4 ? wire::icmp::kEcho : wire::icmp6::kEcho);
  out.u8(0);
  out.u16(0);
  out.u16(kIdentifier);
  out.u16(request.number);
  for (std::size_t i = 0; i < request.size; ++i) message[wire::icmp::kHeaderSize + i] = filler(i);
  wire::ChecksumSum sum;
  if (!v4) sum.add_pseudo(path->source, request.to, ip::protocol::kIcmpV6, size);
  sum.add(message);
  store_be(message.subspan(2), sum.finish());
  host.send_along(*path, std::move(packet), request.to,
                  v4 ? ip::protocol::kIcmp : ip::protocol::kIcmpV6, ip::Marks{}, true, now);
  return {};
}

Pinger::Request* Pinger::find(Bytes header) {
  if (load_be<std::uint16_t>(header.subspan(4)) != kIdentifier) return nullptr;
  for (Request& each : requests_) {
    if (each.number == load_be<std::uint16_t>(header.subspan(6))) return &each;
  }
  return nullptr;
}

void Pinger::end(Request& request, Result<sig::EchoReply> outcome) {
  request.unlink();
  request.outcome = std::move(outcome);
  request.asker.notify_one();
}

bool Pinger::receive(ip::Packet& packet, Instant now) {
  const Bytes message = packet.payload.bytes();
  const std::uint8_t reply =
      packet.source.is_v4() ? wire::icmp::kEchoReply : wire::icmp6::kEchoReply;
  if (message.size() < wire::icmp::kHeaderSize || message[0] != std::byte{reply}) return false;
  Request* const request = find(message);
  if (request == nullptr || (request->to != packet.source && !request->to.is_multicast()))
    return false;
  const Bytes data = message.subspan(wire::icmp::kHeaderSize);
  if (data.size() != request->size) return false;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data[i] != filler(i)) return false;
  }
  end(*request, sig::EchoReply{packet.source, now - request->sent, packet.hop_limit});
  return true;
}

void Pinger::icmp_error(const ip::IcmpError& error, Instant now) {
  using Kind = ip::IcmpError::Kind;
  const bool v4 = error.remote.is_v4();
  Request* const request = error.quoted[0] == std::byte{v4 ? wire::icmp::kEcho : wire::icmp6::kEcho}
                               ? find(error.quoted)
                               : nullptr;
  const bool ours = request != nullptr && request->to == error.remote;
  if (!ours) return;
  if (error.kind == Kind::kTooBig) {
    const std::size_t size = (v4 ? 20 : 40) + wire::icmp::kHeaderSize + request->size;
    if (size <= error.hop_mtu) return;
    host_->lower_path_mtu(error.remote, error.mtu, now);
  }
  switch (error.kind) {
    case Kind::kPortUnreachable:
    case Kind::kUnreachable:
      return end(*request, fail(sig::EchoErrc::kUnreachable, error.code));
    case Kind::kTimeExceeded:
      return end(*request, fail(Error(sig::EchoErrc::kTimeExceeded)));
    case Kind::kTooBig:
      return end(*request, fail(Error(sig::EchoErrc::kTooBig)));
    case Kind::kParameterProblem:
      return end(*request, fail(Error(sig::EchoErrc::kParameterProblem)));
  }
}

}  // namespace fata::stack
