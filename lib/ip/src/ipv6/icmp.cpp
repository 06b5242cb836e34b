// ICMPv6 for IPv6: echo, received errors, sent errors.
#include "fata/ip/ipv6/engine.hpp"
#include "fata/wire/checksum.hpp"

namespace fata::ip::ipv6 {

void Engine::receive_icmp(Interface* from, const Header& header, Packet& packet, Instant now) {
  const Bytes message = packet.payload.bytes();
  if (message.size() < wire::icmp6::kHeaderSize || !packet.more.empty()) return count_up(kBadIcmp);
  if (!packet.offload.checksum_valid) {
    wire::ChecksumSum sum;
    sum.add_pseudo(header.source, header.destination, protocol::kIcmpV6, message.size());
    sum.add(message);
    if (sum.finish() != 0) return count_up(kBadIcmp);
  }
  const auto type = static_cast<std::uint8_t>(message[0]);
  const bool discovery = type >= wire::nd::kRouterSolicitation && type <= wire::nd::kRedirect;
  if (from != nullptr && !discovery && is_ours(header.source)) return count_up(kBadAddress);
  switch (type) {
    case wire::icmp6::kEcho:
      return echo(header, packet, now);
    case wire::icmp6::kUnreachable:
    case wire::icmp6::kTooBig:
    case wire::icmp6::kTimeExceeded:
    case wire::icmp6::kParameterProblem:
      return receive_error(message, now);
    case wire::icmp6::kListenerQuery:
    case wire::icmp6::kListenerReport:
      if (from != nullptr) receive_query(*links_[from->index()], header, message, now);
      return;
    default:
      break;
  }
  if (discovery) {
    if (from != nullptr) receive_discovery(*links_[from->index()], header, message, now);
    return;
  }
  if (Transport* const wanted = transport(protocol::kIcmpV6)) (void)wanted->receive(packet, now);
}

void Engine::echo(const Header& header, const Packet& packet, Instant now) {
  // Multicast echo requests are not answered, because they permit amplification attacks.
  if (header.destination.is_multicast() || header.source.is_any()) return;
  PacketBuf reply = allocate();
  if (reply && reply.tailroom() < packet.payload.size())
    reply = memory_.allocate(packet.payload.size(), kHeadroom);
  if (!reply) return count_up(kNoMemory);
  copy_bytes(reply.append(packet.payload.size()), packet.payload.bytes());
  const MutableBytes bytes = reply.bytes();
  bytes[0] = std::byte{wire::icmp6::kEchoReply};
  store_be(bytes.subspan(2), std::uint16_t{0});
  wire::ChecksumSum sum;
  sum.add_pseudo(header.destination, header.source, protocol::kIcmpV6, bytes.size());
  sum.add(bytes);
  store_be(bytes.subspan(2), sum.finish());
  answers_.note(
      {header.destination, header.source, load_be<std::uint16_t>(bytes.subspan(4)),
       load_be<std::uint16_t>(bytes.subspan(6)), static_cast<std::uint16_t>(bytes.size())},
      now);
  count_up(kEchoReplies);
  send(std::move(reply), header.destination, header.source, protocol::kIcmpV6, Marks{}, true, now);
}

void Engine::receive_error(Bytes message, Instant now) {
  const Bytes inner = message.subspan(wire::icmp6::kHeaderSize);
  [[clang::uninitialized]] const auto quoted = Header::parse_quoted(inner);
  // Accept only quotes of packets that we may have sent: from our address, with the start of the
  // transport header.
  if (!quoted || !is_ours(quoted->source)) return count_up(kErrorsRefused);
  [[clang::uninitialized]] Walk walk = walk_headers(inner, quoted->next_header);
  const bool first = walk.end == Walk::End::kFragment && walk.fragment.offset == 0;
  if (first) walk = walk_headers(inner, walk.fragment.next_header, walk.offset);
  Transport* const sender = walk.end == Walk::End::kUpper ? transport(walk.next_header) : nullptr;
  if (walk.end != Walk::End::kUpper || inner.size() < walk.offset + 8)
    return count_up(kErrorsRefused);
  const bool answer = walk.next_header == protocol::kIcmpV6 &&
                      inner[walk.offset] == std::byte{wire::icmp6::kEchoReply};
  if (sender == nullptr && !answer) return count_up(kErrorsRefused);

  [[clang::uninitialized]] IcmpError error{
      IcmpError::Kind::kUnreachable, quoted->source,
      quoted->destination,           0,
      inner.subspan(walk.offset),    static_cast<std::uint8_t>(message[1])};
  switch (static_cast<std::uint8_t>(message[0])) {
    case wire::icmp6::kTooBig: {
      error.kind = IcmpError::Kind::kTooBig;
      const auto mtu = load_be<std::uint32_t>(message.subspan(4));
      // A reported MTU of at least the packet's size cannot have caused the error; no IPv6 path MTU
      // is below wire::ipv6::kMinMtu.
      if (mtu >= kHeaderSize + quoted->payload_length) return count_up(kErrorsRefused);
      error.hop_mtu = error.mtu =
          static_cast<std::uint16_t>(std::max<std::size_t>(mtu, wire::ipv6::kMinMtu));
      break;
    }
    case wire::icmp6::kTimeExceeded:
      error.kind = IcmpError::Kind::kTimeExceeded;
      break;
    case wire::icmp6::kParameterProblem:
      error.kind = message[1] == std::byte{1} ? IcmpError::Kind::kPortUnreachable
                                              : IcmpError::Kind::kParameterProblem;
      break;
    default:
      if (message[1] == std::byte{wire::icmp6::kCodePort})
        error.kind = IcmpError::Kind::kPortUnreachable;
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

void Engine::send_error(std::uint8_t type, std::uint8_t code, std::uint32_t pointer,
                        const Header& header, const Slice& whole, Instant now) {
  // Sends no errors about packets from the unspecified address or about other errors (RFC 4443
  // section 2.4 (e)).
  if (header.source.is_any()) return;
  [[clang::uninitialized]] const Walk walk = walk_headers(whole.bytes(), header.next_header);
  if (walk.next_header == protocol::kIcmpV6) {
    const Bytes message = whole.bytes().subspan(std::min(walk.offset, whole.size()));
    if (message.empty() || (message[0] & std::byte{0x80}) == std::byte{0} ||
        message[0] == std::byte{wire::nd::kRedirect})
      return;
  }
  const bool group = header.destination.is_multicast();
  [[clang::uninitialized]] const auto next =
      route(header.source, group ? IpAddress() : header.destination);
  if (!next || !errors_.allow(now, RateLimit::tokens_of(random_.next()))) return;
  const std::size_t room = wire::ipv6::kMinMtu - kHeaderSize - wire::icmp6::kHeaderSize;
  const Bytes quoted = whole.bytes().first(std::min(whole.size(), room));
  PacketBuf message = allocate();
  if (!message || message.tailroom() < wire::icmp6::kHeaderSize + quoted.size()) return;
  ByteWriter out(message.append(wire::icmp6::kHeaderSize + quoted.size()));
  out.u8(type);
  out.u8(code);
  out.u16(0);
  out.u32(pointer);
  out.bytes(quoted);
  count_up(kErrorsSent);
  send_message(*next, std::move(message), header.source, 64, nullptr, now);
}

void Engine::send_message(const NextHop& next, PacketBuf message, const IpAddress& to,
                          std::uint8_t hop_limit, const MacAddress* to_mac, Instant now) {
  const MutableBytes bytes = message.bytes();
  store_be(bytes.subspan(2), std::uint16_t{0});
  wire::ChecksumSum sum;
  sum.add_pseudo(next.source, to, protocol::kIcmpV6, bytes.size());
  sum.add(bytes);
  store_be(bytes.subspan(2), sum.finish());
  Header header;
  header.source = next.source;
  header.destination = to;
  header.payload_length = static_cast<std::uint16_t>(bytes.size());
  header.next_header = protocol::kIcmpV6;
  header.hop_limit = hop_limit;
  header.write(prepend_header(message, kHeaderSize));
  if (to_mac != nullptr)
    return next.link->interface->send(std::move(message), *to_mac, wire::ethernet::Type::kIpv6);
  output(next, std::move(message), now);
}

}  // namespace fata::ip::ipv6
