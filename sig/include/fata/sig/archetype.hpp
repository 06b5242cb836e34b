// Archetypes: the minimal model of each concept. A test instantiates each driver template with
// them, which proves that the driver uses nothing beyond the concept. They do nothing; they are not
// fakes.
#pragma once

#include "fata/sig/block.hpp"
#include "fata/sig/clock.hpp"
#include "fata/sig/console.hpp"
#include "fata/sig/event_channels.hpp"
#include "fata/sig/flow.hpp"
#include "fata/sig/grant_table.hpp"
#include "fata/sig/ip.hpp"
#include "fata/sig/job.hpp"
#include "fata/sig/key_value.hpp"
#include "fata/sig/names.hpp"
#include "fata/sig/net_device.hpp"
#include "fata/sig/resolver.hpp"
#include "fata/sig/udp.hpp"
#include "fata/sig/xenstore.hpp"

namespace fata::sig::archetype {

// An awaitable that is ready with a T and has no other members (in particular, not a Task).
template <class T>
struct Ready {
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  T await_resume() const { return fail_or_default(); }

 private:
  static T fail_or_default() {
    if constexpr (requires(T t) { t.error(); } && !std::is_same_v<T, WriteOutcome>) {
      return fail(Error(async::Errc::kClosed));
    } else {
      return T{};
    }
  }
};

struct Clock {
  Instant now() { return {}; }
  WallTime wall() { return {}; }
};
struct Random {
  void fill(MutableBytes) {}
};
struct Console {
  void write(std::string_view) {}
};
struct Job {
  Ready<int> start() { return {}; }
};
struct NetDevice {
  MacAddress mac() { return {}; }
  std::size_t mtu() { return 1500; }
  NetFeatures features() { return {}; }
  Ready<Result<std::size_t>> receive(std::span<RxFrame>, async::Wait) { return {}; }
  PacketBuf allocate(std::size_t) { return {}; }
  std::size_t send(std::span<PacketBuf>) { return 0; }
  Ready<Result<void>> writable(async::Wait) { return {}; }
  bool low_on_buffers() { return false; }
};
struct UdpSocket {
  Endpoint local() { return {}; }
  std::size_t max_payload() { return 1472; }
  void ignore_path() {}
  Ready<Result<std::size_t>> receive(std::span<RxDatagram>, async::Wait) { return {}; }
  PacketBuf allocate() { return {}; }
  Ready<Result<void>> send(std::span<TxDatagram>, async::Wait) { return {}; }
};
struct Udp {
  using Socket = UdpSocket;
  Result<std::unique_ptr<Socket>> bind(Endpoint) { return fail(Error(async::Errc::kClosed)); }
};
// An address of no known family.
struct Address {
  friend bool operator==(const Address&, const Address&) = default;
};
template <class A>
struct FlowBetween {
  using Address = A;
  Ready<Result<Slice>> read(async::Wait) { return {}; }
  Ready<WriteOutcome> write(std::span<Slice>, async::Wait) { return {}; }
  Ready<Result<void>> shutdown(async::Wait) { return {}; }
  void abort() {}
  PacketBuf allocate(std::size_t, std::size_t) { return {}; }
  A local() const { return {}; }
  A peer() const { return {}; }
  Session session() const { return {}; }
};
template <class A>
struct ListenerAt {
  using Flow = FlowBetween<A>;
  A local() { return {}; }
  Ready<Result<std::unique_ptr<Flow>>> accept(async::Wait) { return {}; }
};
template <class A>
struct TransportBetween {
  using Address = A;
  using Flow = FlowBetween<A>;
  using Listener = ListenerAt<A>;
  Result<std::unique_ptr<Listener>> listen(A, std::size_t) {
    return fail(Error(async::Errc::kClosed));
  }
  Ready<Result<std::unique_ptr<Flow>>> connect(Target<A>, async::Wait) { return {}; }
};
using Flow = FlowBetween<Address>;
using Listener = ListenerAt<Address>;
using StreamTransport = TransportBetween<Address>;
using Tcp = TransportBetween<Endpoint>;
struct KeyValueReader {
  Ready<Result<Slice>> get(std::string_view, async::Wait) { return {}; }
  Ready<Result<std::vector<KeyEntry>>> list(std::string_view, async::Wait) { return {}; }
};
struct BlockDevice {
  BlockGeometry geometry() { return {}; }
  Ready<Result<void>> read(std::uint64_t, MutableBytes, async::Wait) { return {}; }
  Ready<Result<void>> write(std::uint64_t, Bytes, async::Wait) { return {}; }
  Ready<Result<void>> flush(async::Wait) { return {}; }
  Ready<Result<void>> discard(std::uint64_t, std::uint64_t, async::Wait) { return {}; }
};
struct Ipv4 {
  std::optional<Ipv4Address> source_for(Ipv4Address) { return std::nullopt; }
  std::size_t max_payload() { return 1480; }
  PacketBuf allocate() { return {}; }
  void send(Ipv4Address, Ipv4Address, std::uint8_t, PacketBuf) {}
};
struct Names {
  std::size_t name_servers(std::span<IpAddress>) const { return 0; }
  void write_domain(TextWriter&) const {}
};
struct Resolver {
  Ready<Result<std::vector<IpAddress>>> resolve(std::string_view, async::Wait) { return {}; }
};
class GrantOffer {
 public:
  GrantOffer() = default;
  GrantOffer(GrantOffer&&) = default;
  GrantOffer& operator=(GrantOffer&&) = default;
  MutableBytes memory() { return {}; }
  std::span<const GrantReference> references() { return {}; }
  bool take_back() { return true; }
};
class GrantMapping {
 public:
  GrantMapping() = default;
  GrantMapping(GrantMapping&&) = default;
  GrantMapping& operator=(GrantMapping&&) = default;
  MutableBytes memory() { return {}; }
};
struct GrantTable {
  using Offer = GrantOffer;
  using Mapping = GrantMapping;
  Result<Offer> offer(DomainId, std::size_t, GrantAccess) { return fail(Error(DomainErrc::kGone)); }
  Result<Mapping> map(DomainId, std::span<const GrantReference>, GrantAccess) {
    return fail(Error(DomainErrc::kGone));
  }
};
struct EventChannel {
  EventPort port() { return 0; }
  void notify() {}
  Ready<Result<void>> wait(async::Wait) { return {}; }
  bool connected() { return false; }
};
struct EventChannels {
  using Channel = EventChannel;
  Result<std::unique_ptr<Channel>> open(DomainId) { return fail(Error(DomainErrc::kGone)); }
  Result<std::unique_ptr<Channel>> connect(DomainId, EventPort) {
    return fail(Error(DomainErrc::kGone));
  }
};
struct StoreWatch {
  Ready<Result<void>> next(async::Wait) { return {}; }
};
struct Xenstore {
  using Watch = StoreWatch;
  Ready<Result<std::string>> read(std::string, StoreTransaction, async::Wait) { return {}; }
  Ready<Result<void>> write(std::string, std::string, StoreTransaction, async::Wait) { return {}; }
  Ready<Result<std::vector<std::string>>> list(std::string, StoreTransaction, async::Wait) {
    return {};
  }
  Ready<Result<void>> remove(std::string, StoreTransaction, async::Wait) { return {}; }
  Ready<Result<void>> permit(std::string, std::vector<StorePermission>, async::Wait) { return {}; }
  Ready<Result<StoreTransaction>> begin(async::Wait) { return {}; }
  Ready<Result<void>> end(StoreTransaction, bool, async::Wait) { return {}; }
  Result<std::unique_ptr<Watch>> watch(std::string) { return fail(Error(DomainErrc::kGone)); }
};

}  // namespace fata::sig::archetype
