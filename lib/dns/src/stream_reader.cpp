#include "fata/dns/stream_reader.hpp"

#include <algorithm>
#include <utility>

#include "fata/base/panic.hpp"

namespace fata::dns {

void StreamReader::push(Slice slice) {
  check(slice_.empty(), "a slice was pushed before the last one was read");
  slice_ = std::move(slice);
}

Gathered StreamReader::next(Bytes& message) {
  if (spent_ != 0) slice_.trim_front(std::exchange(spent_, 0));
  if (gave_gathered_) drop_gathered();
  if (gathered_.empty() && slice_.size() >= 2) {
    const Bytes front = slice_.bytes();
    const std::size_t length = load_be<std::uint16_t>(front);
    if (length > max_message_) return Gathered::kTooLong;
    if (front.size() >= 2 + length) {
      message = front.subspan(2, length);
      spent_ = 2 + length;
      return Gathered::kMessage;
    }
  }
  return gather(message);
}

// The message continues in the next slice.
Gathered StreamReader::gather(Bytes& message) {
  while (!slice_.empty()) {
    std::size_t wanted = 2;
    if (gathered_.size() >= 2) wanted += load_be<std::uint16_t>(gathered_);
    if (wanted > 2 + max_message_) return Gathered::kTooLong;
    const std::size_t count = std::min(wanted - gathered_.size(), slice_.size());
    if (!reserve(gathered_.size() + count, wanted)) return Gathered::kNoRoom;
    const Bytes taken = slice_.bytes().first(count);
    gathered_.insert(gathered_.end(), taken.begin(), taken.end());
    slice_.trim_front(count);
    if (gathered_.size() < 2) continue;
    if (gathered_.size() < 2 + std::size_t{load_be<std::uint16_t>(gathered_)}) continue;
    message = Bytes(gathered_).subspan(2);
    gave_gathered_ = true;
    return Gathered::kMessage;
  }
  slice_ = {};
  return Gathered::kNothing;
}

// Reserves `size` octets now. Doubles the capacity, so that single octets are copied only a few
// times, but at most to `needed`, the size of the whole message.
bool StreamReader::reserve(std::size_t size, std::size_t needed) {
  if (size <= gathered_.capacity()) return true;
  const std::size_t room =
      std::max(size, std::min(needed, std::max<std::size_t>(64, 2 * gathered_.capacity())));
  const std::size_t charge = room > kOwn ? room - kOwn : 0;
  if (charge > charged_ && !budget_->take(charge - charged_)) return false;
  charged_ = std::max(charge, charged_);
  gathered_.reserve(room);
  return true;
}

// The charged memory is released after each message; the stream's own part is kept for the next.
void StreamReader::drop_gathered() {
  gave_gathered_ = false;
  gathered_.clear();
  if (charged_ == 0) return;
  gathered_ = {};
  budget_->release(std::exchange(charged_, 0));
}

}  // namespace fata::dns
