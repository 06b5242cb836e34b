#include "fata/xen/net_queue.hpp"

#include <algorithm>
#include <new>

#include "abi.hpp"
#include "fata/base/panic.hpp"

namespace fata::xen {
namespace {

static_assert(sizeof(NetTxRequest) == sizeof(netif_tx_request_t) &&
              sizeof(NetTxResponse) == sizeof(netif_tx_response_t));
static_assert(sizeof(NetRxRequest) == sizeof(netif_rx_request_t) &&
              sizeof(NetRxResponse) == sizeof(netif_rx_response_t));
static_assert(sizeof(NetExtra) == sizeof(netif_extra_info_t));
static_assert(NetQueue::kMaxSlots == XEN_NETIF_NR_SLOTS_MIN);

std::size_t page_rest(const std::byte* memory) {
  return NetQueue::kPageSize - reinterpret_cast<std::uintptr_t>(memory) % NetQueue::kPageSize;
}

}  // namespace

NetQueue::NetQueue(GrantTable& grants, FrameOf frame_of, const Sizes& sizes)
    : grants_(&grants),
      frame_of_(frame_of),
      receive_target_(sizes.receive),
      rx_pool_(std::size_t{sizes.receive} + sizes.spare, kPageSize),
      tx_pool_(sizes.send, kSendBuffer),
      page_pool_(sizes.pages, kPageSize),
      tx_slots_(TxRing::kSize),
      rx_slots_(RxRing::kSize),
      counters_{Counter{"received"},   Counter{"sent"},      Counter{"too_long"},
                Counter{"bad_length"}, Counter{"no_buffer"}, Counter{"quarantined"}} {
  check(receive_target_ <= RxRing::kSize, "more receive buffers than a ring holds");
  check(tx_pool_.memory().size() % kPageSize == 0, "buffers to send share a page with the heap");
  tx_.emplace(new_ring(0));
  rx_.emplace(new_ring(1));
}

NetQueue::~NetQueue() {
  if (connected_) disconnect(false);
  // Only an image that ends gets here with quarantined memory.
}

void* NetQueue::new_ring(std::size_t index) {
  ring_pages_[index].reset(new (std::align_val_t{kPageSize}) std::byte[kPageSize]);
  return ring_pages_[index].get();
}

bool NetQueue::connect(Domain backend) {
  take_back();
  if (kept_.size() == kMaxKept) return false;
  backend_ = backend;
  broken_ = false;
  tx_->restart();
  rx_->restart();
  const auto tx_ring = grants_->grant(backend, frame_of_(ring_pages_[0].get()), false);
  if (!tx_ring) return false;
  const auto rx_ring = grants_->grant(backend, frame_of_(ring_pages_[1].get()), false);
  if (!rx_ring) {
    grants_->end(*tx_ring);
    return false;
  }
  tx_ring_ = *tx_ring;
  rx_ring_ = *rx_ring;
  for (std::uint16_t i = 0; i < tx_slots_.size(); ++i) {
    tx_slots_[i] = {};
    tx_slots_[i].next = static_cast<std::uint16_t>(i + 1);
  }
  tx_free_ = 0;
  tx_free_count_ = tx_slots_.size();
  frame_ = {};
  in_frame_ = want_extra_ = more_data_ = false;
  frame_good_ = true;
  connected_ = true;
  refill();
  return true;
}

void NetQueue::disconnect(bool forget) {
  if (forget) kept_.clear();
  if (!std::exchange(connected_, false)) return;
  Kept kept;
  // A page whose grant cannot be ended belongs to the backend for now.
  const auto ends = [&](GrantRef ref) {
    if (forget || grants_->end(ref)) return true;
    ++counters_[kQuarantined];
    kept.grants.push_back(ref);
    return false;
  };
  for (RxSlot& slot : rx_slots_) {
    if (slot.buffer && !ends(slot.grant)) kept.packets.push_back(std::move(slot.buffer));
    slot.buffer.reset();
  }
  // End the grants of all pieces first, then release the packets, because several pieces share a
  // packet's memory.
  for (TxSlot& slot : tx_slots_) {
    if (!std::exchange(slot.used, false) || ends(slot.grant)) continue;
    if (PacketBuf& packet = tx_slots_[slot.owner].packet) kept.packets.push_back(std::move(packet));
  }
  for (TxSlot& slot : tx_slots_) slot.packet.reset();
  if (!ends(tx_ring_)) {
    kept.rings.push_back(std::move(ring_pages_[0]));
    tx_.emplace(new_ring(0));
  }
  if (!ends(rx_ring_)) {
    kept.rings.push_back(std::move(ring_pages_[1]));
    rx_.emplace(new_ring(1));
  }
  if (!kept.grants.empty()) kept_.push_back(std::move(kept));
  frame_ = {};
}

void NetQueue::take_back() {
  std::erase_if(kept_, [&](Kept& kept) {
    std::erase_if(kept.grants, [&](GrantRef ref) { return grants_->end(ref); });
    return kept.grants.empty();
  });
}

PacketBuf NetQueue::allocate(std::size_t headroom) {
  PacketBuf packet = tx_pool_.allocate(headroom);
  if (packet) return packet;
  reap();
  packet = tx_pool_.allocate(headroom);
  if (!packet) ++counters_[kNoBuffer];
  return packet;
}

bool NetQueue::Pieces::add(Bytes bytes) {
  while (!bytes.empty()) {
    if (count == list.size()) return false;
    const std::size_t size = std::min(bytes.size(), page_rest(bytes.data()));
    list[count++] = {bytes.data(), static_cast<std::uint16_t>(size)};
    bytes = bytes.subspan(size);
  }
  return true;
}

NetQueue::Pieces NetQueue::cut(const PacketBuf& packet, bool& fits) {
  Pieces pieces;
  fits = pieces.add(packet.bytes());
  for (const Slice& piece : packet.chain().pieces()) fits = fits && pieces.add(piece.bytes());
  return pieces;
}

// A grant covers a whole page, so in a heap page, the backend could read neighbouring data.
bool NetQueue::is_own(const PacketBuf& packet) const {
  const auto ours = [this](const BufferHome* home) {
    return home == &tx_pool_ || home == &page_pool_ || home == &rx_pool_;
  };
  return ours(packet.buffer()->home) &&
         std::ranges::all_of(packet.chain().pieces(),
                             [&](const Slice& piece) { return ours(piece.home()); });
}

// Copies a packet with too many pieces, or with foreign memory, into whole pages.
bool NetQueue::gather(PacketBuf& packet) {
  PacketBuf whole = page_pool_.allocate();
  if (!whole) return false;
  whole.offload() = packet.offload();
  PacketBuf page;
  bool failed = false;
  const auto copy = [&](Bytes bytes) {
    while (!bytes.empty() && !failed) {
      PacketBuf* to = page ? &page : &whole;
      if (to->tailroom() == 0) {
        if (page) whole.chain().push(Slice(std::move(page)));
        page = page_pool_.allocate();
        failed = !page;
        continue;
      }
      const std::size_t count = std::min(bytes.size(), to->tailroom());
      copy_bytes(to->append(count), bytes.first(count));
      bytes = bytes.subspan(count);
    }
  };
  copy(packet.bytes());
  for (const Slice& piece : packet.chain().pieces()) copy(piece.bytes());
  if (failed) return false;
  if (page) whole.chain().push(Slice(std::move(page)));
  packet = std::move(whole);
  return true;
}

bool NetQueue::send_one(PacketBuf& packet) {
  const std::size_t total = packet.total_size();
  if (total == 0 || total > 0xffff) {  // the stack makes no such packet
    ++counters_[kTooLong];
    packet.reset();
    return true;
  }
  bool fits = is_own(packet);
  Pieces pieces;
  if (fits) pieces = cut(packet, fits);
  if (!fits) {
    if (!gather(packet)) return false;
    pieces = cut(packet, fits);
    check(fits, "a gathered packet in too many pieces");
  }
  // Make all grants first, so that the ring holds no partial packet if the table is full.
  std::array<GrantRef, kMaxSlots> refs;
  for (std::size_t i = 0; i < pieces.count; ++i) {
    const auto ref = grants_->grant(backend_, frame_of_(pieces.list[i].memory), true);
    if (!ref) {
      while (i-- != 0) grants_->end(refs[i]);
      return false;
    }
    refs[i] = *ref;
  }
  const Offload& offload = packet.offload();
  const bool gso = offload.gso != Offload::Gso::kNone;
  const std::uint16_t first = tx_free_;
  for (std::size_t i = 0; i < pieces.count; ++i) {
    const std::uint16_t id = tx_free_;
    TxSlot& slot = tx_slots_[id];
    tx_free_ = slot.next;
    --tx_free_count_;
    slot.owner = first;
    slot.used = true;
    slot.grant = refs[i];
    NetTxRequest request{};
    request.grant = refs[i];
    request.offset = static_cast<std::uint16_t>(kPageSize - page_rest(pieces.list[i].memory));
    request.id = id;
    request.size = i == 0 ? static_cast<std::uint16_t>(total) : pieces.list[i].size;
    if (i + 1 != pieces.count) request.flags |= NETTXF_more_data;
    if (i == 0 && offload.checksum_needed)
      request.flags |= NETTXF_csum_blank | NETTXF_data_validated;
    if (i == 0 && gso) request.flags |= NETTXF_extra_info;
    tx_->push(request);
    if (i == 0 && gso) {
      NetExtra extra{};
      extra.type = XEN_NETIF_EXTRA_TYPE_GSO;
      extra.gso_size = offload.gso_size;
      extra.gso_type =
          offload.gso == Offload::Gso::kTcpV4 ? XEN_NETIF_GSO_TYPE_TCPV4 : XEN_NETIF_GSO_TYPE_TCPV6;
      tx_->push(extra);
    }
  }
  tx_slots_[first].left = static_cast<std::uint16_t>(pieces.count);
  tx_slots_[first].packet = std::move(packet);
  return true;
}

std::size_t NetQueue::send(std::span<PacketBuf> out) {
  if (!has_room() || tx_->room() < out.size() + kMaxSlots) reap();
  std::size_t taken = 0;
  for (PacketBuf& packet : out) {
    if (!has_room() || !send_one(packet)) break;
    ++taken;
  }
  counters_[kSent] += taken;
  return taken;
}

void NetQueue::finish_piece(std::uint16_t id) {
  TxSlot& slot = tx_slots_[id];
  TxSlot& owner = tx_slots_[slot.owner];
  if (!grants_->end(slot.grant)) {  // answered, but still in use
    broken_ = true;
    return;  // disconnect() quarantines it
  }
  slot.used = false;
  // The first piece's slot stays in use as long as the packet does.
  const std::uint16_t owner_id = slot.owner;
  const auto release_id = [&](std::uint16_t free) {
    tx_slots_[free].next = tx_free_;
    tx_free_ = free;
    ++tx_free_count_;
  };
  if (id != owner_id) release_id(id);
  if (--owner.left != 0) return;
  owner.packet.reset();
  release_id(owner_id);
}

void NetQueue::reap() {
  NetTxResponse response;
  while (!broken_ && tx_->pop(response)) {
    if (response.status == NETIF_RSP_NULL) continue;  // for a slot that held a NetExtra
    if (response.id >= tx_slots_.size() || !tx_slots_[response.id].used) {
      broken_ = true;
      return;
    }
    finish_piece(response.id);
  }
}

void NetQueue::refill() {
  if (broken()) return;  // a slot may hold a buffer that the backend still uses
  const std::uint32_t most = receive_target_;
  while (RxRing::kSize - rx_->room() < most) {
    RxSlot& slot = rx_slots_[rx_->next_slot()];
    PacketBuf buffer = rx_pool_.allocate();
    if (!buffer) return;
    const auto ref = grants_->grant(backend_, frame_of_(buffer.tail().data()), false);
    if (!ref) return;
    slot.buffer = std::move(buffer);
    slot.grant = *ref;
    rx_->push(NetRxRequest{static_cast<std::uint16_t>(rx_->next_slot()), 0, *ref});
  }
}

bool NetQueue::publish() {
  const bool rx = rx_->publish();
  return tx_->publish() || rx;
}

void NetQueue::take_extra(const NetExtra& extra) {
  want_extra_ = (extra.flags & XEN_NETIF_EXTRA_FLAG_MORE) != 0;
  if (extra.type != XEN_NETIF_EXTRA_TYPE_GSO) return;
  Offload& offload = frame_.offload;
  if (extra.gso_type == XEN_NETIF_GSO_TYPE_TCPV4) offload.gso = Offload::Gso::kTcpV4;
  if (extra.gso_type == XEN_NETIF_GSO_TYPE_TCPV6) offload.gso = Offload::Gso::kTcpV6;
  if (offload.gso != Offload::Gso::kNone) offload.gso_size = extra.gso_size;
  if (extra.gso_size == 0) frame_good_ = false;
}

// The slot's grant has ended, so the backend can no longer write to its buffer.
void NetQueue::take_response(const NetRxResponse& response, RxSlot& slot) {
  PacketBuf buffer = std::move(slot.buffer);
  if (!in_frame_) {
    frame_.offload.checksum_valid =
        (response.flags & (NETRXF_data_validated | NETRXF_csum_blank)) != 0;
    want_extra_ = (response.flags & NETRXF_extra_info) != 0;
    frame_good_ = true;
  }
  more_data_ = (response.flags & NETRXF_more_data) != 0;
  const bool first = !in_frame_;
  in_frame_ = true;
  if (response.status <= 0 ||
      std::size_t{response.offset} + static_cast<std::size_t>(response.status) > kPageSize) {
    if (frame_good_) ++counters_[kBadLength];
    frame_good_ = false;
    return;
  }
  (void)buffer.append(std::size_t{response.offset} + static_cast<std::size_t>(response.status));
  buffer.trim_front(response.offset);
  if (first) {
    frame_.frame = Slice(std::move(buffer));
  } else if (!frame_.more.full()) {
    frame_.more.push(Slice(std::move(buffer)));
  } else {
    if (frame_good_) ++counters_[kTooLong];
    frame_good_ = false;
  }
}

std::size_t NetQueue::receive(std::span<sig::RxFrame> in) {
  std::size_t count = 0;
  while (count < in.size() && !broken()) {
    RxSlot& slot = rx_slots_[rx_->next_response()];
    const std::uint32_t place = rx_->next_response();
    NetRxResponse response;
    NetExtra extra;
    const bool is_extra = want_extra_;
    if (!(is_extra ? rx_->pop(extra) : rx_->pop(response))) break;
    // The grant ends before anything in the page is read.
    if (!slot.buffer || (!is_extra && response.id != place)) {
      broken_ = true;
      break;
    }
    if (!grants_->end(slot.grant)) {
      broken_ = true;  // disconnect() finds the buffer in its slot
      break;
    }
    if (is_extra) {
      slot.buffer.reset();
      take_extra(extra);
    } else {
      take_response(response, slot);
    }
    if (want_extra_ || more_data_) continue;
    in_frame_ = false;
    if (frame_good_ && !frame_.frame.empty()) in[count++] = std::move(frame_);
    frame_ = {};
  }
  counters_[kReceived] += count;
  refill();
  return count;
}

}  // namespace fata::xen
