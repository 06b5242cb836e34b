#include "balloon.hpp"

#include <array>

#include "fata/arch/memory.hpp"
#include "fata/libc/libc.hpp"
#include "hypercall.hpp"

namespace fata::xen {
namespace {

using Frames = std::array<xen_pfn_t, 32>;

Frames frames_of(const std::byte* piece) {
  Frames frames;
  for (std::size_t i = 0; i < frames.size(); ++i) frames[i] = frame_of(piece) + i;
  return frames;
}

// Returns the number of frames processed.
std::size_t call_for(unsigned command, Frames& frames, std::size_t count) {
  xen_memory_reservation_t request{};
  request.extent_start.p = frames.data();
  request.nr_extents = count;
  request.domid = DOMID_SELF;
  const long done = call(__HYPERVISOR_memory_op, command, &request);
  return done < 0 ? 0 : static_cast<std::size_t>(done);
}

}  // namespace

void Balloon::start(Store& store) { follower_.emplace(follow(this, &store)); }

bool Balloon::inflate() {
  static_assert(kPages == std::tuple_size_v<Frames>);
  auto* const piece =
      static_cast<std::byte*>(libc::heap().allocate(kPages * arch::kPage, arch::kPage));
  if (piece == nullptr) return false;
  Frames frames = frames_of(piece);
  const std::size_t done = call_for(XENMEM_decrease_reservation, frames, kPages);
  if (done == kPages) {
    pieces_.push_back(piece);
    return true;
  }
  // If Xen took only some of the pages, request them back. If that fails, the piece is lost.
  if (call_for(XENMEM_populate_physmap, frames, done) == done) libc::heap().release(piece);
  return false;
}

bool Balloon::deflate() {
  if (pieces_.empty()) return false;
  Frames frames = frames_of(pieces_.back());
  const std::size_t done = call_for(XENMEM_populate_physmap, frames, kPages);
  if (done != kPages) {  // the host has no more memory
    call_for(XENMEM_decrease_reservation, frames, done);
    return false;
  }
  libc::heap().release(pieces_.back());
  pieces_.pop_back();
  return true;
}

async::Task<void> Balloon::follow(Balloon* self, Store* store) {
  store->write_and_forget("control/feature-balloon", "1");
  const Result<std::string> max_text = co_await store->read("memory/static-max");
  // In KiB, like the other sizes below.
  const std::uint64_t most = max_text ? store_number(*max_text).value_or(0) : 0;
  constexpr std::uint64_t kPiece = kPages * arch::kPage / 1024;
  Watch watch(*store, "memory/target");
  while (co_await watch.next()) {
    const Result<std::string> text = co_await store->read("memory/target");
    const std::uint64_t target = text ? store_number(*text).value_or(most) : most;
    const std::uint64_t wanted = target < most ? (most - target + kPiece - 1) / kPiece : 0;
    // Each step yields to the loop, because Xen is slow to process the pages of a piece.
    while (self->pieces_.size() < wanted && self->inflate()) co_await async::yield();
    while (self->pieces_.size() > wanted && self->deflate()) co_await async::yield();
  }
}

}  // namespace fata::xen
