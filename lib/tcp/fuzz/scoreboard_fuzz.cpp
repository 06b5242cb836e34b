// Passes sends, ACKs, SACKs and losses in any order to a scoreboard, and checks the result against
// a model of every byte: every byte is delivered once, delivered bytes were reported, lost bytes
// are outstanding, and records and memory stay within their bounds.
#include <cstdint>
#include <deque>
#include <span>

#include "fata/tcp/memory.hpp"
#include "fata/tcp/scoreboard.hpp"
#include "input.hpp"

namespace {

using namespace fata;
using namespace fata::tcp;

using fata::fuzz::require;

using fata::fuzz::Input;

// A number below `most`, which is 1 to 65536.
std::uint32_t below(Input& in, std::uint32_t most) {
  return (most > 256 ? in.word() : in.byte()) % most;
}

class Model {
 public:
  static constexpr std::uint32_t kMaxOutstanding = 1 << 11;
  static constexpr std::size_t kLimit = 16 << 10;  // small enough to run out

  explicit Model(Input& in)
      : in_(&in),
        una_((in.byte() << 24) | 0xfff000),
        nxt_(una_),
        memory_(kLimit, 0),
        board_(&memory_) {}

  void run() {
    while (!in_->empty()) {
      for (int i = 0; i < 4 && !in_->empty(); ++i) step(in_->byte());
      check();
    }
    board_.clear();
    require(memory_.used() == 0);
  }

 private:
  Seq anywhere() { return una_ + below(*in_, outstanding() + 1); }
  std::uint32_t outstanding() const { return nxt_ - una_; }
  std::optional<std::uint32_t> echo(std::uint32_t what) {
    return (what & 0x80) != 0 ? std::optional<std::uint32_t>(in_->byte()) : std::nullopt;
  }

  void send() {
    const std::uint32_t size = 1 + below(*in_, 300);
    if (board_.full() || outstanding() + size > kMaxOutstanding || !board_.reserve()) return;
    board_.sent({nxt_, nxt_ + size}, now_, in_->byte() % 2 == 0 ? 0 : 1 + below(*in_, size));
    nxt_ += size;
    reported_.resize(outstanding());
  }
  void acknowledge(std::uint32_t what) {
    const Seq to = (what & 0x40) != 0 ? nxt_ : anywhere();
    Delivery out;
    board_.acked(to, now_, echo(what), min_rtt_, out);
    reported_.erase(reported_.begin(), reported_.begin() + static_cast<std::ptrdiff_t>(to - una_));
    gone_ += to - una_;
    una_ = to;
    delivered_ += out.bytes;
  }
  // Blocks may lie outside the outstanding data and have any size.
  void report(std::uint32_t what) {
    const Seq begin = anywhere() - ((what & 0x40) != 0 ? below(*in_, 500) : 0);
    const Seq end = begin + 1 + below(*in_, kMaxOutstanding);
    Delivery out;
    board_.sacked({begin, end}, now_, echo(what), min_rtt_, out);
    delivered_ += out.bytes;
    for (Seq at = later(begin, una_); before(at, earlier(end, nxt_)); ++at)
      reported_[at - una_] = true;
  }
  void retransmit() {
    const std::uint32_t most = 1 + below(*in_, 300);
    const std::optional<SeqRange> range = board_.first_lost(most);
    require(range.has_value() == (board_.lost() != 0));
    if (!range) return;
    require(range->size() != 0 && range->size() <= most);
    require(at_or_before(una_, range->begin) && at_or_before(range->end, nxt_));
    if (board_.reserve()) board_.retransmitted(*range, now_, in_->byte() % 2 == 0 ? 0 : 100);
  }

  void step(std::uint32_t what) {
    switch (what % 16) {
      case 0:
      case 1:
      case 2:
      case 3:
        return send();
      case 4:
      case 5:
        return acknowledge(what);
      case 6:
      case 7:
      case 8:
        return report(what);
      case 9:
        now_ = now_ + microseconds(100 * in_->byte());
        return;
      case 10: {
        const std::uint32_t before_it = board_.lost();
        const auto found = board_.detect(now_, min_rtt_, milliseconds(20), 100, (what & 0x80) != 0);
        require(board_.lost() == before_it + found.bytes);
        return;
      }
      case 11:
      case 12:
        return retransmit();
      case 13:
        return board_.on_timeout(now_, min_rtt_, milliseconds(20), 100);
      case 14:
        return rare(what / 16);
      default:
        require(board_.mark_first_lost(1 + below(*in_, 500)) <= outstanding());
    }
  }
  void rare(std::uint32_t what) {
    switch (what % 5) {
      case 0:
        return board_.mark_all_lost();
      case 1:
        return board_.unmark_lost();
      case 2:
        forgot_ = true;
        return board_.forget_sacks();
      case 3:
        return board_.on_dsack(una_, nxt_);
      default:
        board_.on_recovered();
    }
  }

  void check() {
    require(board_.outstanding() == outstanding() && board_.empty() == (outstanding() == 0));
    require(board_.records() <= Scoreboard::kMax && memory_.used() <= kLimit);
    require(std::uint64_t{board_.sacked()} + board_.lost() <= outstanding());
    std::uint32_t reported = 0;
    for (const bool each : reported_) reported += each ? 1 : 0;
    require(board_.sacked() <= reported);
    if (!forgot_) require(delivered_ == gone_ + board_.sacked());
    if (board_.empty()) return;
    require(board_.first().begin == una_ && board_.last().end == nxt_);
    const Seq at = una_ + outstanding() / 2;
    const SeqRange stretch = board_.stretch_at(at);
    require(at_or_before(stretch.begin, at) && before(at, stretch.end));
  }

  Input* in_;
  Seq una_, nxt_;
  Instant now_ = Instant{} + seconds(1000);
  Duration min_rtt_ = milliseconds(10);
  std::deque<bool> reported_;
  std::uint64_t delivered_ = 0, gone_ = 0;
  bool forgot_ = false;
  Memory memory_;
  Scoreboard board_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  Input in(std::span(data, size));
  Model(in).run();
  return 0;
}
