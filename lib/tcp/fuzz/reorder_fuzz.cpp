// Passes segments in any order, of any size and overlap, to a reorder queue, and checks the result
// against a model of every byte: data is delivered once and in order, the reported blocks match the
// stored data, and memory stays within the given bounds.
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "fata/base/pool.hpp"
#include "fata/tcp/reorder_queue.hpp"
#include "input.hpp"

namespace {

using namespace fata;
using namespace fata::tcp;

using fata::fuzz::require;

using fata::fuzz::Input;

// The peer's data at each position of its stream.
std::byte content(Seq at) { return static_cast<std::byte>(at * 2654435761U >> 24); }

class Model {
 public:
  static constexpr std::uint32_t kWindow = 2048;

  explicit Model(Input& in)
      : in_(&in),
        memory_((std::size_t{16} << 10) + in.byte() * 1024, (in.byte() % 64) * 1024),
        next_(in.byte() << 24 | 0xff8000),
        pool_(64, 2048) {
    queue_.start(next_);
    max_ = ReorderQueue::max_for(kWindow >> in.byte() % 5);
    reserve_ = in.byte() % 4 * 2048;
  }

  void run() {
    while (!in_->empty()) {
      for (int i = 0; i < 4 && !in_->empty(); ++i) step(in_->byte());
      check();
    }
    reorder_.clear(memory_);
    queue_.clear(memory_);
    require(memory_.used() == 0 && memory_.borrowed() == 0);
  }

 private:
  void arrive(std::uint32_t what) {
    const std::uint32_t offset = 1 + in_->word() % (kWindow - 1);  // byte 0 has not arrived yet
    const std::uint32_t most = (what & 0x10) != 0 ? 8 : 400;
    const std::uint32_t size = std::min(1 + in_->word() % most, kWindow - offset);
    PacketBuf packet = pool_.allocate(0);
    if (!packet) return;
    const Seq begin = next_ + offset;
    const MutableBytes bytes = packet.append(size);
    for (std::uint32_t i = 0; i < size; ++i) bytes[i] = content(begin + i);
    const std::size_t used = memory_.used();
    const auto outcome = reorder_.insert(begin, Slice(std::move(packet)), memory_, max_, reserve_);
    require(outcome.kept <= size);
    std::uint32_t fresh = 0;
    for (std::uint32_t i = offset; i < offset + size; ++i) fresh += here_[i] ? 0 : 1;
    require(outcome.kept <= fresh);
    if (outcome.duplicate.size() != 0) {
      require(at_or_before(begin, outcome.duplicate.begin) &&
              at_or_before(outcome.duplicate.end, begin + size));
      for (Seq at = outcome.duplicate.begin; at != outcome.duplicate.end; ++at)
        require(here_[at - next_]);
    }
    // The kept bytes are the first of the new ones.
    std::uint32_t left = outcome.kept;
    for (std::uint32_t i = offset; i < offset + size && left != 0; ++i) {
      if (here_[i]) continue;
      here_[i] = true;
      --left;
    }
    if (memory_.used() > used) require(memory_.used() + reserve_ <= memory_.limit());
  }
  // Delivers in-order data, so that stored ranges after it may follow.
  void fill(std::uint32_t what) {
    const std::uint32_t size = (what & 0x10) != 0 ? 1 : 1 + in_->word() % 1460;
    PacketBuf packet = pool_.allocate(0);
    if (!packet) return;
    const MutableBytes bytes = packet.append(size);
    for (std::uint32_t i = 0; i < size; ++i) bytes[i] = content(next_ + i);
    Slice slice(std::move(packet));
    const std::size_t took = queue_.push(slice, memory_);
    const Seq filled = queue_.end();
    require(filled - next_ == took);
    const bool some = took != 0 && reorder_.deliver(queue_, memory_);
    require(some == (queue_.end() != filled));
    forget(queue_.end() - next_);
    next_ = queue_.end();
    for (Seq at = queue_.begin(); !queue_.empty();) {
      const Slice piece = queue_.pop(memory_);
      for (const std::byte each : piece.bytes()) require(each == content(at++));
    }
    // No stored data is in order now, unless memory ran out.
    if (reorder_.empty()) here_.assign(kWindow, false);
    require(!here_[0]);
  }
  void forget(std::uint32_t count) {
    here_.erase(here_.begin(), here_.begin() + std::min<std::ptrdiff_t>(count, kWindow));
    here_.resize(kWindow, false);
  }

  void step(std::uint32_t what) {
    if (what % 8 < 6) return arrive(what);
    if (what % 8 == 6) return fill(what);
    if (what % 32 == 31) {
      reorder_.clear(memory_);
      here_.assign(kWindow, false);
    }
  }

  void check() {
    require(memory_.used() <= memory_.limit() && memory_.borrowed() <= (std::size_t{64} << 10));
    require(reorder_.held() <= max_ + Memory::kLarge);
    std::uint32_t count = 0, stretches = 0;
    for (std::uint32_t i = 0; i < kWindow; ++i) {
      count += here_[i] ? 1 : 0;
      stretches += here_[i] && !here_[i - 1] ? 1 : 0;
    }
    require(reorder_.bytes() == count && reorder_.empty() == (count == 0));
    require(stretches <= ReorderQueue::kMaxBlocks);
    std::array<SeqRange, 4> blocks;
    const std::uint8_t told = reorder_.blocks(blocks);
    require(told == std::min<std::uint32_t>(stretches, blocks.size()));
    for (const SeqRange& block : std::span(blocks).first(told)) {
      require(block.size() != 0 && !here_[block.begin - 1 - next_]);
      for (Seq at = block.begin; at != block.end; ++at) require(here_[at - next_]);
      require(block.end - next_ == kWindow || !here_[block.end - next_]);
    }
  }

  Input* in_;
  Memory memory_;
  Seq next_;
  BufferPool pool_;
  std::vector<bool> here_ = std::vector<bool>(kWindow, false);  // by distance from next_
  ReorderQueue reorder_;
  ByteQueue queue_;
  std::size_t max_ = 0, reserve_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  Input in(std::span(data, size));
  Model(in).run();
  return 0;
}
