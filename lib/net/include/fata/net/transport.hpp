// Where the transport protocols (UDP, TCP) meet the IP layers: pure engines on both sides,
// addresses of either family.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "fata/base/address.hpp"
#include "fata/base/counter.hpp"
#include "fata/base/packet.hpp"
#include "fata/base/time.hpp"

namespace fata::net {

// Headers that a transport must leave room for in front of its own: Ethernet with an 802.1Q tag,
// and the longer of IPv4 and IPv6, with a fragment header.
inline constexpr std::size_t kIpHeadroom = 14 + 4 + 40 + 8;

// Bytes. No message makes IPv4 believe in a path that carries less: there DF is clear, and routers
// fragment.
inline constexpr std::size_t kLeastPathMtuV4 = 552;

// The field of the IP header that congestion marks travel in (RFC 3168).
enum class Ecn : std::uint8_t { kNotCapable = 0, kCapable1 = 1, kCapable0 = 2, kCongested = 3 };

// What a packet's IP header says beside its addresses.
struct IpMarks {
  Ecn ecn = Ecn::kNotCapable;
  std::uint8_t dscp = 0;       // the differentiated service that it asks for, 0 to 63 (RFC 2474)
  std::uint8_t hop_limit = 0;  // or time to live; 0: as the host has it
  // Goes as long as the link carries it, whatever is known of the path (RFC 4821).
  bool path_probe = false;
  bool may_fragment = false;  // IPv4: routers may fragment it (DF is clear)

  std::uint8_t traffic_class() const {
    return static_cast<std::uint8_t>(dscp << 2 | static_cast<std::uint8_t>(ecn));
  }
};

// Of a path that stays inside.
inline constexpr std::uint8_t kNoLink = 31;

// The way to a remote address, as known now.
struct Path {
  IpAddress source;  // the local address to send from (RFC 6724 for IPv6)
  // Bytes of the largest IP packet, headers and all; follows path MTU discovery.
  std::size_t mtu = 1500;
  bool checksum = false;  // the link finishes checksums
  std::uint32_t gso_most =
      0;  // bytes of the largest IP packet with Offload::gso that the link cuts; 0: it cuts none
  static constexpr std::uint16_t kAnySegments = 65535;
  std::uint16_t gso_segments = kAnySegments;  // most segments of it
  bool local = false;                         // the remote is on the link
  std::uint8_t link = kNoLink;                // the interface that leads there
  std::size_t link_mtu =
      0;  // bytes of the largest IP packet on that link, whatever the path carries; 0: as mtu
};

// A packet as it reaches a transport: what follows the IP header (and its options or extensions).
struct IpPacket {
  IpAddress source;
  IpAddress destination;
  Slice payload;    // the transport's header, and all or the first part of its data
  Fragments more;   // the rest
  Offload offload;  // checksum_valid; gso and gso_size if segments were coalesced
  Ecn ecn = Ecn::kNotCapable;
  std::uint8_t hop_limit = 0;  // or time to live
  // At both layers: only such a packet is answered by an error or a reset.
  bool unicast = true;
};

// What ICMP said of a packet that we sent. The IP layer has checked that we could have sent it from
// `local` to `remote`; the transport checks that it did (RFC 5927): what `quoted` says is of
// something that was sent of late, or is outstanding, and of nothing shorter than what a hop is
// said to carry. All else changes nothing.
struct IcmpError {
  enum class Kind : std::uint8_t {
    kPortUnreachable,  // and protocol unreachable
    kUnreachable,      // network, host, administratively prohibited
    kTimeExceeded,
    kTooBig,  // see mtu; the path is not changed yet
    kParameterProblem,
  };
  Kind kind;
  IpAddress local;
  IpAddress remote;
  std::uint16_t mtu = 0;      // to go on with: at least kLeastPathMtuV4, or 1280
  Bytes quoted;               // at least 8 bytes: the start of the transport's header
  std::uint8_t code = 0;      // as the message said
  std::uint16_t hop_mtu = 0;  // what the hop carries, as it said, or the plateau below
};

// What a transport asks of the layer below: both IP layers behind one face.
class IpLayer {
 public:
  // Nothing if there is no route, no address to send from, or `local` (unless "any") is not ours.
  virtual std::optional<Path> path(const IpAddress& remote, const IpAddress& local) = 0;
  // An empty packet with kIpHeadroom bytes before it and room for the link's MTU; false if there is
  // none.
  virtual PacketBuf allocate() = 0;
  // Puts up to `count` packets of Path::link by, which segments that the link cuts will need; gives
  // how many. They are kept for the send() that follows.
  virtual std::size_t reserve(std::uint8_t link, std::size_t count) { return (void)link, count; }
  // Prepends the IP header and sends; takes the packet either way, drops and counts what cannot be
  // sent. The packet's Offload::checksum_start is relative to its first byte. With `fragment` a
  // packet longer than the path's MTU is fragmented, without it is dropped. IPv4: DF is set, unless
  // the path carries very little or the marks allow fragments.
  virtual void send(PacketBuf packet, const IpAddress& local, const IpAddress& remote,
                    std::uint8_t protocol, IpMarks marks, bool fragment, Instant now) = 0;
  // A transport believes a kTooBig (or its own probing): the path's MTU is lowered to `mtu` for a
  // while (RFC 1191, 8201).
  virtual void lower_path_mtu(const IpAddress& remote, std::size_t mtu, Instant now) = 0;
  // The transport hears the remote (RFC 4861 section 7.3.1): the neighbour that leads to it is
  // reachable.
  virtual void confirm_reachable(const IpAddress& remote, Instant now) = 0;
  // The transport has heard nothing for long (RFC 1122 section 2.3.2.1 (4)): what is known of the
  // way is to be asked for again.
  virtual void doubt_reachable(const IpAddress& remote, Instant now) { (void)remote, (void)now; }

  // Whether the device of Path::link takes nothing for now. Who can wait, waits: the end_of_batch()
  // that follows when it has room again is the moment to go on. Who sends all the same may lose the
  // packet.
  bool full(std::uint8_t link) const { return (full_links_ >> link & 1) != 0; }

 protected:
  ~IpLayer() = default;
  void set_full(std::uint8_t link, bool full) {
    full_links_ = full ? full_links_ | 1U << link : full_links_ & ~(1U << link);
  }

 private:
  std::uint32_t full_links_ = 0;
};

// A transport protocol as the IP layers see it.
class Transport {
 public:
  // False if nobody wants the packet, which is then still the caller's (who may answer by an ICMP
  // error).
  virtual bool receive(IpPacket& packet, Instant now) = 0;
  virtual void icmp_error(const IcmpError& error, Instant now) = 0;
  // All packets of a device's batch have been received, or a full device has room again: the moment
  // for what is done once for many.
  virtual void end_of_batch(Instant) {}
  // Time: tick() is called at the deadline or soon after it.
  virtual Instant next_deadline() const { return Instant::never(); }
  virtual void tick(Instant) {}
  virtual std::span<const Counter> counters() const { return {}; }

 protected:
  ~Transport() = default;
};

}  // namespace fata::net
