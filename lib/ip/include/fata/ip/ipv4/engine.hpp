// IPv4 for a host with several interfaces, as a pure engine: ARP, routes, ICMP, path MTU. Received
// data goes to the attached transports. It uses only the caller's packets and tables of fixed size.
#pragma once

#include <array>
#include <memory>

#include "fata/base/random_source.hpp"
#include "fata/ip/arp.hpp"
#include "fata/ip/fragment_ids.hpp"
#include "fata/ip/groups.hpp"
#include "fata/ip/ipv4/routes.hpp"
#include "fata/ip/path_mtu.hpp"
#include "fata/ip/protocol.hpp"
#include "fata/ip/rate_limit.hpp"
#include "fata/ip/reassembly.hpp"
#include "fata/ip/recent_sends.hpp"
#include "fata/wire/icmp.hpp"
#include "fata/wire/ipv4.hpp"

namespace fata::ip::ipv4 {

using wire::ipv4::Header;
using wire::ipv4::kHeaderSize;

struct Config {
  SipKey secret{};                        // source of all random values
  unsigned icmp_errors_per_second = 100;  // 0: sends none
};

// Outcome of an address added with conflict detection.
enum class AddressEvent : std::uint8_t { kReady, kLost };
class AddressWatcher {
 public:
  // kReady: no conflict was found, and the address is in use from now on. kLost: another station
  // uses the address, and it has been removed.
  virtual void address_event(Interface& on, Ipv4Address address, AddressEvent what,
                             Instant now) = 0;

 protected:
  ~AddressWatcher() = default;
};

class Engine final : public Protocol {
 public:
  static constexpr std::size_t kAddresses = 16;
  // Bytes of a packet that every host can receive, fragmented if necessary (RFC 791 section 3.2).
  static constexpr std::size_t kMaxAccepted = 576;
  // Bytes for reassembly and for long replies.
  static constexpr std::size_t kMemory = std::size_t{512} * 1024;
  // Reassembly timeout. RFC 1122 section 3.3.2 asks for at least 60 s; Linux's 30 s complete as
  // many valid packets and hold half as many bad ones.
  static constexpr Duration kTimeout = seconds(30);

  // Limit of broadcast ARP requests per link. Packets to many unresolved neighbours, such as
  // replies to forged sources, wait longer for their addresses.
  static constexpr unsigned kQuestionsPerSecond = 200;
  static constexpr unsigned kQuestionBurst = 100;

  enum Count : std::size_t {
    kNotForUs,
    kBadArp,
    kBadIp,
    kIpChecksum,
    kBadFragment,
    kFragmentOverlap,
    kFragmentRoom,
    kReassembled,
    kReassemblyTimeout,
    kFragmentsSent,
    kBadAddress,
    kUnknownProtocol,
    kBadIcmp,
    kBadIgmp,
    kReportsSent,
    kEchoReplies,
    kArpReplies,
    kArpRequests,
    kErrorsSent,
    kErrorsHeard,
    kErrorsRefused,
    kDelivered,
    kNoRoute,
    kTooLong,
    kLoopFull,
    kAddressConflict,
    kWaitedInVain,
    kNoMemory,
    kCounts
  };

  explicit Engine(const Config& config = {});

  // How an address comes into use (RFC 5227). kAnnounce: at once and permanently, as configured by
  // the user. kProbe: after three probes without an answer, until a conflict is lost. kUnprobed: at
  // once, until a conflict is lost. Every address is announced and adds a route to its network.
  enum class Claim : std::uint8_t { kAnnounce, kProbe, kUnprobed };
  // False if the table is full.
  bool add_address(Interface& on, const Ipv4Cidr& address, Instant now,
                   Claim claim = Claim::kAnnounce);
  bool remove_address(Interface& on, Ipv4Address address);
  // Reports the outcome for addresses added with Claim::kProbe or kUnprobed. The watcher must not
  // add or remove addresses during the call.
  void watch(AddressWatcher* watcher) { watcher_ = watcher; }

  // For an interface without an address (DHCP, RFC 2131 section 4.1). send_unconfigured() sends a
  // UDP datagram, including its header, from 0.0.0.0 to the broadcast address. While
  // take_any_address() is on, datagrams to any address are accepted if their frame is unicast to
  // this host.
  void send_unconfigured(Interface& on, PacketBuf datagram, Instant now);
  void take_any_address(Interface& on, bool any) { links_[on.index()]->any_address = any; }

  Routes& routes() { return routes_; }
  const Routes& routes() const { return routes_; }
  const arp::Cache& arp_cache(const Interface& on) const { return links_[on.index()]->arp; }

  // Protocol
  void add_interface(Interface& interface, Instant now) override;
  void receive(Interface* from, wire::ethernet::Type type, LinkCast cast, sig::RxFrame&& packet,
               Instant now) override;
  Instant next_deadline() const override;
  void tick(Instant now) override;
  bool is_ours(const IpAddress& address) const override {
    return address.is_v4() && is_ours(address.v4());
  }
  IpAddress source_on(const Interface& on, const IpAddress& remote) const override {
    const Address* const own = address_on(on.index(), remote.v4());
    return own == nullptr ? IpAddress() : own->cidr.address;
  }
  bool join(const IpAddress& group, Interface& on, Instant now) override;
  void leave(const IpAddress& group, Interface& on, Instant now) override;
  std::span<const Counter> counters() const override { return counters_; }
  bool write_neighbour(TextWriter& line, std::size_t index) const override;
  bool write_route(TextWriter& line, std::size_t index) const override;
  void renew(const SipKey& secret, Instant now) override;

  // Layer
  std::optional<Path> path(const IpAddress& remote, const IpAddress& local) override;
  PacketBuf allocate() override;
  void send(PacketBuf packet, const IpAddress& local, const IpAddress& remote,
            std::uint8_t protocol, Marks marks, bool fragment, Instant now) override;
  void send_along(const Path& path, PacketBuf packet, const IpAddress& remote,
                  std::uint8_t protocol, Marks marks, bool fragment, Instant now) override;
  void lower_path_mtu(const IpAddress& remote, std::size_t mtu, Instant now) override;
  void confirm_reachable(const IpAddress&, Instant) override {}  // ARP refreshes entries itself
  void doubt_reachable(const IpAddress& remote, Instant now) override;

 private:
  struct Link {
    explicit Link(Interface& on) : interface(&on) {}
    Interface* interface;
    arp::Cache arp;
    RateLimit questions{kQuestionsPerSecond, kQuestionBurst};  // for broadcasts
    bool any_address = false;
  };
  struct Address {
    Ipv4Cidr cidr;
    std::uint8_t interface = 0;
    Claim claim = Claim::kAnnounce;
    bool used = false;
    std::uint8_t steps_left = 0;  // probes, then announcements
    // Time of the latest conflict report in seconds + 1; 0: none.
    std::uint32_t reported_s = 0;
    Instant next_at = Instant::never();  // of the next step
    Instant defended_at{};
  };
  enum class Cast : std::uint8_t { kLoopback, kLink, kBroadcast, kMulticast };
  // A packet's outgoing link, source address, and next hop on the link.
  struct NextHop {
    Link* link = nullptr;  // null: loopback
    Ipv4Address source;
    Ipv4Address address;
    Cast cast = Cast::kLink;
  };

  std::span<const Address> addresses() const { return std::span(addresses_).first(address_count_); }
  bool is_ours(Ipv4Address address) const;
  bool is_broadcast(Ipv4Address address, const Interface* on) const;
  // conflict_detection.cpp
  void use(Address& address, Instant now);
  void step(Address& address, Instant now);
  void announce_again(Instant now);
  void age_addresses(Instant now);
  bool conflicts(Link& link, const wire::arp::Packet& packet, Instant now);
  // igmp.cpp
  void receive_igmp(std::uint8_t interface, Ipv4Address to, Bytes message, Instant now);
  void report_groups(Instant now);
  void send_igmp(Link& link, std::uint8_t type, Ipv4Address group, Ipv4Address to);

  const Address* address_on(std::uint8_t interface, Ipv4Address towards) const;

  void receive_arp(Link& link, Bytes payload, Instant now);
  void receive_ip(Interface* from, LinkCast cast, sig::RxFrame&& frame, Instant now);
  void receive_fragment(const Header& header, std::uint8_t link, LinkCast cast, bool ours,
                        sig::RxFrame&& frame, Instant now);
  // Joins a packet's buffers into one; false if there is no memory.
  bool join_pieces(sig::RxFrame& frame);
  // `whole` is the packet with its header, for errors to quote.
  void deliver(const Header& header, Packet& packet, const Slice& whole, Instant now);
  void receive_icmp(const Header& header, Packet& packet, Instant now);
  void echo(const Header& header, const Slice& message, Instant now);
  void receive_error(const wire::icmp::Header& icmp, Bytes message, Instant now);
  void answer_refused(const IcmpError& error, Instant now);
  void send_error(std::uint8_t type, std::uint8_t code, const Header& header, const Slice& whole,
                  Instant now);

  std::optional<NextHop> route(Ipv4Address to, Ipv4Address local);
  void send_to(const NextHop& next, PacketBuf&& packet, const IpAddress& remote,
               std::uint8_t protocol, Marks marks, bool fragment, Instant now);
  void send_long(const NextHop& next, Header header, PacketBuf packet, Instant now);
  void send_fragments(Link& link, const PacketBuf& packet, const MacAddress& to, Instant now);
  void send_waited(Link& link, PacketBuf packet, const MacAddress& to, Instant now);
  void output(const NextHop& next, PacketBuf packet, Instant now);
  // The hardware address of a broadcast or multicast packet.
  static MacAddress group_mac(const NextHop& next);
  void send_arp(Link& link, std::uint16_t operation, const MacAddress& to,
                const MacAddress& target_mac, Ipv4Address sender, Ipv4Address target);
  void ask(Link& link, const MacAddress& to, Ipv4Address target);
  void count_waited();
  void count_up(Count which) { ++counters_[which]; }

  HeapBuffers memory_{kMemory};
  Reassembly reassembly_{memory_, kTimeout};
  RandomSource random_;
  FragmentIds fragment_ids_;
  std::array<std::unique_ptr<Link>, Interface::kMax> links_;
  std::size_t link_count_ = 0;
  std::array<Address, kAddresses> addresses_{};
  std::size_t address_count_ = 0;
  AddressWatcher* watcher_ = nullptr;
  Groups groups_;
  Routes routes_;
  PathMtuCache paths_;
  RecentSends answers_;  // to echo requests
  Loopback loopback_;
  RateLimit errors_;
  Instant now_{};  // time of the latest call, because path() has no time argument
  std::array<Counter, kCounts> counters_;
};

}  // namespace fata::ip::ipv4
