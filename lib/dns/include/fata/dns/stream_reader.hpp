// The framing of DNS over streams (RFC 1035 section 4.2.2): each message follows its length in two
// octets.
#pragma once

#include <vector>

#include "fata/base/packet.hpp"

namespace fata::dns {

// The memory budget for incomplete messages of all streams of a server.
class GatherBudget {
 public:
  explicit GatherBudget(std::size_t limit) : limit_(limit) {}

  bool take(std::size_t bytes) {
    if (bytes > limit_ - used_) return false;
    used_ += bytes;
    return true;
  }
  void release(std::size_t bytes) { used_ -= bytes; }
  std::size_t used() const { return used_; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
};

enum class Gathered : std::uint8_t {
  kNothing,  // more bytes are needed
  kMessage,  // a complete message
  kTooLong,  // the next message exceeds the reader's limit; final
  kNoRoom,   // other streams use up the budget; final
};

// Takes slices as received and returns complete messages; a message within one slice is not copied.
// Other messages are gathered in memory that grows with the received data, not with the length
// announced by the peer: at most `max_message` octets plus the length field. Everything beyond kOwn
// is drawn from the budget.
class StreamReader {
 public:
  // Enough for every query without padding; always available to a stream.
  static constexpr std::size_t kOwn = 514;

  // The budget must outlive the reader. `max_message` is at most 65,535.
  StreamReader(GatherBudget* budget, std::size_t max_message)
      : budget_(budget), max_message_(max_message) {}
  ~StreamReader() { budget_->release(charged_); }
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;

  // Call only after next() has returned kNothing, which leaves no slice.
  void push(Slice slice);
  // `message` is set for kMessage only, and valid until the next call.
  Gathered next(Bytes& message);
  // True between messages: here the peer may close without losing one.
  bool at_boundary() const { return gathered_.empty() && slice_.empty(); }

 private:
  Gathered gather(Bytes& message);
  bool reserve(std::size_t size, std::size_t needed);
  void drop_gathered();

  GatherBudget* budget_;
  std::size_t max_message_;
  Slice slice_;  // the rest of the last read
  // The length field and received part of a message that spans reads.
  std::vector<std::byte> gathered_;
  std::size_t charged_ = 0;     // the part of `gathered_`'s capacity charged to the budget
  std::size_t spent_ = 0;       // octets of the slice occupied by the last message
  bool gave_gathered_ = false;  // the last message was in `gathered_`
};

}  // namespace fata::dns
