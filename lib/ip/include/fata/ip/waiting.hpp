// Packets waiting for the hardware addresses of their next hops (RFC 1122 section 2.3.2.2, RFC 4861
// section 7.2.2): a FIFO queue for each neighbour of an interface, in one bounded store.
#pragma once

#include <array>
#include <limits>

#include "fata/base/packet.hpp"

namespace fata::ip {

class WaitingPackets {
 public:
  // Bounds for one neighbour. Two IP packets of the largest size fit. Above a bound, that
  // neighbour's oldest packet is dropped.
  static constexpr std::size_t kPacketsEach = 32;
  static constexpr std::size_t kBytesEach = std::size_t{128} << 10;
  // Bounds for all neighbours of an interface. Above a bound, the oldest packet of all is dropped.
  static constexpr std::size_t kPackets = 64;
  static constexpr std::size_t kBytes = std::size_t{256} << 10;

  // The packets of one neighbour. Must not move while it is not empty.
  class Queue {
   public:
    bool empty() const { return packets_ == 0; }
    std::size_t size() const { return packets_; }

   private:
    friend class WaitingPackets;
    std::uint32_t bytes_ = 0;
    std::uint8_t first_ = kNone, last_ = kNone;
    std::uint8_t packets_ = 0;
  };

  WaitingPackets();

  // Appends the packet, of at most kBytesEach bytes, to that queue.
  void push(Queue& queue, PacketBuf packet);
  // The oldest packet; false if there is none.
  PacketBuf pop(Queue& queue);
  // Drops and counts all packets of a queue.
  void drop(Queue& queue);

  // Packets dropped at a bound or by drop().
  std::uint64_t dropped() const { return dropped_; }

 private:
  static constexpr std::uint8_t kNone = std::numeric_limits<std::uint8_t>::max();
  struct Place {
    PacketBuf packet;
    Queue* queue = nullptr;  // null: free
    std::uint64_t order = 0;
    std::uint8_t next = kNone;  // in its queue, or in the free list
  };

  void drop_oldest(Queue& queue);
  Queue& oldest();

  std::array<Place, kPackets> places_;
  std::size_t packets_ = 0;
  std::size_t bytes_ = 0;
  std::uint8_t free_ = 0;
  std::uint64_t order_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace fata::ip
