// UDP as a pure engine: received packets become datagrams for ports, and datagrams to send become
// packets for the IP layer.
#pragma once

#include <array>

#include "fata/base/counter.hpp"
#include "fata/base/list.hpp"
#include "fata/base/pool.hpp"
#include "fata/base/random_source.hpp"
#include "fata/base/result.hpp"
#include "fata/ip/recent_sends.hpp"
#include "fata/ip/transport.hpp"
#include "fata/sig/datagram.hpp"
#include "fata/wire/udp.hpp"

namespace fata::udp {

enum class SocketErrc : std::uint32_t {
  kNotOurAddress = 1,
  kPortInUse,
  kNoFreePort,
  kNoRoute,
  kGroupTableFull,
  kPortUnreachable,
  kUnreachable,
  kTimeExceeded,
  kTooBig,
  kParameterProblem
};
const ErrorDomain& error_domain(SocketErrc) noexcept;

class Table;

// The engine's side of a socket: a receiver of datagrams. It is in a Table from bind() until it is
// destroyed.
class Port : public ListNode<Port> {
 public:
  ~Port();

  // The address is "any" if the port receives on all addresses of both families.
  const Endpoint& local() const { return local_; }
  // "any" with port 0 unless connected.
  const Endpoint& remote() const { return remote_; }

  // From now on, datagrams are sent at up to the link's MTU, over IPv4 without DF, and ICMP errors
  // about them are ignored. For servers that answer unverified clients with datagrams that fit
  // every path, fragmented if necessary.
  void ignore_path() { ignores_path_ = true; }

  // Datagrams dropped because the queue was full.
  std::uint64_t dropped() const { return dropped_; }

  // Before bind().
  void configure(const sig::UdpOptions& options);

  // True if the port joined the group on that interface.
  virtual bool is_member(const IpAddress& group, std::uint8_t link) const {
    return (void)group, (void)link, false;
  }
  virtual void deliver(sig::RxDatagram&& datagram, Instant now) = 0;
  // Reports an ICMP error about a datagram recently sent from this port to `remote`.
  virtual void error(SocketErrc what, const Endpoint& remote) = 0;

 protected:
  std::uint64_t dropped_ = 0;

 private:
  friend class Table;
  Endpoint local_;
  Endpoint remote_;
  Table* table_ = nullptr;
  bool ignores_path_ = false;
  bool shared_ = false;
  // Link-local sources and unicast destinations of received datagrams have their zone.
  bool reports_scopes_ = false;
  bool sets_hop_limit_ = false;
  std::uint8_t hop_limit_ = 0;
  std::uint8_t group_hop_limit_ = 0;
};

class Table final : public ip::Transport {
 public:
  enum Count : std::size_t {
    kReceived,
    kBadHeader,
    kChecksum,
    kNoListener,
    kNoSmallBuffer,
    kErrorsHeard,
    kErrorsRefused,
    kSent,
    kNoRoute,
    kTooLong,
    kCounts
  };
  // Maximum payload of a datagram.
  static constexpr std::size_t kMaxPayload = 65535 - 20 - wire::udp::kHeaderSize;
  // A datagram that would pin a buffer more than four times its length is copied into one of these.
  static constexpr std::size_t kSmallBuffers = 256;
  static constexpr std::size_t kSmallBufferSize = 512;

  // Random ports derive from the host's `secret`.
  explicit Table(ip::Layer& ip, const SipKey& secret = {});

  ip::Layer& ip() { return *ip_; }

  // Port 0 picks a random port from 49152 to 65535 (RFC 6335, RFC 6056 section 3.3.2). The caller
  // must check that the address is ours.
  Result<void> bind(Port& port, Endpoint local);
  // The port receives only from that remote from now on.
  void connect(Port& port, const Endpoint& remote) { port.remote_ = remote; }
  bool empty() const { return count_ == 0; }

  // An empty packet with room for all headers.
  PacketBuf allocate();
  // Sends the datagram, or drops and counts it. Always takes the payload. Without a destination, it
  // goes to the port's remote.
  // A port that sends to an address with a zone receives them with zones from then on.
  void send(sig::TxDatagram&& datagram, Port& from, Instant now);

  // ip::Transport
  bool receive(ip::Packet& packet, Instant now) override;
  void icmp_error(const ip::IcmpError& error, Instant now) override;
  void renew(const SipKey& secret) override;

  std::span<const Counter> counters() const override { return counters_; }
  std::uint64_t count(Count which) const { return counters_[which].value; }
  // Calls `see(Port)` for each port in one part of the table; false past the last part.
  template <class See>
  bool for_each_in(std::size_t part, See&& see) {
    if (part >= kBuckets) return false;
    for (const Port& port : buckets_[part]) see(port);
    return true;
  }

 private:
  friend class Port;
  static constexpr std::size_t kBuckets = 64;
  // The port that receives datagrams from `remote` to `local`.
  Port* find(const Endpoint& local, const Endpoint& remote);
  bool taken(const Endpoint& local, bool shared);
  // Delivers to each port that joined the group; false if none did.
  bool to_members(const sig::RxDatagram& datagram, const Endpoint& local, std::uint8_t link,
                  Instant now);
  void count_up(Count which) { ++counters_[which]; }

  ip::Layer* ip_;
  std::array<List<Port>, kBuckets> buckets_;
  // The last result of find(): on most servers, one port receives nearly all datagrams.
  Port* last_ = nullptr;
  std::size_t count_ = 0;
  RandomSource random_;
  BufferPool small_;
  ip::RecentSends recent_;
  std::array<Counter, kCounts> counters_;
};

}  // namespace fata::udp
