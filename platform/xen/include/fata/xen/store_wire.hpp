// The wire of xenstore (xen/io/xs_wire.h) as a pure engine: requests go into a ring of 1 KiB piece
// by piece, replies and events of watches come out of another. It knows no event channels; nothing
// that the other side writes is trusted.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "fata/base/bytes.hpp"

namespace fata::xen {

class StoreWire {
 public:
  static constexpr std::size_t kMostPayload = 4096;
  static constexpr std::size_t kMostQueued = 64;  // requests that wait for the ring

  struct Message {
    std::uint32_t type = 0, id = 0;
    std::string payload;
  };

  // `page` is the shared page, which outlives this.
  explicit StoreWire(void* page) : page_(page) {}

  // False if too many wait already, or the payload is too long.
  bool send(std::uint32_t type, std::uint32_t id, std::uint32_t transaction,
            std::string_view payload);
  // Moves what can be moved. True if the other side is to be notified.
  bool pump();
  // The next whole message that came in.
  bool receive(Message& out);
  bool has_received() const;
  // The other side broke the protocol: nothing more is moved.
  bool broken() const { return broken_; }
  // As if nothing had been: after a restore the page is another one's.
  void restart();

 private:
  friend class LastRequest;
  // Puts what fits of `text` into the ring; how many bytes.
  std::size_t put(std::string_view text);
  bool push();
  // What came in and lies in one piece in the ring, until it is taken.
  std::string_view look();
  void take(std::size_t count);
  bool pull();

  void* page_;
  std::deque<std::string> out_;
  std::size_t out_done_ = 0;  // bytes of out_.front() that are in the ring
  std::string in_;            // what came in and is no whole message yet
  bool broken_ = false;
};

// The last request of an image: takes no heap, which may be damaged. What is half in the ring is
// completed, what waits for it is dropped, and nothing that comes in but this one's reply is looked
// at.
class LastRequest {
 public:
  // The wire is used no more but by this. `payload` is at most 48 bytes, what is beyond is cut.
  LastRequest(StoreWire& wire, std::uint32_t type, std::string_view payload);
  LastRequest(const LastRequest&) = delete;
  LastRequest& operator=(const LastRequest&) = delete;

  // Moves what can be moved. True if the other side is to be notified.
  bool pump();
  bool answered() const { return answered_; }

 private:
  static constexpr std::size_t kHeader = 16;
  static constexpr std::uint32_t kId = 0xffffffff;  // no other's
  void read(std::string_view text);

  StoreWire& wire_;
  std::array<char, kHeader + 48> message_{};
  std::string_view half_, left_;  // what is to be put: of the request before, of this one
  std::array<char, kHeader> header_{};
  std::size_t have_ = 0;  // bytes of the header of what comes in
  std::size_t skip_ = 0;  // bytes of its payload that are still to come
  bool answered_ = false;
};

// Payloads: parts that each end in a zero byte, but for the last one of a value.
std::string store_path(std::string_view path);
std::string store_pair(std::string_view first, std::string_view second);
// The first part of `text`, up to its zero byte, which is taken off with it.
std::string_view take_store_part(std::string_view& text);
// Numbers are written in decimal.
std::string store_text(std::uint64_t number);
std::optional<std::uint64_t> store_number(std::string_view text);

}  // namespace fata::xen
