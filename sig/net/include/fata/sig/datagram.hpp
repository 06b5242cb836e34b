// The datagrams of a UdpSocket, for engines as well as sockets: no coroutines here.
#pragma once

#include "fata/base/address.hpp"
#include "fata/base/packet.hpp"

namespace fata::sig {

struct RxDatagram {
  Endpoint source;
  IpAddress destination;  // the local address it was sent to; "any" if unknown
  Slice payload;
};

struct TxDatagram {
  Endpoint destination;
  IpAddress source;  // the local address to send from; "any": the model chooses
  PacketBuf payload;
};

}  // namespace fata::sig
