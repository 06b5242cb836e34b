// UDP as a pure engine: packets in, datagrams to the port they are for; datagrams in, packets to
// the IP layer out.
#pragma once

#include <array>

#include "fata/async/list.hpp"
#include "fata/base/counter.hpp"
#include "fata/base/pool.hpp"
#include "fata/net/random_source.hpp"
#include "fata/net/recent_sends.hpp"
#include "fata/net/transport.hpp"
#include "fata/net/udp_header.hpp"
#include "fata/sig/udp.hpp"

namespace fata::net {

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

namespace udp {

class Table;

// A place that datagrams come to: what a socket is for the engine. In a Table from bind() until it
// is destroyed.
class Port : public async::ListNode<Port> {
 public:
  ~Port();

  // The address is "any" where the port receives on all of both families.
  const Endpoint& local() const { return local_; }
  // "any" with port 0, unless it was connected.
  const Endpoint& remote() const { return remote_; }

  // From now on its datagrams go as the link carries them, over IPv4 without DF, and no ICMP error
  // about them is heard: for who answers anybody, whose questions prove nothing, in datagrams that
  // every path carries, in fragments if need be.
  void ignore_path() { ignores_path_ = true; }

  // Datagrams that came when there was no room for them.
  std::uint64_t dropped() const { return dropped_; }

  virtual void deliver(sig::RxDatagram&& datagram, Instant now) = 0;
  // An ICMP error about a datagram that was sent from this port to `remote` of late.
  virtual void error(SocketErrc what, const Endpoint& remote) = 0;

 protected:
  std::uint64_t dropped_ = 0;

 private:
  friend class Table;
  Endpoint local_;
  Endpoint remote_;
  Table* table_ = nullptr;
  bool ignores_path_ = false;
};

class Table final : public Transport {
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
  // Of a datagram's payload.
  static constexpr std::size_t kMostPayload = 65535 - 20 - kHeaderSize;
  // A datagram that would pin more than four times its length is copied into one of these.
  static constexpr std::size_t kSmallBuffers = 256;
  static constexpr std::size_t kSmallBufferSize = 512;

  // `secret`: of the ports that it chooses.
  explicit Table(IpLayer& ip, const SipKey& secret = {});

  // Another one for the ports that it chooses from now on.
  void renew(const SipKey& secret) { random_ = RandomSource(secret); }

  // Port 0 chooses one of 49152 to 65535 (RFC 6335) at random (RFC 6056 section 3.3.2). Whether the
  // address is ours is the caller's to check.
  Result<void> bind(Port& port, Endpoint local);
  // From now on the port hears only that remote.
  void connect(Port& port, const Endpoint& remote) { port.remote_ = remote; }
  bool empty() const { return count_ == 0; }

  // An empty packet with room for all headers.
  PacketBuf allocate();
  // Sends, or drops and counts. Takes the payload either way. To the port's remote, if the datagram
  // names none.
  void send(sig::TxDatagram&& datagram, const Port& from, Instant now);

  // Transport
  bool receive(IpPacket& packet, Instant now) override;
  void icmp_error(const IcmpError& error, Instant now) override;

  std::span<const Counter> counters() const override { return counters_; }
  std::uint64_t count(Count which) const { return counters_[which].value; }
  // Calls `see(Port)` for those of one part of the table; false behind the last part.
  template <class See>
  bool for_each_in(std::size_t part, See&& see) {
    if (part >= kBuckets) return false;
    for (const Port& port : buckets_[part]) see(port);
    return true;
  }

 private:
  friend class Port;
  static constexpr std::size_t kBuckets = 64;
  // The port that hears datagrams from `remote` to `local`.
  Port* find(const Endpoint& local, const Endpoint& remote);
  bool taken(const Endpoint& local);
  void count_up(Count which) { ++counters_[which]; }

  IpLayer* ip_;
  std::array<async::List<Port>, kBuckets> buckets_;
  Port* last_ = nullptr;  // the last one found: servers have one port that gets nearly everything
  std::size_t count_ = 0;
  RandomSource random_;
  BufferPool small_;
  RecentSends recent_;
  std::array<Counter, kCounts> counters_;
};

}  // namespace udp
}  // namespace fata::net
