// The framing of DNS over streams (RFC 1035 section 4.2.2): each message after its length in two octets.
#pragma once

#include <vector>

#include "fata/base/packet.hpp"

namespace fata::dns {

// Takes slices as they come and gives whole messages; a message that lies in one slice is not copied.
class StreamReader {
 public:
  void push(Slice slice) {
    if (!slice.empty()) slices_.push_back(std::move(slice));
  }
  // True when a whole message is there; `message` is valid until the next call. At most 65,535 octets are kept.
  bool next(Bytes& message);
  // True between messages: the peer may close here without losing any.
  bool at_boundary() const { return have_ == 0 && slices_.empty(); }

 private:
  void consume(std::size_t count);

  std::vector<Slice> slices_;       // few: what one read gave, or the parts of one message
  std::vector<std::byte> assembled_;  // the length and what has come of a message that spans slices
  std::size_t have_ = 0;              // how much of `assembled_` is filled
  std::size_t spent_ = 0;             // octets of the front slice that the last message occupied
};

}  // namespace fata::dns
