// The backend of a NIC, written from xen/io/netif.h and xen/io/ring.h alone, to test the frontend:
// it finds pages by their grants, like a hypervisor, and sleeps until it is notified.
#pragma once

#include <deque>
#include <optional>
#include <random>
#include <vector>

#include "fata/sim/bus/xen_host.hpp"

namespace fata::sim {

#define xen_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

class NetBackend {
 public:
  struct Packet {
    std::vector<std::byte> bytes;
    bool checksum_blank = false;
    std::uint8_t gso_type = XEN_NETIF_GSO_TYPE_NONE;
    std::uint16_t gso_size = 0;
  };

  // Maps both rings, whose grants cannot end until close().
  NetBackend(XenHost& host, bus::xen::Domain self, bus::xen::GrantRef tx, bus::xen::GrantRef rx)
      : host_(&host), self_(self), refs_{tx, rx} {
    void* const tx_page = host.hold(tx, self, true);
    void* const rx_page = host.hold(rx, self, true);
    check(tx_page != nullptr && rx_page != nullptr, "the rings are not granted");
    BACK_RING_INIT(&tx_, static_cast<netif_tx_sring*>(tx_page), XenHost::kPage);
    BACK_RING_INIT(&rx_, static_cast<netif_rx_sring*>(rx_page), XenHost::kPage);
  }
  ~NetBackend() { close(); }
  NetBackend(const NetBackend&) = delete;
  NetBackend& operator=(const NetBackend&) = delete;

  // Unmaps everything.
  void close() {
    while (!unanswered_.empty()) drop_one();
    for (const bus::xen::GrantRef ref : refs_) host_->release(ref);
  }

  // Copies the next packet; its grants are held until it is answered. Protocol errors of the
  // frontend are panics.
  std::optional<Packet> take() {
    const bool any = RING_HAS_UNCONSUMED_REQUESTS(&tx_);
    if (!any) return std::nullopt;
    Packet packet;
    netif_tx_request_t request = next_request();
    const netif_tx_request_t first = request;
    unanswered_.push_back({{request.id, 0}, request.gref});
    packet.checksum_blank = (request.flags & NETTXF_csum_blank) != 0;
    if ((request.flags & NETTXF_extra_info) != 0) {
      check(RING_HAS_UNCONSUMED_REQUESTS(&tx_), "an extra is missing");
      const auto extra =
          *reinterpret_cast<netif_extra_info_t*>(RING_GET_REQUEST(&tx_, tx_.req_cons++));
      check(extra.type == XEN_NETIF_EXTRA_TYPE_GSO && extra.flags == 0, "an extra that is none");
      packet.gso_type = extra.u.gso.type;
      packet.gso_size = extra.u.gso.size;
      unanswered_.back().extras = 1;
    }
    std::vector<netif_tx_request_t> pieces{first};
    while ((request.flags & NETTXF_more_data) != 0) {
      check(RING_HAS_UNCONSUMED_REQUESTS(&tx_), "half a packet is shown");
      request = next_request();
      check((request.flags & ~NETTXF_more_data) == 0, "flags of a packet on its later pieces");
      check(request.size < pieces[0].size, "pieces longer than their packet");
      pieces[0].size = static_cast<std::uint16_t>(pieces[0].size - request.size);
      pieces.push_back(request);
      unanswered_.push_back({{request.id, 0}, request.gref});
    }
    check(pieces.size() <= XEN_NETIF_NR_SLOTS_MIN, "more slots than every backend takes");
    for (const netif_tx_request_t& piece : pieces) {
      check(piece.size != 0 && piece.offset + piece.size <= XenHost::kPage,
            "a piece across a page");
      const std::byte* const page = host_->hold(piece.gref, self_, false);
      check(page != nullptr, "a piece that is not granted");
      packet.bytes.resize(packet.bytes.size() + piece.size);
      std::memcpy(packet.bytes.data() + packet.bytes.size() - piece.size, page + piece.offset,
                  piece.size);
    }
    check(packet.bytes.size() == first.size, "sizes do not add up");
    return packet;
  }

  // Answers a random request of those taken; true if the frontend must be notified.
  bool answer_one(std::mt19937& random) {
    if (unanswered_.empty()) return false;
    std::swap(unanswered_[random() % unanswered_.size()], unanswered_.back());
    const Unanswered done = drop_one();
    *RING_GET_RESPONSE(&tx_, tx_.rsp_prod_pvt++) = {done.response.id, NETIF_RSP_OKAY};
    // The slot of an extra has no ID; its other content is arbitrary.
    for (unsigned i = 0; i < done.extras; ++i)
      RING_GET_RESPONSE(&tx_, tx_.rsp_prod_pvt++)->status = NETIF_RSP_NULL;
    bool notify = false;
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&tx_, notify);
    return notify;
  }

  std::size_t buffers() const { return rx_.sring->req_prod - rx_.req_cons; }
  // Delivers a frame in several pieces; false if there are too few buffers. Sets `notify` if the
  // frontend must be notified.
  bool give(const Packet& packet, std::mt19937& random, bool& notify) {
    std::vector<std::size_t> pieces;
    for (std::size_t left = packet.bytes.size(); left != 0;) {
      // Pieces are mostly whole pages, and never so small that a frame has too many of them.
      const std::size_t most = random() % 4 != 0 ? XenHost::kPage : 3700 + random() % 396;
      pieces.push_back(std::min(left, most));
      left -= pieces.back();
    }
    const bool gso = packet.gso_type != XEN_NETIF_GSO_TYPE_NONE;
    if (buffers() < pieces.size() + (gso ? 1 : 0)) return false;
    std::size_t done = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const netif_rx_request_t request = *RING_GET_REQUEST(&rx_, rx_.req_cons++);
      std::byte* const page = host_->page(request.gref, self_, true);
      check(page != nullptr, "a receive buffer that is not granted");
      const auto offset = static_cast<std::uint16_t>(random() % (XenHost::kPage - pieces[i] + 1));
      std::memcpy(page + offset, packet.bytes.data() + done, pieces[i]);
      done += pieces[i];
      std::uint16_t flags = 0;
      if (i + 1 != pieces.size()) flags |= NETRXF_more_data;
      if (i == 0 && packet.checksum_blank) flags |= NETRXF_csum_blank | NETRXF_data_validated;
      if (i == 0 && gso) flags |= NETRXF_extra_info;
      *RING_GET_RESPONSE(&rx_, rx_.rsp_prod_pvt++) = {request.id, offset, flags,
                                                      static_cast<std::int16_t>(pieces[i])};
      if (i != 0 || !gso) continue;
      netif_extra_info_t extra{};
      extra.type = XEN_NETIF_EXTRA_TYPE_GSO;
      extra.u.gso.type = packet.gso_type;
      extra.u.gso.size = packet.gso_size;
      ++rx_.req_cons;
      std::memcpy(RING_GET_RESPONSE(&rx_, rx_.rsp_prod_pvt++), &extra, sizeof(netif_rx_response_t));
    }
    bool wanted = false;
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&rx_, wanted);
    notify = notify || wanted;
    return true;
  }
  // Requests a notification of more packets and more buffers; false if there are packets already.
  bool may_sleep() {
    bool packets = false;
    RING_FINAL_CHECK_FOR_REQUESTS(&tx_, packets);
    rx_.sring->req_event = rx_.sring->req_prod + 1;
    return !packets;
  }
  std::size_t unanswered() const { return unanswered_.size(); }

  netif_tx_back_ring& tx() { return tx_; }
  netif_rx_back_ring& rx() { return rx_; }

 private:
  struct Unanswered {
    netif_tx_response_t response;
    bus::xen::GrantRef ref;
    unsigned extras = 0;
  };
  netif_tx_request_t next_request() { return *RING_GET_REQUEST(&tx_, tx_.req_cons++); }
  Unanswered drop_one() {
    const Unanswered done = unanswered_.back();
    unanswered_.pop_back();
    // Pieces in one page have separate grants.
    host_->release(done.ref);
    return done;
  }

  XenHost* host_;
  bus::xen::Domain self_;
  bus::xen::GrantRef refs_[2];
  netif_tx_back_ring tx_;
  netif_rx_back_ring rx_;
  std::deque<Unanswered> unanswered_;
};

}  // namespace fata::sim
