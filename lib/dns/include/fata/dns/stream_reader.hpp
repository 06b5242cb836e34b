// The framing of DNS over streams (RFC 1035 section 4.2.2): each message after its length in two
// octets.
#pragma once

#include <vector>

#include "fata/base/packet.hpp"

namespace fata::dns {

// What all streams of a server may hold together of messages that are not yet whole.
class GatherBudget {
 public:
  explicit GatherBudget(std::size_t limit) : limit_(limit) {}

  bool take(std::size_t bytes) {
    if (bytes > limit_ - used_) return false;
    used_ += bytes;
    return true;
  }
  void give_back(std::size_t bytes) { used_ -= bytes; }
  std::size_t used() const { return used_; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
};

enum class Gathered : std::uint8_t {
  kNothing,  // more bytes are needed
  kMessage,  // a whole message
  kTooLong,  // the next message is longer than the reader takes; final
  kNoRoom,   // the budget is used up by other streams; final
};

// Takes slices as they come and returns whole messages; a message that lies in one slice is not
// copied. What has come of any other is gathered, in memory that grows with what has come and not
// with the length that the peer promised: at most `max_message` octets and their length, of which
// all beyond kOwn is drawn from the budget.
class StreamReader {
 public:
  // Enough for every query without padding; a stream has it whatever others hold.
  static constexpr std::size_t kOwn = 514;

  // The budget outlives the reader. `max_message` is at most 65,535.
  StreamReader(GatherBudget* budget, std::size_t max_message)
      : budget_(budget), max_message_(max_message) {}
  ~StreamReader() { budget_->give_back(charged_); }
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;

  // Only after next() has returned kNothing, which leaves no slice behind.
  void push(Slice slice);
  // `message` is set on kMessage only, and valid until the next call.
  Gathered next(Bytes& message);
  // True between messages: the peer may close here without losing any.
  bool at_boundary() const { return gathered_.empty() && slice_.empty(); }

 private:
  Gathered gather(Bytes& message);
  bool reserve(std::size_t size, std::size_t needed);
  void drop_gathered();

  GatherBudget* budget_;
  std::size_t max_message_;
  Slice slice_;                      // what is left of the last read
  std::vector<std::byte> gathered_;  // the length and what has come of a message that spans reads
  std::size_t charged_ = 0;          // of the capacity of `gathered_`, what the budget counts
  std::size_t spent_ = 0;            // octets of the slice that the last message occupied
  bool gave_gathered_ = false;       // the last message lay in `gathered_`
};

}  // namespace fata::dns
