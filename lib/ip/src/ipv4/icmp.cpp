// ICMP for IPv4: echo, received errors, sent errors.
#include "fata/ip/ipv4/engine.hpp"

namespace fata::ip::ipv4 {

void Engine::receive_icmp(const Header& header, Packet& packet, Instant now) {
  const Bytes message = packet.payload.bytes();
  const auto icmp = wire::icmp::Header::parse(message);
  if (!icmp || !packet.more.empty()) return count_up(kBadIcmp);
  switch (icmp->type) {
    case wire::icmp::kEcho:
      // Echo requests to broadcast addresses are ignored, as RFC 1122 section 3.2.2.6 allows,
      // because they permit amplification attacks.
      if (packet.unicast) echo(header, packet.payload, now);
      return;
    case wire::icmp::kUnreachable:
    case wire::icmp::kTimeExceeded:
    case wire::icmp::kParameterProblem:
      return receive_error(*icmp, message, now);
    default:
      if (Transport* const wanted = transport(protocol::kIcmp)) (void)wanted->receive(packet, now);
  }
}

void Engine::echo(const Header& header, const Slice& message, Instant now) {
  PacketBuf reply = allocate();
  if (reply && reply.tailroom() < message.size())
    reply = memory_.allocate(message.size(), kHeadroom);
  if (!reply) return count_up(kNoMemory);
  copy_bytes(reply.append(message.size()), message.bytes());
  wire::icmp::make_echo_reply(reply.bytes());
  const Bytes id = message.bytes().subspan(4);
  answers_.note({header.destination, header.source, load_be<std::uint16_t>(id),
                 load_be<std::uint16_t>(id.subspan(2)), static_cast<std::uint16_t>(message.size())},
                now);
  count_up(kEchoReplies);
  send(std::move(reply), header.destination, header.source, protocol::kIcmp, Marks{}, true, now);
}

void Engine::receive_error(const wire::icmp::Header& icmp, Bytes message, Instant now) {
  const Bytes inner = message.subspan(wire::icmp::kHeaderSize);
  const auto quoted = Header::parse_quoted(inner);
  // Accept only quotes of packets that we may have sent: from our address, with the start of the
  // transport header.
  if (!quoted || !is_ours(quoted->source) || quoted->fragment_offset != 0)
    return count_up(kErrorsRefused);
  const Bytes rest = inner.subspan(quoted->header_length);
  Transport* const sender = transport(quoted->protocol);
  const bool answer = quoted->protocol == protocol::kIcmp && !rest.empty() &&
                      rest[0] == std::byte{wire::icmp::kEchoReply};
  if (rest.size() < 8 || (sender == nullptr && !answer)) return count_up(kErrorsRefused);

  [[clang::uninitialized]] IcmpError error{
      IcmpError::Kind::kUnreachable, quoted->source, quoted->destination, 0, rest, icmp.code};
  if (icmp.type == wire::icmp::kTimeExceeded) {
    error.kind = IcmpError::Kind::kTimeExceeded;
  } else if (icmp.type == wire::icmp::kParameterProblem) {
    error.kind = IcmpError::Kind::kParameterProblem;
  } else if (icmp.code == wire::icmp::kCodePort || icmp.code == wire::icmp::kCodeProtocol) {
    error.kind = IcmpError::Kind::kPortUnreachable;
  } else if (icmp.code == wire::icmp::kCodeTooBig) {
    error.kind = IcmpError::Kind::kTooBig;
    const std::size_t said = load_be<std::uint16_t>(message.subspan(6));
    const std::size_t mtu = next_mtu(said, quoted->total_length);
    // A reported MTU of at least the packet's size cannot have caused the error.
    if (mtu >= quoted->total_length) return count_up(kErrorsRefused);
    error.hop_mtu = static_cast<std::uint16_t>(mtu);
    error.mtu = static_cast<std::uint16_t>(std::max(mtu, kMinPathMtuV4));
  }
  if (answer) return answer_refused(error, now);
  count_up(kErrorsHeard);
  sender->icmp_error(error, now);
}

// An error about one of our echo replies can only lower the path MTU.
void Engine::answer_refused(const IcmpError& error, Instant now) {
  const Bytes id = error.quoted.subspan(4);
  const std::size_t sent = answers_.find({error.local, error.remote, load_be<std::uint16_t>(id),
                                          load_be<std::uint16_t>(id.subspan(2)), 0},
                                         now);
  const bool too_big = error.kind == IcmpError::Kind::kTooBig && sent + kHeaderSize > error.hop_mtu;
  if (sent == 0 || !too_big) return count_up(kErrorsRefused);
  count_up(kErrorsHeard);
  lower_path_mtu(error.remote, error.mtu, now);
}

void Engine::send_error(std::uint8_t type, std::uint8_t code, const Header& header,
                        const Slice& whole, Instant now) {
  if (!errors_.allow(now, RateLimit::tokens_of(random_.next()))) return;
  // Quotes as much of the offending packet as fits in 576 bytes (RFC 1812 section 4.3.2.3) and in
  // the path MTU.
  [[clang::uninitialized]] const auto path = this->path(header.source, header.destination);
  if (!path) return count_up(kNoRoute);
  const std::size_t most = std::min(kMaxAccepted, path->mtu);
  const std::size_t room = most - kHeaderSize - wire::icmp::kHeaderSize;
  const Bytes quoted = whole.bytes().first(std::min(whole.size(), room));
  PacketBuf message = allocate();
  if (!message) return;
  wire::icmp::write_error(message.append(wire::icmp::kHeaderSize + quoted.size()), type, code,
                          quoted);
  count_up(kErrorsSent);
  send_along(*path, std::move(message), header.source, protocol::kIcmp, Marks{}, false, now);
}

}  // namespace fata::ip::ipv4
