// IPv6 for a host with several interfaces, as a pure engine: addresses (DAD, SLAAC), neighbours,
// routers, ICMPv6, groups. Received data goes to the attached transports. It uses only the caller's
// packets and tables of fixed size.
#pragma once

#include <array>
#include <memory>

#include "fata/base/random_source.hpp"
#include "fata/ip/fragment_ids.hpp"
#include "fata/ip/groups.hpp"
#include "fata/ip/ipv6/addresses.hpp"
#include "fata/ip/ipv6/neighbours.hpp"
#include "fata/ip/ipv6/routers.hpp"
#include "fata/ip/path_mtu.hpp"
#include "fata/ip/protocol.hpp"
#include "fata/ip/rate_limit.hpp"
#include "fata/ip/reassembly.hpp"
#include "fata/ip/recent_sends.hpp"
#include "fata/wire/icmp.hpp"
#include "fata/wire/icmp6.hpp"
#include "fata/wire/ipv6.hpp"
#include "fata/wire/nd.hpp"

namespace fata::ip::ipv6 {

using wire::ipv6::Header;
using wire::ipv6::kHeaderSize;
using wire::ipv6::Walk;
using wire::ipv6::walk_headers;

struct Config {
  SipKey secret{};                        // for stable addresses and all random values
  unsigned icmp_errors_per_second = 100;  // 0: sends none
  // 0: addresses are used without duplicate address detection.
  std::uint8_t dad_transmits = 1;
};

class Engine final : public Protocol {
 public:
  static constexpr std::size_t kAddresses = 16;
  static constexpr std::size_t kDnsServers = 4;
  // Bytes for reassembly and for long replies.
  static constexpr std::size_t kMemory = std::size_t{512} * 1024;
  static constexpr Duration kTimeout = seconds(60);  // reassembly timeout (RFC 8200 section 4.5)

  // Limit of multicast solicitations per link. Packets to many unresolved neighbours, such as
  // replies to forged sources, wait longer for their addresses.
  static constexpr unsigned kQuestionsPerSecond = 200;
  static constexpr unsigned kQuestionBurst = 100;
  // The minimum hop limit accepted from a router: with a lower one, packets would not leave the
  // site.
  static constexpr std::uint8_t kMinHopLimit = 32;

  enum Count : std::size_t {
    kNotForUs,
    kBadHeader,
    kBadExtension,
    kBadAddress,
    kBadFragment,
    kFragmentOverlap,
    kFragmentRoom,
    kReassembled,
    kReassemblyTimeout,
    kFragmentsSent,
    kUnknownNextHeader,
    kBadIcmp,
    kBadDiscovery,
    kEchoReplies,
    kAdvertisementsSent,
    kSolicitationsSent,
    kReportsSent,
    kErrorsSent,
    kErrorsHeard,
    kErrorsRefused,
    kDelivered,
    kNoRoute,
    kNoNeighbour,
    kTooLong,
    kLoopFull,
    kAddressConflict,
    kRedirects,
    kTableFull,
    kWaitedInVain,
    kNoMemory,
    kCounts
  };

  explicit Engine(const Config& config);

  // Enables IPv6 on the interface and creates its link-local address.
  void start(Interface& on, Instant now);
  // Calls start(), solicits routers, and configures addresses from their advertisements (RFC 4862).
  void autoconfigure(Interface& on, Instant now);
  // Adds a configured address and its on-link prefix. False if the table is full.
  bool add_address(Interface& on, const Ipv6Cidr& address, Instant now);
  bool remove_address(Interface& on, const IpAddress& address, Instant now);
  Routers& routers() { return routers_; }
  std::span<const Address> addresses() const { return std::span(addresses_).first(address_count_); }
  const Neighbours& neighbours(const Interface& on) const { return links_[on.index()]->neighbours; }
  const Groups& groups() const { return groups_; }

  // Name servers from router advertisements (RFC 8106), while their lifetimes last.
  struct DnsServer {
    IpAddress address;
    std::uint8_t interface = 0;
    Instant until{};
  };
  std::span<const DnsServer> dns_servers() const {
    return std::span(dns_servers_).first(dns_server_count_);
  }
  // The first search domain in wire format (RFC 1035 section 3.1); empty if none.
  Bytes search_domain() const { return Bytes(search_domain_).first(search_length_); }

  // Protocol
  void add_interface(Interface& interface, Instant now) override;
  void receive(Interface* from, wire::ethernet::Type type, LinkCast cast, sig::RxFrame&& packet,
               Instant now) override;
  Instant next_deadline() const override;
  void tick(Instant now) override;
  bool is_ours(const IpAddress& address) const override;
  IpAddress source_on(const Interface& on, const IpAddress& remote) const override;
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
  void confirm_reachable(const IpAddress& remote, Instant now) override;

 private:
  struct Link {
    explicit Link(Interface& on) : interface(&on), mtu(on.mtu()) {}
    Interface* interface;
    Neighbours neighbours;
    RateLimit questions{kQuestionsPerSecond, kQuestionBurst};  // for multicasts
    bool started = false;
    bool autoconfigured = false;
    std::uint8_t hop_limit = 64;
    std::size_t mtu;
    Duration base_reachable = seconds(30);
    Instant solicit_at = Instant::never();  // the next router solicitation
    Duration solicit_wait{};
    // Bytes of a packet: the MTU advertised by routers, at most the interface's.
    std::size_t packet_max() const { return std::min(mtu, interface->mtu()); }
    Instant old_mld_until{};  // an MLDv1 querier was detected
  };
  // A packet's outgoing link, source address, and next hop on the link.
  struct NextHop {
    Link* link = nullptr;  // null: loopback
    IpAddress source;
    IpAddress address;
  };

  enum class Report : std::uint8_t { kListens, kJoins, kLeaves };

  std::span<Address> own() { return std::span(addresses_).first(address_count_); }
  const Address* find(const IpAddress& address) const;
  Address* find_on(const IpAddress& address, std::uint8_t interface);
  IpAddress link_local(const Link& link) const;  // "any" until there is one

  // addresses.cpp
  Address* make_address(Link& link, const Ipv6Cidr& address, Address::Origin origin, Instant now);
  void drop_address(Address& address, Instant now);
  void start_detection(Link& link, Address& address, Instant now);
  void detect(Link& link, Address& address, Instant now);
  // `other`: the hardware address of the other station that uses the address.
  void duplicate(Link& link, Address& address, const MacAddress& other, Instant now);
  IpAddress stable_address(const Link& link, const IpAddress& prefix,
                           std::uint8_t collisions) const;
  void offered(Link& link, const Ipv6Cidr& prefix, Duration valid, Duration preferred, Instant now);
  void announce_again(Instant now);
  void age_addresses(Instant now);

  // receive.cpp, fragments.cpp
  void receive_walked(Interface* from, const Header& header, const Walk& walk, Packet&& packet,
                      const Slice& whole, Instant now);
  void receive_fragment(Interface* from, const Header& header, const Walk& walk, Packet&& packet,
                        Instant now);
  // Joins a packet's buffers into one; false if there is no memory.
  bool join_pieces(sig::RxFrame& frame);
  void deliver(Interface* from, const Header& header, const Walk& walk, Packet& packet,
               const Slice& whole, Instant now);

  // icmp.cpp
  void receive_icmp(Interface* from, const Header& header, Packet& packet, Instant now);
  void echo(const Header& header, const Packet& packet, Instant now);
  void receive_error(Bytes message, Instant now);
  void answer_refused(const IcmpError& error, Instant now);
  void send_error(std::uint8_t type, std::uint8_t code, std::uint32_t pointer, const Header& header,
                  const Slice& whole, Instant now);
  // Fills in the checksum of an ICMPv6 message and sends it, to `to_mac` directly if that is given.
  void send_message(const NextHop& next, PacketBuf message, const IpAddress& to,
                    std::uint8_t hop_limit, const MacAddress* to_mac, Instant now);

  // neighbour_discovery.cpp
  void receive_discovery(Link& link, const Header& header, Bytes message, Instant now);
  void receive_solicitation(Link& link, const Header& header,
                            const wire::nd::NeighbourMessage& message, Instant now);
  void receive_advertisement(Link& link, const Header& header,
                             const wire::nd::NeighbourMessage& message, Instant now);
  void claimed(Link& link, Address& own, const MacAddress& other, Instant now);
  void receive_router(Link& link, const Header& header, Bytes message, Instant now);
  void receive_redirect(Link& link, const Header& header, Bytes message, Instant now);
  void receive_dns(Link& link, const wire::nd::Option& option, Instant now);
  void solicit(Link& link, const IpAddress& target, const MacAddress* mac, Instant now);
  void solicit_router(Link& link, Instant now);
  void send_neighbour_message(Link& link, const wire::nd::NeighbourMessage& message,
                              const IpAddress& source, const IpAddress& to,
                              const MacAddress* to_mac, Instant now);
  void neighbour_failed(Link& link, const IpAddress& address, std::span<PacketBuf> packets,
                        Instant now);

  // groups.cpp
  void receive_query(Link& link, const Header& header, Bytes message, Instant now);
  void report(Link& link, const IpAddress& group, Report what, Instant now);

  // send.cpp
  std::optional<NextHop> route(const IpAddress& to, const IpAddress& local);
  void send_to(const NextHop& next, PacketBuf&& packet, const IpAddress& remote,
               std::uint8_t protocol, Marks marks, bool fragment, Instant now);
  void send_long(const NextHop& next, Header header, PacketBuf packet, Instant now);
  void send_fragments(Link& link, const PacketBuf& packet, const MacAddress& to, Instant now);
  // Sends the packets that waited for that neighbour, whose hardware address is now known.
  void send_waited(Link& link, const IpAddress& hop, const MacAddress& to, Instant now);
  void count_waited();
  void output(const NextHop& next, PacketBuf packet, Instant now);
  void count_up(Count which) { ++counters_[which]; }

  Config config_;
  HeapBuffers memory_{kMemory};
  Reassembly reassembly_{memory_, kTimeout};
  RandomSource random_;
  FragmentIds fragment_ids_;
  std::array<std::unique_ptr<Link>, Interface::kMax> links_;
  std::size_t link_count_ = 0;
  std::array<Address, kAddresses> addresses_{};
  std::size_t address_count_ = 0;
  Routers routers_;
  Groups groups_;
  std::array<DnsServer, kDnsServers> dns_servers_{};
  std::size_t dns_server_count_ = 0;
  std::array<std::byte, 64> search_domain_{};
  std::size_t search_length_ = 0;
  PathMtuCache paths_;
  RecentSends answers_;  // to echo requests
  Loopback loopback_;
  RateLimit errors_;
  Instant now_{};  // time of the latest call, because path() has no time argument
  std::array<Counter, kCounts> counters_;
};

}  // namespace fata::ip::ipv6
