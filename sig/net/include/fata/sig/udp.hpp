// UDP. Datagrams are transferred in batches both ways: one wake-up and one system call (or ring
// notification) for many.
#pragma once

#include <memory>
#include <span>

#include "fata/base/address.hpp"
#include "fata/sig/awaits.hpp"
#include "fata/sig/datagram.hpp"

namespace fata::sig {

template <class S>
concept UdpSocket = requires(S& socket, std::span<RxDatagram> in, std::span<TxDatagram> out,
                             async::Wait wait, const IpAddress& group, InterfaceIndex interface) {
  { socket.local() } -> std::same_as<Endpoint>;
  // Largest payload that is sent without fragmentation.
  { socket.max_payload() } -> std::same_as<std::size_t>;
  // From now on, datagrams use the link's MTU (IPv4 without DF) and ignore path MTU reports
  // from ICMP. For a server that answers any client with datagrams that nearly every path
  // carries.
  { socket.ignore_path() } -> std::same_as<void>;
  // Receives the group's datagrams that arrive on the interface; kAnyInterface: that of the
  // socket's address, else the model chooses. Joining twice has no effect. An error if there is
  // no such interface or a table is full. Destroying the socket leaves its groups.
  { socket.join(group, interface) } -> std::same_as<Result<void>>;
  // With the same arguments as join().
  { socket.leave(group, interface) } -> std::same_as<void>;
  // Fills `in` from the front and returns the count; waits for at least one. At most one
  // receive at a time.
  { socket.receive(in, wait) } -> Awaits<Result<std::size_t>>;
  // An empty packet with headroom for all lower headers and tailroom for max_payload(); false
  // if exhausted.
  { socket.allocate() } -> std::same_as<PacketBuf>;
  // Sends all packets (or drops and counts some, as UDP may) and leaves them empty. Waits while
  // the device's transmit queue is full.
  { socket.send(out, wait) } -> Awaits<Result<void>>;
};

template <class U>
concept Udp = requires(U& udp, Endpoint local, const UdpOptions& options) {
  typename U::Socket;
  requires UdpSocket<typename U::Socket>;
  // Port 0 chooses a free port; address "any" receives on all addresses. Destroying the socket
  // releases the port.
  { udp.bind(local) } -> std::same_as<Result<std::unique_ptr<typename U::Socket>>>;
  { udp.bind(local, options) } -> std::same_as<Result<std::unique_ptr<typename U::Socket>>>;
};

namespace archetype {
struct UdpSocket {
  Endpoint local() { return {}; }
  std::size_t max_payload() { return 1472; }
  void ignore_path() {}
  Result<void> join(const IpAddress&, InterfaceIndex) { return {}; }
  void leave(const IpAddress&, InterfaceIndex) {}
  Ready<Result<std::size_t>> receive(std::span<RxDatagram>, async::Wait) { return {}; }
  PacketBuf allocate() { return {}; }
  Ready<Result<void>> send(std::span<TxDatagram>, async::Wait) { return {}; }
};
struct Udp {
  using Socket = UdpSocket;
  Result<std::unique_ptr<Socket>> bind(Endpoint, const UdpOptions& = {}) {
    return fail(Error(async::Errc::kClosed));
  }
};
}  // namespace archetype

}  // namespace fata::sig
