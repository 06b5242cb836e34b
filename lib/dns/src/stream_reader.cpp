#include "fata/dns/stream_reader.hpp"

#include <utility>

namespace fata::dns {

void StreamReader::consume(std::size_t count) {
  Slice& front = slices_.front();
  front.trim_front(count);
  if (front.empty()) slices_.erase(slices_.begin());
}

bool StreamReader::next(Bytes& message) {
  if (spent_ != 0) consume(std::exchange(spent_, 0));
  while (!slices_.empty()) {
    const Bytes front = slices_.front().bytes();
    if (have_ == 0 && front.size() >= 2) {
      const std::size_t length = load_be<std::uint16_t>(front);
      if (front.size() >= 2 + length) {
        message = front.subspan(2, length);
        spent_ = 2 + length;
        return true;
      }
    }
    // The message goes on in the next slice: gather it.
    const std::size_t wanted = have_ < 2 ? 2 : 2 + std::size_t{load_be<std::uint16_t>(assembled_)};
    if (assembled_.size() < wanted) assembled_.resize(wanted);
    const std::size_t taken = copy_bytes(MutableBytes(assembled_).subspan(have_, wanted - have_), front);
    have_ += taken;
    consume(taken);
    if (have_ < 2 || have_ < 2 + std::size_t{load_be<std::uint16_t>(assembled_)}) continue;
    message = Bytes(assembled_).subspan(2, have_ - 2);
    have_ = 0;
    return true;
  }
  return false;
}

}  // namespace fata::dns
