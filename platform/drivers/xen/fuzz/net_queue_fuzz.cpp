// Simulates a hostile backend. Between any two calls, it writes arbitrary data into the rings and
// into every page granted to it, keeps grants in use, and sends unrequested or duplicate responses,
// or none. Whatever it does, the queue must return no memory that the backend can still write.
// After a disconnect, it must work with a correct backend and have all its memory back.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "fata/sim/bus/net_backend.hpp"
#include "fata/xen/net_queue.hpp"

using namespace fata;
using namespace fata::xen;

namespace {

constexpr Domain kBackend = 5;
constexpr NetQueue::Sizes kSizes{.receive = 16, .spare = 8, .send = 48, .pages = 18};

class Game {
 public:
  explicit Game(Bytes input) : in_(input) {}

  void play() {
    connect();
    while (in_.ok() && !in_.at_end()) {
      step();
      if (std::exchange(granted_, false)) check_grants();
    }
    kept_.clear();
    queue_.disconnect(false);
    host_.release_all();
    end_well();
  }

 private:
  struct KeptFrame {
    sig::RxFrame frame;
    std::vector<std::byte> bytes;
  };

  void connect() {
    if (!queue_.connect(kBackend)) return;  // backends keep too much
    queue_.publish();
    granted_ = true;
  }

  void step() {
    switch (in_.u8() % 16) {
      case 0:
        send();
        break;
      case 1:
        if (queue_.connected()) queue_.refill();
        queue_.publish();
        granted_ = true;
        break;
      case 2:
        receive();
        break;
      case 3:
        if (queue_.connected()) queue_.reap();
        break;
      case 4:
        if (queue_.connected()) queue_.ask_received(), queue_.ask_sent();
        break;
      case 5:
        drop_kept();
        break;
      case 6:
        scribble(queue_.tx_ring());
        break;
      case 7:
        scribble(queue_.rx_ring());
        break;
      case 8:
        respond<netif_rx_sring, netif_rx_request_t>(queue_.rx_ring());
        break;
      case 9:
        respond<netif_tx_sring, netif_tx_request_t>(queue_.tx_ring());
        break;
      case 10:
        host_.hold(ref(), kBackend, (in_.u8() & 1) != 0);
        break;
      case 11:
        host_.release(ref());
        break;
      case 12:
        scribble(ref());
        break;
      case 13:
        queue_.disconnect(false);
        connect();
        break;
      case 14:
        put_index(queue_.rx_ring(), in_.u8() % 4, in_.u32());
        break;
      case 15:
        put_index(queue_.tx_ring(), in_.u8() % 4, in_.u32());
        break;
    }
  }

  GrantRef ref() { return in_.u16() % GrantTable::kPerFrame; }

  void send() {
    PacketBuf packet = queue_.connected() ? queue_.allocate(in_.u8()) : PacketBuf{};
    if (!packet) return;
    packet.append(std::min<std::size_t>(in_.u16() % 2048, packet.tailroom()));
    for (std::size_t i = in_.u8() % 24; i > 4; --i) {
      PacketBuf piece = pieces_.allocate(in_.u8());
      if (!piece || packet.chain().full()) break;
      piece.append(in_.u16() % 8192);
      packet.chain().push(Slice(std::move(piece)));
    }
    if ((in_.u8() & 1) != 0) packet.offload().gso = Offload::Gso::kTcpV4;
    queue_.send({&packet, 1});
  }

  void receive() {
    std::array<sig::RxFrame, 4> in;
    const bool was_broken = queue_.broken();
    const std::size_t count = queue_.connected() ? queue_.receive(in) : 0;
    granted_ = true;
    check(count == 0 || !was_broken, "a frame from a broken queue");
    for (std::size_t i = 0; i < count; ++i) {
      check(in[i].total_size() != 0 &&
                in[i].total_size() <= (1 + BufferChain::kMax) * NetQueue::kPageSize,
            "a frame's size");
      KeptFrame kept{std::move(in[i]), {}};
      kept.bytes = bytes_of(kept.frame);
      kept_.push_back(std::move(kept));
    }
    while (kept_.size() > 6) drop_kept();
  }
  static std::vector<std::byte> bytes_of(const sig::RxFrame& frame) {
    std::vector<std::byte> all(frame.frame.bytes().begin(), frame.frame.bytes().end());
    for (const Slice& piece : frame.more.pieces())
      all.insert(all.end(), piece.bytes().begin(), piece.bytes().end());
    return all;
  }
  void drop_kept() {
    if (kept_.empty()) return;
    check(bytes_of(kept_.front().frame) == kept_.front().bytes,
          "a frame changed after it was received");
    kept_.pop_front();
  }

  // Actions of the backend, which use only pages that are granted to it at that moment.
  void scribble(GrantRef where) {
    std::byte* const page = host_.page(where, kBackend, true);
    const std::size_t at = in_.u16() % sim::XenHost::kPage;
    const Bytes bytes = in_.take(std::min<std::size_t>(in_.u8() % 17, in_.remaining()));
    if (page != nullptr) copy_bytes(danger_span(page, sim::XenHost::kPage).subspan(at), bytes);
  }
  void put_index(GrantRef ring, std::size_t which, std::uint32_t value) {
    std::byte* const page = host_.page(ring, kBackend, true);
    if (page != nullptr) std::memcpy(page + 4 * which, &value, 4);
  }
  // Answers the next request in order, with correct fields except for what the input changes.
  template <class Ring, class Request>
  void respond(GrantRef ring_ref) {
    auto* const ring = reinterpret_cast<Ring*>(host_.page(ring_ref, kBackend, true));
    const std::uint8_t how = in_.u8();
    if (ring == nullptr) return;
    const std::uint32_t at = ring->rsp_prod % 256;
    std::uint16_t id = ring->ring[at].req.id;
    if ((how & 1) != 0) id ^= in_.u16();
    if constexpr (std::is_same_v<Request, netif_rx_request_t>) {
      netif_rx_response_t response{id, 0, static_cast<std::uint16_t>((how >> 4) & 0xf), 60};
      if ((how & 2) != 0)
        response.offset = in_.u16() % 5000, response.status = static_cast<std::int16_t>(in_.u16());
      ring->ring[at].rsp = response;
    } else {
      ring->ring[at].rsp = {
          id, static_cast<std::int16_t>((how & 2) != 0 ? NETIF_RSP_NULL : NETIF_RSP_OKAY)};
    }
    if ((how & 4) == 0) ++ring->rsp_prod;
  }

  // No page that the backend may write has two grants, or is part of a returned frame.
  void check_grants() {
    if (host_.table_frames() == 0) return;
    std::vector<std::uint32_t> writable;
    for (GrantRef ref = 0; ref < host_.table_frames() * GrantTable::kPerFrame; ++ref) {
      const grant_entry_v1_t& entry = host_.entry(ref);
      if ((entry.flags & GTF_permit_access) != 0 && (entry.flags & GTF_readonly) == 0)
        writable.push_back(entry.frame);
    }
    std::ranges::sort(writable);
    check(std::ranges::adjacent_find(writable) == writable.end(), "a page was granted twice");
    const auto granted = [&](const Slice& slice) {
      return !slice.empty() &&
             std::ranges::binary_search(writable, sim::XenHost::frame_of(slice.bytes().data()));
    };
    for (const KeptFrame& kept : kept_) {
      check(!granted(kept.frame.frame), "the backend can write a received frame");
      for (const Slice& piece : kept.frame.more.pieces())
        check(!granted(piece), "the backend can write a received piece");
    }
    check(writable.size() <= kSizes.receive + kSizes.spare + 2 * 9, "grants without bound");
  }

  void end_well() {
    check(queue_.connect(kBackend) && !queue_.broken(), "no connection with a good backend");
    queue_.publish();
    {
      sim::NetBackend good(host_, kBackend, queue_.tx_ring(), queue_.rx_ring());
      check(good.buffers() == kSizes.receive, "receive buffers were lost");
      std::mt19937 random(1);
      sim::NetBackend::Packet frame;
      frame.bytes.assign(1000, std::byte{9});
      bool notify = false;
      check(good.give(frame, random, notify), "no room for a frame");
      std::array<sig::RxFrame, 2> in;
      check(queue_.receive(in) == 1 && bytes_of(in[0]) == frame.bytes,
            "the frame of a good backend");
      for (std::size_t i = 0; i < kSizes.send; ++i) {
        PacketBuf packet = queue_.allocate(0);
        check(static_cast<bool>(packet), "send buffers were lost");
        std::ranges::fill(packet.append(100), std::byte{5});
        check(queue_.send({&packet, 1}) == 1, "a packet to a good backend");
        queue_.publish();
        const auto taken = good.take();
        check(taken && taken->bytes == std::vector<std::byte>(100, std::byte{5}),
              "the packet at a good backend");
        if (i % 3 == 0) good.answer_one(random);
      }
    }
    queue_.disconnect(false);
    check(grants_.in_use() == 0 && pieces_.available() == pieces_.count(),
          "not everything came back");
  }

  ByteReader in_;
  sim::XenHost host_{1};
  GrantTable grants_{sim::XenHost::grow};
  BufferPool pieces_{20, 8192 + 256};
  NetQueue queue_{grants_, sim::XenHost::frame_of, kSizes};
  std::deque<KeptFrame> kept_;
  bool granted_ = false;  // pages were granted since the last check
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Game(std::as_bytes(std::span(data, size))).play();
  return 0;
}
