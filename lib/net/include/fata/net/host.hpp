// An IPv4 host on one Ethernet, as a pure engine: frames and time in; frames and datagrams out. It does ARP,
// IPv4, ICMP echo and port unreachable, and UDP.
//
// What comes out goes through `HostSink`, which the driver (or a test) is. All memory is the caller's packets
// and the fixed ARP table.
#pragma once

#include <array>

#include "fata/base/counter.hpp"
#include "fata/net/arp.hpp"
#include "fata/net/ethernet.hpp"
#include "fata/net/icmp.hpp"
#include "fata/net/ipv4.hpp"
#include "fata/net/udp_header.hpp"
#include "fata/sig/net_device.hpp"
#include "fata/sig/udp.hpp"

namespace fata::net {

// Headers that a layer above UDP must leave room for.
inline constexpr std::size_t kUdpHeadroom = ethernet::kHeaderSize + ipv4::kHeaderSize + udp::kHeaderSize;

struct HostConfig {
  MacAddress mac;
  Ipv4Cidr address;
  Ipv4Address gateway{};  // 0.0.0.0: none, only the own network is reached
  std::size_t mtu = 1500;
  bool tx_checksum = false;               // the device finishes UDP checksums
  unsigned icmp_errors_per_second = 100;  // 0: none are sent
};

class HostSink {
 public:
  // An empty packet with headroom for an Ethernet header and room for a frame; false if there is none.
  virtual PacketBuf allocate() = 0;
  // A finished frame to send, in order.
  virtual void transmit(PacketBuf frame) = 0;
  // A datagram for a local port; false if nobody listens there (the sender is then told).
  virtual bool deliver(sig::RxDatagram&& datagram, std::uint16_t local_port) = 0;

 protected:
  ~HostSink() = default;
};

class Host {
 public:
  enum Count : std::size_t {
    kReceived,
    kNotForUs,
    kUnknownType,
    kBadFrame,
    kBadArp,
    kBadIp,
    kIpChecksum,
    kFragments,
    kBadAddress,
    kUnknownProtocol,
    kBadUdp,
    kUdpChecksum,
    kNoListener,
    kBadIcmp,
    kEchoReplies,
    kArpReplies,
    kArpRequests,
    kUnreachableSent,
    kUnreachableHeard,
    kSent,
    kNoRoute,
    kTooLong,
    kNoBuffer,
    kAddressConflict,
    kCounts
  };

  Host(const HostConfig& config, HostSink& sink);

  // Announces the address (a gratuitous ARP request, RFC 5227 section 3), so that switches and neighbours
  // know it.
  void announce();
  void receive(sig::RxFrame&& frame, Instant now);
  // Sends a UDP datagram; drops and counts what cannot be sent. Takes the packet either way.
  void send_udp(sig::TxDatagram&& given, std::uint16_t local_port, Instant now);

  Instant next_deadline() const { return arp_.next_deadline(); }
  void tick(Instant now);

  const HostConfig& config() const { return config_; }
  // Largest UDP payload in one packet.
  std::size_t max_udp_payload() const { return config_.mtu - ipv4::kHeaderSize - udp::kHeaderSize; }
  const arp::Cache& arp_cache() const { return arp_; }
  std::span<const Counter> counters() const { return counters_; }
  std::uint64_t count(Count which) const { return counters_[which].value; }

 private:
  void receive_arp(Bytes payload, Instant now);
  void receive_ipv4(sig::RxFrame&& frame, bool unicast, Instant now);
  void receive_udp(Slice packet, const ipv4::Header& ip, const Offload& offload, bool unicast, Instant now);
  void receive_icmp(Slice packet, const ipv4::Header& ip, bool unicast, Instant now);
  void send_unreachable(const Slice& packet, const ipv4::Header& ip, Instant now);
  // Prepends the IPv4 header to `payload` and sends it.
  void send_ipv4(PacketBuf payload, Ipv4Address source, Ipv4Address destination, std::uint8_t protocol,
                 Instant now);
  void send_frame(PacketBuf packet, const MacAddress& to, ethernet::Type type);
  void send_arp(std::uint16_t operation, const MacAddress& to, const MacAddress& target_mac,
                Ipv4Address target);
  bool is_ours(Ipv4Address address) const { return address == config_.address.address; }
  bool is_broadcast(Ipv4Address address) const;
  void count_up(Count which) { ++counters_[which]; }

  HostConfig config_;
  HostSink* sink_;
  arp::Cache arp_;
  icmp::RateLimit errors_;
  std::uint16_t identification_ = 0;
  std::array<Counter, kCounts> counters_;
};

}  // namespace fata::net
