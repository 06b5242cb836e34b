// Simulates a hostile xenstore daemon, which writes arbitrary data into the shared page (its rings
// and their indexes) and sends arbitrary replies. Replies are matched to requests as in
// bus::xen::Store. Each request must end at most once, memory must stay bounded, and the wire must
// work after a restart.
#include <cstdint>
#include <map>
#include <vector>

#include "fata/base/bytes.hpp"
#include "fata/base/panic.hpp"
#include "fata/bus/xen/store_wire.hpp"
#include "fata/sim/bus/store_daemon.hpp"

using namespace fata;
using namespace fata::bus::xen;

namespace {

struct Page {
  alignas(4096) std::byte bytes[4096]{};
};

class Game {
 public:
  explicit Game(Bytes input) : in_(input) {}

  void play() {
    while (in_.ok() && !in_.at_end()) step();
    LastRequest last(wire_, XS_WRITE, "last words");
    for (int i = 0; i < 4; ++i) last.pump();
    page_ = {};
    wire_.restart();
    waiting_.clear();
    sim::StoreDaemon good(&page_);
    check(wire_.send(XS_READ, 7, 0, store_path("a")), "a request after a restart");
    wire_.pump();
    good.take(1000);
    check(good.next().has_value(), "the request did not arrive");
    good.reply(XS_READ, 7, "value");
    good.give(1000);
    wire_.pump();
    StoreWire::Message message;
    check(wire_.receive(message) && message.payload == "value", "the reply did not arrive");
  }

 private:
  struct Request {
    std::uint32_t type;
    bool done = false;
  };

  void step() {
    auto& ring = *reinterpret_cast<xenstore_domain_interface*>(&page_);
    switch (in_.u8() % 8) {
      case 0: {
        if (waiting_.size() == 48) waiting_.erase(waiting_.begin());
        const std::uint32_t type = in_.u8() % 24;
        if (wire_.send(type, ++next_id_, in_.u8(), std::string(in_.u16() % 5000, 'p')))
          waiting_[next_id_] = {type};
        break;
      }
      case 1:
        pump();
        break;
      case 2: {
        const std::size_t at = in_.u16() % sizeof(Page);
        copy_bytes(MutableBytes(page_.bytes).subspan(at),
                   in_.take(std::min<std::size_t>(in_.u8(), in_.remaining())));
        break;
      }
      case 3:
        ring.req_cons = ring.req_prod - in_.u8() % 4;
        break;
      case 4:
        ring.rsp_prod = ring.rsp_cons + in_.u16();
        break;
      case 5:  // a well-formed message with any content
        put({in_.u8() % 24U, next_id_ - in_.u8() % 50U, 0, 0},
            in_.take(std::min<std::size_t>(in_.u8(), in_.remaining())));
        break;
      case 6:
        put({XS_WATCH_EVENT, 0, 0, 0}, as_bytes(std::string_view("path\0"
                                                                 "17\0",
                                                                 8)));
        break;
      case 7:
        if (in_.u8() % 16 == 0) wire_.restart();
        break;
    }
  }
  void put(xsd_sockmsg header, Bytes payload) {
    auto& ring = *reinterpret_cast<xenstore_domain_interface*>(&page_);
    header.len = static_cast<std::uint32_t>(payload.size());
    std::vector<std::byte> all(sizeof header + payload.size());
    std::memcpy(all.data(), &header, sizeof header);
    copy_bytes(MutableBytes(all).subspan(sizeof header), payload);
    for (const std::byte byte : all)
      ring.rsp[MASK_XENSTORE_IDX(ring.rsp_prod++)] = static_cast<char>(byte);
  }

  void pump() {
    std::size_t bytes = 0;
    for (bool moved = true; moved;) {
      moved = wire_.pump();
      StoreWire::Message message;
      while (wire_.receive(message)) {
        check(!wire_.broken() && message.payload.size() <= StoreWire::kMaxPayload, "a message");
        bytes += sizeof(xsd_sockmsg) + message.payload.size();
        dispatch(message);
      }
    }
    check(bytes <= sizeof(xsd_sockmsg) + StoreWire::kMaxPayload + 2 * XENSTORE_RING_SIZE,
          "more came out than went in");
    if (wire_.broken()) check(!wire_.pump(), "a broken wire moves on");
  }
  void dispatch(StoreWire::Message& message) {
    std::string_view rest = message.payload;
    if (message.type == XS_WATCH_EVENT) {
      take_store_part(rest);
      if (const std::string_view token = take_store_part(rest); token == store_text(17)) ++events_;
      return;
    }
    const auto found = waiting_.find(message.id);
    if (found == waiting_.end() || found->second.done) return;
    found->second.done = true;
    for (std::size_t left = message.payload.size() + 1; !rest.empty();) {
      const std::string_view part = take_store_part(rest);
      check(part.size() + rest.size() < left, "taking parts does not end");
      left = rest.size() + 1;
      (void)store_number(part);
    }
  }

  ByteReader in_;
  Page page_;
  StoreWire wire_{&page_};
  std::uint32_t next_id_ = 1;
  std::map<std::uint32_t, Request> waiting_;
  std::size_t events_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Game(std::as_bytes(std::span(data, size))).play();
  return 0;
}
