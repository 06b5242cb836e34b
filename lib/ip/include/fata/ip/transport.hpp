// The boundary between the transports (UDP, TCP) and the IP layers: pure engines on both sides,
// addresses of either family.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "fata/base/address.hpp"
#include "fata/base/counter.hpp"
#include "fata/base/packet.hpp"
#include "fata/base/siphash.hpp"
#include "fata/base/time.hpp"

namespace fata::ip {

// Headroom that a transport must leave for lower headers: Ethernet with an 802.1Q tag, and the
// longer of IPv4 and IPv6 with a fragment header.
inline constexpr std::size_t kHeadroom = 14 + 4 + 40 + 8;

// In bytes. No ICMP message lowers an IPv4 path MTU below this: on smaller paths, DF is clear and
// routers fragment.
inline constexpr std::size_t kMinPathMtuV4 = 552;

// The ECN field of the IP header (RFC 3168).
enum class Ecn : std::uint8_t { kNotCapable = 0, kCapable1 = 1, kCapable0 = 2, kCongested = 3 };

// Fields of a packet's IP header besides its addresses.
struct Marks {
  Ecn ecn = Ecn::kNotCapable;
  std::uint8_t dscp = 0;       // differentiated services code point, 0 to 63 (RFC 2474)
  std::uint8_t hop_limit = 0;  // or time to live; 0: the host's default
  // Sent at up to the link's MTU, regardless of the known path MTU (RFC 4821).
  bool path_probe = false;
  bool may_fragment = false;  // IPv4: routers may fragment it (DF is clear)

  std::uint8_t traffic_class() const {
    return static_cast<std::uint8_t>(dscp << 2 | static_cast<std::uint8_t>(ecn));
  }
};

// The link of a loopback path.
inline constexpr std::uint8_t kNoLink = 31;

// The current route to a remote address.
struct Path {
  IpAddress source;  // the local address to send from (RFC 6724 for IPv6)
  // Bytes of the largest IP packet including headers; follows path MTU discovery.
  std::size_t mtu = 1500;
  bool checksum = false;  // the link completes checksums
  // Bytes of the largest IP packet with Offload::gso that the link segments; 0: no segmentation.
  std::uint32_t gso_max = 0;
  static constexpr std::uint16_t kAnySegments = 65535;
  std::uint16_t gso_segments = kAnySegments;  // maximum segments of such a packet
  bool local = false;                         // the remote is on the link
  std::uint8_t link = kNoLink;                // the outgoing interface
  // Bytes of the largest IP packet on the link, regardless of the path; 0: the same as mtu.
  std::size_t link_mtu = 0;
  // For Layer::send_along(): the address to resolve on the link, and whether it is a broadcast.
  IpAddress next_hop{};
  bool broadcast = false;
};

// A packet as a transport receives it: everything after the IP header and its options or
// extensions.
struct Packet {
  IpAddress source;
  IpAddress destination;
  Slice payload;     // the transport's header, and all or the first part of its data
  BufferChain more;  // the rest
  Offload offload;   // checksum_valid; gso and gso_size if segments were coalesced
  Ecn ecn = Ecn::kNotCapable;
  std::uint8_t hop_limit = 0;  // or time to live
  // At both layers: only unicast packets are answered by an error or a reset.
  bool unicast = true;
  std::uint8_t link = kNoLink;  // the interface it came in on; kNoLink: from this host itself
};

// An ICMP error about a packet of ours. The IP layer has checked that we could have sent it from
// `local` to `remote`. The transport must check that it did (RFC 5927): `quoted` must match data
// that is outstanding or was sent recently, and for kTooBig the packet must have been longer than
// the reported MTU of the hop. Any other error is ignored.
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
  std::uint16_t mtu = 0;      // to use from now on: at least kMinPathMtuV4, or 1280
  Bytes quoted;               // at least 8 bytes: the start of the transport's header
  std::uint8_t code = 0;      // the code in the message
  std::uint16_t hop_mtu = 0;  // the hop's MTU: the reported one, or the next lower plateau
};

// The services of the IP layers for a transport, for both families.
class Layer {
 public:
  // Returns nothing if there is no route, no source address, or `local` (unless "any") is not ours.
  virtual std::optional<Path> path(const IpAddress& remote, const IpAddress& local) = 0;
  // An empty packet with kHeadroom bytes of headroom and room for the link's MTU; false if there
  // is none.
  virtual PacketBuf allocate() = 0;
  // Reserves up to `count` packets of Path::link for software segmentation and returns the number
  // reserved. They are kept for the send() that follows.
  virtual std::size_t reserve(std::uint8_t link, std::size_t count) { return (void)link, count; }
  // Prepends the IP header and sends. Always takes the packet; drops and counts it if it cannot be
  // sent. The packet's Offload::checksum_start is relative to its first byte. A packet longer than
  // the path MTU is fragmented with `fragment` and dropped without. IPv4: DF is set unless the path
  // MTU is very small or the marks allow fragments.
  virtual void send(PacketBuf packet, const IpAddress& local, const IpAddress& remote,
                    std::uint8_t protocol, Marks marks, bool fragment, Instant now) = 0;
  // The same, along the path that path() returned for `remote`: the route is not looked up again.
  // Nothing else may happen in the IP layer between the two calls.
  virtual void send_along(const Path& path, PacketBuf packet, const IpAddress& remote,
                          std::uint8_t protocol, Marks marks, bool fragment, Instant now) {
    send(std::move(packet), path.source, remote, protocol, marks, fragment, now);
  }
  // Called when a transport accepts a kTooBig, or after its own probing: lowers the path's MTU to
  // `mtu` for a limited time (RFC 1191, 8201).
  virtual void lower_path_mtu(const IpAddress& remote, std::size_t mtu, Instant now) = 0;
  // The transport receives data from the remote (RFC 4861 section 7.3.1): the neighbour on the
  // route to it is reachable.
  virtual void confirm_reachable(const IpAddress& remote, Instant now) = 0;
  // The transport has received nothing for long (RFC 1122 section 2.3.2.1 (4)): the next hop must
  // be confirmed again.
  virtual void doubt_reachable(const IpAddress& remote, Instant now) { (void)remote, (void)now; }

  // As path(), if it leaves through that interface, from an address of that interface if `local` is
  // "any"; nothing otherwise.
  virtual std::optional<Path> path_on(std::uint8_t link, const IpAddress& remote,
                                      const IpAddress& local) {
    return (void)link, path(remote, local);
  }

  // Adds one listener of a group on the interface `link`; kNoLink: on that of the address `local`,
  // or on the first interface if that is "any". Returns the interface, or kNoLink if there is none
  // or the table of groups is full.
  virtual std::uint8_t join_group(const IpAddress& group, std::uint8_t link, const IpAddress& local,
                                  Instant now) {
    return (void)group, (void)link, (void)local, (void)now, kNoLink;
  }
  // Removes one listener from the interface that join_group() returned.
  virtual void leave_group(const IpAddress& group, std::uint8_t link, Instant now) {
    (void)group, (void)link, (void)now;
  }
  // Bytes that fit after the IP header in a packet of the first interface's MTU, for all families.
  virtual std::size_t max_payload() const { return 1480; }

  // True while the transmit queue of Path::link's device is full. Stop sending and resume at the
  // next end_of_batch(), which follows when there is room; packets sent before then may be dropped.
  bool full(std::uint8_t link) const { return (full_links_ >> link & 1) != 0; }
  // True while that is so for any device.
  bool any_full() const { return full_links_ != 0; }

 protected:
  ~Layer() = default;
  void set_full(std::uint8_t link, bool full) {
    full_links_ = full ? full_links_ | 1U << link : full_links_ & ~(1U << link);
  }

 private:
  std::uint32_t full_links_ = 0;
};

// A transport protocol as the IP layers see it.
class Transport {
 public:
  // False if no socket accepts the packet. The caller then keeps it and may answer with an ICMP
  // error.
  virtual bool receive(Packet& packet, Instant now) = 0;
  virtual void icmp_error(const IcmpError& error, Instant now) = 0;
  // Called after all packets of a device's batch have been received, and when a full device has
  // room again. Work that is done once per batch belongs here.
  virtual void end_of_batch(Instant) {}
  // tick() is called at the deadline or soon after it.
  virtual Instant next_deadline() const { return Instant::never(); }
  virtual void tick(Instant) {}
  // After a restore from a snapshot: replaces all secrets by ones derived from the new secret.
  virtual void renew(const SipKey& secret) { (void)secret; }
  virtual std::span<const Counter> counters() const { return {}; }

 protected:
  ~Transport() = default;
};

}  // namespace fata::ip
