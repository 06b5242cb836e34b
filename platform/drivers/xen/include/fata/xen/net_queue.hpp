// One queue of a paravirtual NIC (xen/io/netif.h) as an engine: two rings, the buffers in them and
// their grants. It uses no xenstore, no event channels and no loop, and trusts nothing from the
// backend.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "fata/base/counter.hpp"
#include "fata/base/pool.hpp"
#include "fata/bus/xen/grants.hpp"
#include "fata/sig/net_device.hpp"
#include "fata/xen/ring.hpp"

namespace fata::xen {

using namespace bus::xen;

// xen/io/netif.h
struct NetTxRequest {
  std::uint32_t grant;
  std::uint16_t offset, flags, id, size;
};
struct NetTxResponse {
  std::uint16_t id;
  std::int16_t status;
};
struct NetRxRequest {
  std::uint16_t id, pad;
  std::uint32_t grant;
};
struct NetRxResponse {
  std::uint16_t id, offset, flags;
  std::int16_t status;
};
struct NetExtra {
  std::uint8_t type, flags;
  std::uint16_t gso_size;
  std::uint8_t gso_type, gso_pad;
  std::uint16_t gso_features;
};

class NetQueue {
 public:
  enum Count : std::size_t {
    kReceived,
    kSent,
    kTooLong,
    kBadLength,
    kNoBuffer,
    kQuarantined,
    kCounts
  };
  // Pieces of a packet that every backend supports (XEN_NETIF_NR_SLOTS_MIN).
  static constexpr std::size_t kMaxSlots = 18;

  struct Sizes {
    std::uint16_t receive = 256;    // buffers in the ring, at most its size
    std::uint16_t spare = 64;       // receive buffers beyond them, for slices in use
    std::uint16_t send = 256 + 64;  // buffers of kSendBuffer
    // For copies of packets with a piece in foreign memory, or with too many pieces.
    std::uint16_t pages = 12 * 18;
  };
  static constexpr std::size_t kPageSize = 4096;
  static constexpr std::size_t kSendBuffer = 2048;

  // All arguments must outlive this object. `frame_of` returns the number of the page that contains
  // `memory`.
  using FrameOf = std::uint64_t (*)(const volatile void*);
  NetQueue(GrantTable& grants, FrameOf frame_of, const Sizes& sizes);
  ~NetQueue();
  NetQueue(const NetQueue&) = delete;
  NetQueue& operator=(const NetQueue&) = delete;

  // Grants the rings to the backend and fills the receive ring. False if the grant table is full,
  // or backends still keep memory of kMaxKept earlier connections.
  bool connect(Domain backend);
  GrantRef tx_ring() const { return tx_ring_; }
  GrantRef rx_ring() const { return rx_ring_; }
  // Ends all grants; unsent packets are lost. Memory that the backend still uses is quarantined
  // until a later connect() can end its grants. `forget` means that the grants are already gone,
  // including those of earlier connections, because the domain has another table after a restore.
  // In that case, call disconnect() even if the queue is not connected.
  void disconnect(bool forget);
  bool connected() const { return connected_; }
  // The backend broke the protocol. Only disconnect() may follow: no further packet is sent or
  // received.
  bool broken() const { return broken_ || tx_->broken() || rx_->broken(); }

  // Like sig::NetDevice.
  PacketBuf allocate(std::size_t headroom);
  // True if a packet of any shape could be sent now.
  bool has_room() const {
    return connected_ && !broken() && tx_->room() > kMaxSlots + 1 && tx_free_count_ > kMaxSlots &&
           page_pool_.available() >= kMaxSlots;
  }
  std::size_t send(std::span<PacketBuf> out);
  std::size_t receive(std::span<sig::RxFrame> in);
  bool low_on_buffers() const { return rx_pool_.available() < kReserve; }
  std::size_t receive_memory() const { return rx_pool_.count() * kPageSize; }

  // Recycles sent packets.
  void reap();
  // Puts free buffers into the receive ring.
  void refill();
  // Makes requests in both rings visible; true if the backend must be notified.
  bool publish();
  bool has_received() { return rx_->pending(); }
  bool has_sent() { return tx_->pending(); }
  // True if the backend no longer has a packet of ours.
  bool all_sent() const { return tx_->room() == TxRing::kSize; }
  // Requests a notification; false if a response is already there.
  bool ask_received() { return rx_->ask(); }
  bool ask_sent() { return tx_->ask(); }

  std::span<const Counter> counters() const { return counters_; }

 private:
  using TxRing = FrontRing<NetTxRequest, NetTxResponse>;
  using RxRing = FrontRing<NetRxRequest, NetRxResponse>;
  static constexpr std::size_t kReserve = 16;

  // A piece in flight, by the ID of its request.
  struct TxSlot {
    PacketBuf packet;         // with the first piece
    std::uint16_t owner = 0;  // the slot of the first piece
    std::uint16_t left = 0;   // in the first piece: pieces still in flight
    std::uint16_t next = 0;   // free list
    GrantRef grant = 0;
    bool used = false;
  };
  struct RxSlot {
    PacketBuf buffer;
    GrantRef grant = 0;
  };
  struct Piece {
    const std::byte* memory;
    std::uint16_t size;
  };
  struct Pieces {
    std::array<Piece, kMaxSlots> list;
    std::size_t count = 0;
    bool add(Bytes bytes);  // split at page boundaries; false if there are too many
  };

  struct FreePage {
    void operator()(std::byte* page) const {
      ::operator delete[](page, std::align_val_t{kPageSize});
    }
  };
  using Page = std::unique_ptr<std::byte[], FreePage>;
  // Memory that the backend of one connection still used when it was disconnected: most backends
  // unmap the rings only after they have seen that the frontend is closed. All of it is kept until
  // all of its grants have ended.
  struct Kept {
    std::vector<GrantRef> grants;
    std::vector<PacketBuf> packets;
    std::vector<Page> rings;
  };
  static constexpr std::size_t kMaxKept = 8;

  // True if the whole packet is in pages that hold only buffers of this NIC.
  bool is_own(const PacketBuf& packet) const;
  static Pieces cut(const PacketBuf& packet, bool& fits);
  bool gather(PacketBuf& packet);
  bool send_one(PacketBuf& packet);
  void finish_piece(std::uint16_t id);
  void take_back();
  void* new_ring(std::size_t index);
  void take_response(const NetRxResponse& response, RxSlot& slot);
  void take_extra(const NetExtra& extra);

  GrantTable* grants_;
  FrameOf frame_of_;
  Domain backend_ = 0;
  bool connected_ = false;
  bool broken_ = false;
  std::uint16_t receive_target_;

  BufferPool rx_pool_;
  BufferPool tx_pool_;
  BufferPool page_pool_;
  std::array<Page, 2> ring_pages_;
  std::optional<TxRing> tx_;
  std::optional<RxRing> rx_;
  GrantRef tx_ring_ = 0, rx_ring_ = 0;
  std::vector<TxSlot> tx_slots_;
  std::vector<RxSlot> rx_slots_;
  std::uint16_t tx_free_ = 0;
  std::size_t tx_free_count_ = 0;

  // The frame in progress, from several responses.
  sig::RxFrame frame_;
  bool in_frame_ = false;  // its first response has arrived
  bool frame_good_ = true;
  bool want_extra_ = false;  // the next slot of the ring holds a NetExtra
  bool more_data_ = false;
  std::vector<Kept> kept_;
  std::array<Counter, kCounts> counters_;
};

}  // namespace fata::xen
