// Reassembles fragments of both families (RFC 791 section 3.2, RFC 8200 section 4.5) in bounded
// memory and time.
//
// Overlapping fragments are never merged: the whole packet is refused, including its later
// fragments (RFC 5722). An exact duplicate of a fragment is not an overlap.
#pragma once

#include <array>
#include <memory>

#include "fata/ip/heap_buffers.hpp"
#include "fata/ip/transport.hpp"

namespace fata::ip {

class Reassembly {
 public:
  // Packets in reassembly at a time, and contiguous ranges in each. Above the first bound, the
  // oldest packet is abandoned; above the second, the packet itself.
  static constexpr std::size_t kPackets = 64;
  static constexpr std::size_t kRanges = 32;
  // Room for the headers that precede the first fragment's data.
  static constexpr std::size_t kHeader = 192;

  struct Key {
    IpAddress source;
    IpAddress destination;
    std::uint32_t identification = 0;
    std::uint8_t protocol = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Fragment {
    Key key;
    std::size_t offset = 0;
    bool more = false;
    std::size_t most = 65535;  // the maximum length of the packet without `header`
    // The headers that precede the data in the whole packet, at most kHeader bytes; used if offset
    // is 0.
    Bytes header;
    Bytes data;
    Ecn ecn = Ecn::kNotCapable;
    bool unicast = true;
  };
  enum class Outcome : std::uint8_t { kWaits, kComplete, kOverlap, kMalformed, kNoRoom };
  struct Result {
    Outcome outcome = Outcome::kWaits;
    // kComplete: the header and all data in one buffer.
    PacketBuf packet{};
    std::size_t header_size = 0;
    Ecn ecn = Ecn::kNotCapable;
    bool unicast = true;
  };

  // Buffers of incomplete and of completed packets come from `memory`.
  Reassembly(HeapBuffers& memory, Duration timeout) : memory_(&memory), timeout_(timeout) {}

  Result add(const Fragment& fragment, Instant now);

  Instant next_deadline() const { return next_deadline_; }
  // Drops packets that have timed out. For each one whose first fragment arrived, calls
  // `expired(PacketBuf start, bool unicast)` with that fragment's header and the contiguous data
  // after it.
  template <class F>
  void tick(Instant now, F expired) {
    if (now < next_deadline_) return;
    next_deadline_ = Instant::never();
    for (auto& each : packets_) {
      if (!each) continue;
      if (now < each->deadline) {
        next_deadline_ = std::min(next_deadline_, each->deadline);
        continue;
      }
      ++timed_out_;
      const bool unicast = each->unicast;
      PacketBuf start = start_of(*each);
      each.reset();
      if (start) expired(std::move(start), unicast);
    }
  }
  std::uint64_t timed_out() const { return timed_out_; }
  std::uint64_t given_up() const { return given_up_; }
  std::size_t waiting() const;

 private:
  struct Range {
    std::uint16_t begin = 0;
    std::uint16_t end = 0;
  };
  struct Partial {
    Key key;
    Instant deadline{};
    PacketBuf buffer;  // the data from offset 0, after kHeader bytes of headroom
    std::array<Range, kRanges> ranges{};
    std::size_t range_count = 0;
    std::size_t total = 0;  // 0: unknown
    // Bytes of the buffer without received data.
    std::size_t waste() const;
    std::array<std::byte, kHeader> header{};
    std::size_t header_size = 0;
    Ecn ecn = Ecn::kNotCapable;
    bool unicast = true;
    bool refused = false;
  };

  Partial* find(const Key& key);
  Partial& make(const Key& key, Instant now);
  // Makes room for data up to `end`. Other packets are abandoned if needed, those with the most
  // unused memory first.
  bool grow(Partial& packet, std::size_t end);
  void give_up_oldest();
  bool give_up_emptiest(const Partial& but);
  static Outcome insert(Partial& packet, std::size_t begin, std::size_t end, Bytes data);
  static PacketBuf start_of(Partial& packet);

  HeapBuffers* memory_;
  Duration timeout_;
  std::array<std::unique_ptr<Partial>, kPackets> packets_;
  Instant next_deadline_ = Instant::never();
  std::uint64_t timed_out_ = 0;
  std::uint64_t given_up_ = 0;
};

}  // namespace fata::ip
