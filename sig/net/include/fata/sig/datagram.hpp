// The datagrams of a UdpSocket, for engines as well as sockets: no coroutines here.
#pragma once

#include "fata/base/address.hpp"
#include "fata/base/packet.hpp"

namespace fata::sig {

// A network interface: of our own stack, its number in the order of the plan, from 0; of Linux, the
// kernel's index, from 1. Interfaces of Linux above 65534 are kAnyInterface.
using InterfaceIndex = std::uint16_t;
inline constexpr InterfaceIndex kAnyInterface = 0xffff;

struct RxDatagram {
  Endpoint source;
  IpAddress destination;  // the local address or group it was sent to; "any" if unknown
  Slice payload;
  // Of a socket with UdpOptions::arrival; otherwise they may be unset. kAnyInterface: from this
  // host itself, or unknown.
  InterfaceIndex interface = kAnyInterface;
  std::uint8_t hop_limit = 0;  // or time to live, as it arrived
};

struct TxDatagram {
  Endpoint destination;
  IpAddress source;  // the local address to send from; "any": the model chooses
  PacketBuf payload;
  // The interface to send from. A unicast datagram whose route leaves elsewhere is dropped.
  InterfaceIndex interface = kAnyInterface;
};

struct UdpOptions {
  // Other sockets with this option may be bound to the same port. Each member of a group receives
  // every datagram that is sent to the group; a unicast datagram goes to one of the sockets.
  bool shared = false;
  // Each received datagram has its interface and its hop limit, and link-local addresses of hosts
  // have a zone. On our own stack, a socket without this option gets zones once it has sent to an
  // address with one.
  bool arrival = false;
  // What this socket sends to a group also goes to the members on this host. Our own stack never
  // does that: an image has no other programs.
  bool multicast_loop = false;
  std::uint8_t hop_limit = 0;            // of unicast; 0: the host's default
  std::uint8_t multicast_hop_limit = 0;  // 0: 1, the link only
};

}  // namespace fata::sig
