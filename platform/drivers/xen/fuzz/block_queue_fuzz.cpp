// Simulates a hostile backend, which writes into every page granted to it, sends arbitrary
// responses, and keeps granted pages in use. Whatever it does, no request may end twice, only
// requests that were begun may end, only a successful read may change its buffer, the buffer must
// not change after the read has ended, and no page may have two grants.
#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "fata/base/bytes.hpp"
#include "fata/sim/bus/block_backend.hpp"
#include "fata/xen/block_queue.hpp"

using namespace fata;
using namespace fata::xen;

namespace {

using Kind = BlockQueue::Kind;

constexpr Domain kBackend = 5;
constexpr BlockQueue::Sizes kSizes{.places = 4, .pages = 16, .segments = 14};
constexpr std::size_t kPages = 1 + 16 + 4;
constexpr std::byte kFilled{3};
constexpr std::size_t kMax = 14 * BlockQueue::kPageSize;

class Game {
 public:
  explicit Game(Bytes input) : in_(input) {}

  void play() {
    const BlockOffer offer{.sectors = in_.u64(),
                           .sector_size = in_.u16(),
                           .physical_sector_size = in_.u16(),
                           .info = in_.u8(),
                           .flush_cache = in_.u8(),
                           .barrier = in_.u8(),
                           .discard = in_.u8(),
                           .discard_granularity = in_.u32(),
                           .discard_alignment = in_.u32(),
                           .indirect_segments = in_.u16()};
    const auto limits = BlockLimits::parse(offer);
    if (!limits) return;
    limits_ = *limits;
    const sig::BlockGeometry& geometry = limits_.geometry;
    check(geometry.sector_size >= 512 && geometry.sector_size <= BlockQueue::kPageSize &&
              geometry.sectors != 0,
          "geometry");
    check(geometry.sectors <= (std::uint64_t{1} << 63) / geometry.sector_size, "size");
    check(geometry.optimal % geometry.sector_size == 0, "optimal");
    connect();
    while (in_.ok() && !in_.at_end()) {
      step();
      check(queue_.under_way() == under_way_.size(), "places lost");
      if (std::exchange(granted_, false)) check_grants();
    }
    for (const Read& read : ended_) check_unchanged(read);
    queue_.disconnect(false);
    host_.release_all();
    check(queue_.connect(kBackend, 0), "no connection with a good backend");
    check(queue_.kept() == 0 && grants_.in_use() == kPages, "pages were lost");
    queue_.disconnect(false);
    check(grants_.in_use() == 0, "not everything came back");
  }

 private:
  struct Read {
    std::vector<std::byte> buffer, seen;
  };
  struct Begun {
    Kind kind;
    std::vector<std::byte> buffer;
    std::size_t bytes;
  };

  static void check_unchanged(const Read& read) {
    check(equal_bytes(read.seen, read.buffer), "a buffer changed after its request had ended");
  }
  // Compares in one call, because comparing byte by byte would dominate the fuzzer's run time.
  static bool is_untouched(Bytes buffer) {
    static const std::vector<std::byte> untouched(kMax, kFilled);
    return equal_bytes(buffer, Bytes(untouched).first(buffer.size()));
  }

  void connect() {
    granted_ = true;
    if (queue_.connect(kBackend, 0)) queue_.start(limits_);
  }

  void step() {
    const std::uint8_t what = in_.u8();
    if (what == 255) return move_on();
    switch (what % 10) {
      case 0:
        begin();
        break;
      case 1:
        queue_.publish();
        break;
      case 2:
        end();
        break;
      case 3:
        queue_.ask();
        break;
      case 4:
        scribble(ref());
        break;
      case 5:
        answer();
        break;
      case 6:
        host_.hold(ref(), kBackend, (in_.u8() & 1) != 0);
        break;
      case 7:
        host_.release(ref());
        break;
      case 8:
        queue_.disconnect(false);
        under_way_.clear();
        connect();
        break;
      case 9:
        put_index(in_.u8() % 4, in_.u32());
        break;
    }
  }
  // Suspends the domain and resumes it elsewhere.
  void move_on() {
    host_.move_on();
    grants_.resume();
    queue_.disconnect(true);
    under_way_.clear();
    check(grants_.in_use() == 0, "grants of another host");
    connect();
  }
  GrantRef ref() { return in_.u16() % GrantTable::kPerFrame; }

  void begin() {
    if (!queue_.started() || queue_.under_way() == queue_.places()) return;
    const auto kind = static_cast<Kind>(in_.u8() % 4);
    const std::uint32_t size = limits_.geometry.sector_size;
    const bool moves = kind == Kind::kRead || kind == Kind::kWrite;
    const std::uint64_t most = std::min<std::uint64_t>(limits_.geometry.sectors, kMax / size);
    BlockQueue::Request request{.kind = kind, .sectors = 1 + in_.u8() % most};
    request.sector = in_.u64() % (limits_.geometry.sectors - request.sectors + 1);
    Begun one{kind,
              std::vector<std::byte>(moves ? static_cast<std::size_t>(request.sectors * size) : 0,
                                     kFilled),
              0};
    if (kind == Kind::kRead) request.in = one.buffer;
    if (kind == Kind::kWrite) request.out = one.buffer;
    if (kind == Kind::kDiscard) {
      const auto [first, count] = limits_.extents(request.sector, request.sectors);
      check(first >= request.sector && count <= request.sectors - (first - request.sector),
            "extents beyond the range");
    }
    const auto [place, sectors] = queue_.begin(request);
    check(sectors <= request.sectors && (sectors != 0 || !moves), "a request of nothing");
    check(!under_way_.contains(place), "a place given twice");
    one.bytes = moves ? static_cast<std::size_t>(sectors * size) : 0;
    under_way_.emplace(place, std::move(one));
  }

  void end() {
    const bool was_broken = queue_.broken();
    const auto ended = queue_.next();
    if (!ended) return;
    check(!was_broken, "a broken queue ends a request");
    const auto found = under_way_.find(ended->place);
    check(found != under_way_.end(), "a request ended that was not begun");
    Begun& one = found->second;
    check(is_untouched(Bytes(one.buffer).subspan(one.bytes)),
          "beyond the request's part of the buffer");
    if (one.kind == Kind::kWrite || !ended->outcome)
      check(is_untouched(one.buffer), "a buffer that is not to change");
    if (one.kind == Kind::kRead) {
      Read read{std::move(one.buffer), {}};
      read.seen = read.buffer;
      ended_.push_back(std::move(read));
      if (ended_.size() > 4) {
        check_unchanged(ended_.front());
        ended_.erase(ended_.begin());
      }
    }
    under_way_.erase(found);
  }

  // Actions of the backend, which use only pages that are granted to it at that moment.
  void scribble(GrantRef where) {
    std::byte* const page = host_.page(where, kBackend, true);
    const std::size_t at = in_.u16() % sim::XenHost::kPage;
    const Bytes bytes = in_.take(std::min<std::size_t>(in_.u8() % 17, in_.remaining()));
    if (page != nullptr) copy_bytes(danger_span(page, sim::XenHost::kPage).subspan(at), bytes);
  }
  blkif_sring* ring() {
    if (!queue_.connected()) return nullptr;
    return reinterpret_cast<blkif_sring*>(host_.page(queue_.ring(), kBackend, true));
  }
  void put_index(std::size_t which, std::uint32_t value) {
    if (blkif_sring* const at = ring())
      std::memcpy(reinterpret_cast<std::byte*>(at) + 4 * which, &value, 4);
  }
  // Answers the next request in order, correctly except for what the input changes.
  void answer() {
    const std::uint8_t how = in_.u8();
    blkif_sring* const at = ring();
    if (at == nullptr) return;
    const std::uint32_t slot = at->rsp_prod % 32;
    blkif_response_t response{at->ring[slot].req.id, at->ring[slot].req.operation, BLKIF_RSP_OKAY};
    if ((how & 1) != 0) response.id ^= in_.u16();
    if ((how & 2) != 0) response.status = static_cast<std::int16_t>(in_.u16());
    at->ring[slot].rsp = response;
    if ((how & 4) == 0) ++at->rsp_prod;
  }

  void check_grants() {
    std::vector<std::uint32_t> granted;
    for (GrantRef ref = 0; ref < host_.table_frames() * GrantTable::kPerFrame; ++ref) {
      if ((host_.entry(ref).flags & GTF_permit_access) != 0)
        granted.push_back(host_.entry(ref).frame);
    }
    std::ranges::sort(granted);
    check(std::ranges::adjacent_find(granted) == granted.end(), "a page was granted twice");
    check(granted.size() <= 5 * kPages, "grants without bound");
  }

  ByteReader in_;
  sim::XenHost host_{1};
  GrantTable grants_{sim::XenHost::grow};
  BlockQueue queue_{grants_, sim::XenHost::frame_of, kSizes};
  BlockLimits limits_;
  std::map<std::uint16_t, Begun> under_way_;
  std::vector<Read> ended_;
  bool granted_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Game(std::as_bytes(std::span(data, size))).play();
  return 0;
}
