// The backend of a disk, written from xen/io/blkif.h and xen/io/ring.h alone, to test the frontend:
// it finds pages by their grants, like a hypervisor, and sleeps until it is notified.
#pragma once

#include <optional>
#include <random>
#include <set>
#include <vector>

#include "fata/sim/bus/xen_host.hpp"

namespace fata::sim {

#define xen_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

class BlockBackend {
 public:
  static constexpr std::size_t kUnit = 512;

  // A received request, with its indirect segments resolved.
  struct Taken {
    std::uint8_t operation = 0;
    bool indirect = false;
    std::uint16_t handle = 0;
    std::uint64_t id = 0, sector = 0, sectors = 0;  // the last one for a discard
    std::vector<blkif_request_segment> segments;
    std::size_t units() const {
      std::size_t sum = 0;
      for (const blkif_request_segment& one : segments)
        sum += std::size_t{one.last_sect} - one.first_sect + 1;
      return sum;
    }
  };

  // Maps the ring, whose grant cannot end until close(). `keeps`: mapped pages stay mapped
  // (feature-persistent).
  BlockBackend(XenHost& host, bus::xen::Domain self, bus::xen::GrantRef ring, bool keeps)
      : host_(&host), self_(self), ring_ref_(ring), keeps_(keeps) {
    void* const page = host.hold(ring, self, true);
    check(page != nullptr, "the ring is not granted");
    BACK_RING_INIT(&ring_, static_cast<blkif_sring*>(page), XenHost::kPage);
  }
  ~BlockBackend() { close(); }
  BlockBackend(const BlockBackend&) = delete;
  BlockBackend& operator=(const BlockBackend&) = delete;

  // Unmaps everything.
  void close() {
    for (const bus::xen::GrantRef ref : held_) host_->release(ref);
    held_.clear();
    host_->release(ring_ref_);
  }

  // The next request. Protocol errors of the frontend are panics.
  std::optional<Taken> take() {
    const bool any = RING_HAS_UNCONSUMED_REQUESTS(&ring_);
    if (!any) return std::nullopt;
    const blkif_request_t request = *RING_GET_REQUEST(&ring_, ring_.req_cons++);
    Taken taken{request.operation, false, request.handle, request.id, request.sector_number, 0, {}};
    if (request.operation == BLKIF_OP_DISCARD) {
      blkif_request_discard_t discard;
      std::memcpy(&discard, &request, sizeof discard);
      check(discard.flag == 0, "a discard's flag");
      taken.sectors = discard.nr_sectors;
    } else if (request.operation == BLKIF_OP_INDIRECT) {
      blkif_request_indirect_t list;
      std::memcpy(&list, &request, sizeof list);
      taken.indirect = true;
      taken.operation = list.indirect_op;
      taken.handle = list.handle;
      taken.sector = list.sector_number;
      check(list.nr_segments <= 512, "a list longer than a page");
      const std::byte* const page = hold(list.indirect_grefs[0]);
      taken.segments.resize(list.nr_segments);
      std::memcpy(taken.segments.data(), page, list.nr_segments * sizeof(blkif_request_segment));
      let_go(list.indirect_grefs[0]);
    } else {
      check(request.nr_segments <= BLKIF_MAX_SEGMENTS_PER_REQUEST,
            "more segments than a request has");
      taken.segments.assign(request.seg, request.seg + request.nr_segments);
    }
    for (const blkif_request_segment& one : taken.segments)
      check(one.first_sect <= one.last_sect && one.last_sect < XenHost::kPage / kUnit,
            "a segment that is none");
    return taken;
  }

  // Reads or writes the disk.
  void perform(const Taken& request, std::vector<std::byte>& disk) {
    check(request.operation == BLKIF_OP_READ || request.operation == BLKIF_OP_WRITE,
          "an operation that moves nothing");
    check(!request.segments.empty() && (request.sector + request.units()) * kUnit <= disk.size(),
          "beyond the disk");
    std::byte* at = disk.data() + request.sector * kUnit;
    for (const blkif_request_segment& one : request.segments) {
      std::byte* const page = hold(one.gref) + one.first_sect * kUnit;
      const std::size_t bytes = (std::size_t{one.last_sect} - one.first_sect + 1) * kUnit;
      std::memcpy(request.operation == BLKIF_OP_READ ? page : at,
                  request.operation == BLKIF_OP_READ ? at : page, bytes);
      at += bytes;
      let_go(one.gref);
    }
  }

  // True if the frontend must be notified.
  bool answer(const Taken& request, std::int16_t status = BLKIF_RSP_OKAY) {
    *RING_GET_RESPONSE(&ring_, ring_.rsp_prod_pvt++) = {request.id, request.operation, status};
    bool notify = false;
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&ring_, notify);
    return notify;
  }
  // Requests a notification; false if there are requests already.
  bool may_sleep() {
    bool requests = false;
    RING_FINAL_CHECK_FOR_REQUESTS(&ring_, requests);
    return !requests;
  }

  blkif_back_ring& ring() { return ring_; }

 private:
  std::byte* hold(bus::xen::GrantRef ref) {
    std::byte* const page = host_->hold(ref, self_, true);
    check(page != nullptr, "a page that is not granted for writing");
    held_.insert(ref);
    return page;
  }
  void let_go(bus::xen::GrantRef ref) {
    if (!keeps_ && held_.erase(ref) != 0) host_->release(ref);
  }

  XenHost* host_;
  bus::xen::Domain self_;
  bus::xen::GrantRef ring_ref_;
  bool keeps_;
  blkif_back_ring ring_;
  std::set<bus::xen::GrantRef> held_;
};

}  // namespace fata::sim
