// A small DHCP server for tests: an engine for its answers, and a host on the simulated network
// that runs only this server. `promised` keeps every lease for the test, even after forget().
#pragma once

#include <map>
#include <set>

#include "../../lib/dhcp/test/server.hpp"
#include "fata/ip/arp.hpp"
#include "fata/wire/ethernet.hpp"
#include "fata/wire/ipv4.hpp"
#include "fata/wire/udp.hpp"
#include "world.hpp"

namespace fata::test {

class DhcpServer {
 public:
  using Mac = std::array<std::byte, 6>;
  struct Settings {
    Ipv4Address own = Ipv4Address::of(10, 0, 0, 2);
    std::uint8_t first = 100, count = 8;  // last octets of the addresses it leases
    std::uint32_t lease = 600;            // seconds
  };
  struct Lease {
    Ipv4Address address;
    Instant until;
  };

  explicit DhcpServer(const Settings& settings) : settings_(settings) {}

  // The answer, if there is one.
  std::optional<dhcp::Answer> receive(Bytes message, Instant now) {
    if (message.size() < 240) return std::nullopt;
    Mac mac{};
    copy_bytes(mac, message.subspan(28, 6));
    const Ipv4Address in_use{load_be<std::uint32_t>(message.subspan(12))};
    const auto kind = static_cast<dhcp::Kind>(option(message, 53).value_or(0));
    const Ipv4Address wanted{option(message, 50).value_or(0)},
        server{option(message, 54).value_or(0)};
    dhcp::Answer answer{.xid = load_be<std::uint32_t>(message.subspan(4)),
                        .server = settings_.own,
                        .lease = settings_.lease,
                        .mac = {mac}};
    switch (kind) {
      case dhcp::Kind::kDiscover: {
        const auto free = choose(mac, now);
        if (!free) return std::nullopt;
        offered_[mac] = *free;
        answer.address = *free;
        return answer;
      }
      case dhcp::Kind::kRequest: {
        if (!server.is_any() && server != settings_.own) return std::nullopt;
        const Ipv4Address address = in_use.is_any() ? wanted : in_use;
        const bool offered = offered_.contains(mac) && offered_[mac] == address;
        const bool held =
            leases_.contains(mac) && leases_[mac].address == address && now < leases_[mac].until;
        answer.address = address;
        answer.kind = (in_use.is_any() ? offered && !taken(address, mac, now) : held)
                          ? dhcp::Kind::kAck
                          : dhcp::Kind::kNak;
        if (answer.kind == dhcp::Kind::kNak) return ++naks, answer.address = {}, answer;
        promised[mac] = leases_[mac] = {address, now + seconds(settings_.lease)};
        host_names[mac] = text_option(message, 12);
        ++acks;
        return answer;
      }
      case dhcp::Kind::kDecline:
        declined_[wanted] = now + seconds(3600);
        [[fallthrough]];
      case dhcp::Kind::kRelease:
        leases_.erase(mac);
        offered_.erase(mac);
        return std::nullopt;
      default:
        return std::nullopt;
    }
  }
  // Forgets all leases, like a restart without stable storage.
  void forget() { leases_.clear(), offered_.clear(); }
  std::size_t held() const { return leases_.size(); }

  std::map<Mac, Lease> promised;
  std::map<Mac, std::string> host_names;
  unsigned acks = 0, naks = 0;

 private:
  static Bytes find(Bytes message, std::uint8_t wanted) {
    ByteReader in(message.subspan(240));
    while (in.ok()) {
      const std::uint8_t code = in.u8();
      if (code == 255) break;
      const Bytes data = in.take(in.u8());
      if (in.ok() && code == wanted) return data;
    }
    return {};
  }
  static std::optional<std::uint32_t> option(Bytes message, std::uint8_t code) {
    const Bytes data = find(message, code);
    if (data.size() == 4) return load_be<std::uint32_t>(data);
    if (data.size() == 1) return load_be<std::uint8_t>(data);
    return std::nullopt;
  }
  static std::string text_option(Bytes message, std::uint8_t code) {
    return std::string(as_text(find(message, code)));
  }
  bool taken(Ipv4Address address, const Mac& by_other_than, Instant now) const {
    for (const auto& [mac, lease] : leases_) {
      if (mac != by_other_than && lease.address == address && now < lease.until) return true;
    }
    return false;
  }
  std::optional<Ipv4Address> choose(const Mac& mac, Instant now) const {
    const auto held = leases_.find(mac);
    if (held != leases_.end() && !taken(held->second.address, mac, now))
      return held->second.address;
    for (std::uint8_t i = 0; i < settings_.count; ++i) {
      const Ipv4Address each{(settings_.own.value & 0xffffff00) | (settings_.first + i)};
      const auto declined = declined_.find(each);
      if (declined != declined_.end() && now < declined->second) continue;
      if (!taken(each, mac, now)) return each;
    }
    return std::nullopt;
  }

  struct ByValue {
    bool operator()(Ipv4Address a, Ipv4Address b) const { return a.value < b.value; }
  };
  Settings settings_;
  std::map<Mac, Lease> leases_;
  std::map<Mac, Ipv4Address> offered_;
  std::map<Ipv4Address, Instant, ByValue> declined_;
};

// The server on its own NIC: answers ARP for its address, and messages to port 67.
class DhcpHost {
 public:
  DhcpHost(sim::NetDevice& nic, const DhcpServer::Settings& settings)
      : server(settings), own_(settings.own), nic_(&nic), runner_(run(this)) {}

  DhcpServer server;
  bool up = true;
  std::vector<std::pair<int, dhcp::Octets>> more{};  // additional options of each answer

 private:
  static async::Task<void> run(DhcpHost* self) {
    std::array<sig::RxFrame, 8> in;
    for (;;) {
      const auto count = co_await self->nic_->receive(std::span<sig::RxFrame>(in), async::Wait{});
      if (!count) co_return;
      for (sig::RxFrame& frame : std::span(in).first(*count)) {
        const Slice slice = std::move(frame.frame);
        if (self->up && slice.size() > 14) self->take(slice.bytes());
      }
    }
  }
  void take(Bytes frame) {
    const auto type = load_be<std::uint16_t>(frame.subspan(12));
    MacAddress from;
    copy_bytes(from.octets, frame.subspan(6, 6));
    const Bytes inside = frame.subspan(14);
    if (type == 0x0806) {
      const auto arp = wire::arp::Packet::parse(inside);
      if (!arp || arp->operation != wire::arp::kRequest || arp->target != own_) return;
      PacketBuf packet = nic_->allocate(14);
      if (!packet) return;
      wire::arp::Packet{wire::arp::kReply, nic_->mac(), own_, from, arp->sender}.write(
          packet.append(wire::arp::kPacketSize));
      return send(std::move(packet), from, 0x0806);
    }
    const auto ip = wire::ipv4::Header::parse(inside, inside.size());
    if (type != 0x0800 || !ip || ip->protocol != 17 || inside.size() < ip->total_length) return;
    const Bytes udp = inside.subspan(ip->header_length, ip->total_length - ip->header_length);
    if (udp.size() < 8 || load_be<std::uint16_t>(udp.subspan(2)) != 67) return;
    auto answer = server.receive(udp.subspan(8), nic_now());
    if (!answer) return;
    answer->more = more;
    const bool broadcast =
        answer->kind == dhcp::Kind::kNak || (udp[8 + 10] & std::byte{0x80}) != std::byte{0};
    const dhcp::Octets bytes = answer->bytes();
    PacketBuf packet = nic_->allocate(14 + 20 + 8);
    if (!packet) return;
    copy_bytes(packet.append(bytes.size()), bytes);
    wire::ipv4::Header header;
    header.source = own_;
    header.destination = broadcast ? Ipv4Address{0xffffffff} : answer->address;
    header.protocol = 17;
    wire::udp::prepend_header(packet, 67, 68, header.source, header.destination, false);
    header.total_length = static_cast<std::uint16_t>(packet.size() + 20);
    header.write(packet.prepend(20));
    send(std::move(packet), broadcast ? MacAddress::broadcast() : answer->mac, 0x0800);
  }
  void send(PacketBuf packet, const MacAddress& to, std::uint16_t type) {
    wire::ethernet::Header{to, nic_->mac(), type}.write(packet.prepend(14));
    std::array<PacketBuf, 1> out{std::move(packet)};
    (void)nic_->send(out);
  }
  static Instant nic_now() { return async::current_loop().now(); }

  Ipv4Address own_;
  sim::NetDevice* nic_;
  async::Background runner_;
};

}  // namespace fata::test
