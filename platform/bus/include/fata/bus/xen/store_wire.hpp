// The wire protocol of xenstore (xen/io/xs_wire.h) as a pure engine. Requests go piece by piece
// into a ring of 1 KiB, and replies and watch events come out of another. The engine uses no event
// channels, and trusts nothing that the other side writes.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "fata/base/bytes.hpp"

namespace fata::bus::xen {

class StoreWire {
 public:
  static constexpr std::size_t kMaxPayload = 4096;
  static constexpr std::size_t kMaxQueued = 64;  // requests waiting for the ring

  struct Message {
    std::uint32_t type = 0, id = 0;
    std::string payload;
  };

  // `page` is the shared page, which must outlive this object.
  explicit StoreWire(void* page) : page_(page) {}

  // Returns false if kMaxQueued requests are waiting, or the payload is too long.
  bool send(std::uint32_t type, std::uint32_t id, std::uint32_t transaction,
            std::string_view payload);
  // Moves as much data as possible. Returns true if the other side must be notified.
  bool pump();
  // The next complete message received.
  bool receive(Message& out);
  bool has_received() const;
  // True after the other side broke the protocol: no more data is moved.
  bool broken() const { return broken_; }
  // Resets everything: after a restore, another xenstore uses the page.
  void restart();

 private:
  friend class LastRequest;
  // Puts as much of `text` as fits into the ring; returns the number of bytes.
  std::size_t put(std::string_view text);
  bool push();
  // Received data that is contiguous in the ring, until take() removes it.
  std::string_view look();
  void take(std::size_t count);
  bool pull();

  void* page_;
  std::deque<std::string> out_;
  std::size_t out_done_ = 0;  // bytes of out_.front() already in the ring
  std::string in_;            // received data, not a complete message yet
  bool broken_ = false;
};

// The last request of an image: it does not use the heap, which may be corrupt. A half-sent request
// is completed, waiting requests are dropped, and everything received is ignored except the reply
// to this request.
class LastRequest {
 public:
  // Nothing else may use the wire afterwards. `payload` is at most 48 bytes; the rest is cut off.
  LastRequest(StoreWire& wire, std::uint32_t type, std::string_view payload);
  LastRequest(const LastRequest&) = delete;
  LastRequest& operator=(const LastRequest&) = delete;

  // Moves as much data as possible. Returns true if the other side must be notified.
  bool pump();
  bool answered() const { return answered_; }

 private:
  static constexpr std::size_t kHeader = 16;
  static constexpr std::uint32_t kId = 0xffffffff;  // unused by other requests
  void read(std::string_view text);

  StoreWire& wire_;
  std::array<char, kHeader + 48> message_{};
  // Data to put into the ring: the rest of the previous request, then the rest of this one.
  std::string_view half_, left_;
  std::array<char, kHeader> header_{};
  std::size_t have_ = 0;  // received bytes of the current header
  std::size_t skip_ = 0;  // bytes of its payload still to receive
  bool answered_ = false;
};

// A payload consists of parts that each end in a NUL byte, except the last part of a value.
std::string store_path(std::string_view path);
std::string store_pair(std::string_view first, std::string_view second);
// Removes and returns the first part of `text`; its NUL byte is removed, too.
std::string_view take_store_part(std::string_view& text);
// Numbers are in decimal.
std::string store_text(std::uint64_t number);
std::optional<std::uint64_t> store_number(std::string_view text);

}  // namespace fata::bus::xen
