// Passes hostile replies, time and address conflicts to a DHCP client. The address in use must
// match the client's state, a lease's times must be in order, and each step may send at most 3
// messages.
#include <vector>

#include "fata/dhcp/client.hpp"
#include "input.hpp"

namespace {

using namespace fata;
using namespace fata::dhcp;

using fata::fuzz::require;
constexpr MacAddress kUs{{std::byte{2}, {}, {}, {}, {}, std::byte{1}}};

class World final : public Outside {
 public:
  void send(Bytes message, Ipv4Address from, Ipv4Address to, Instant) override {
    require(message.size() >= 300 && message.size() <= Request::kMax);
    require(from.is_any() ? to.is_limited_broadcast() : from == used);
    xid = load_be<std::uint32_t>(message.subspan(4));
    ++sent;
  }
  void event(Event what, const Lease& lease, Instant now) override {
    if (what == Event::kCheck) {
      require(used.is_any() && !lease.address.address.is_any());
      used = lease.address.address;
    }
    if (what == Event::kBound || what == Event::kRenewed) {
      require(used == lease.address.address);
      require(lease.renewal <= lease.rebinding && lease.rebinding <= lease.end &&
              (lease.end > now || what == Event::kBound));
    }
    if (what == Event::kLost) {
      require(used == lease.address.address);
      used = {};
    }
  }
  std::uint32_t xid = 0;
  unsigned sent = 0;
  Ipv4Address used;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in(std::as_bytes(std::span(data, size)));
  World world;
  Client client({.mac = kUs}, {3, 4}, world);
  Instant now = Instant{} + seconds(1);
  client.start(now);
  while (in.ok() && !in.at_end()) {
    const std::uint8_t what = in.u8();
    const unsigned sent = world.sent;
    switch (what % 8) {
      case 0:
        now = now + milliseconds(in.u32());
        break;
      case 1:
        now = std::max(now, client.next_deadline().is_never() ? now : client.next_deadline());
        break;
      case 2:
        client.address_ready(now);
        break;
      case 3:
        client.address_taken(now);
        break;
      case 4:
        client.receive(in.take(in.u16() % 1500), now);
        break;
      default: {
        // A message with a valid header and options from the input.
        std::vector<std::byte> message(240);
        ByteWriter head(message);
        head.u32(0x02010600);
        head.u32(world.xid);
        head.u64(0);
        head.u32(0x0a000000 | in.u8());
        head.u64(0);
        head.bytes(kUs.octets);
        store_be(MutableBytes(message).subspan(236), std::uint32_t{0x63825363});
        const auto put = [&](int code, Bytes value) {
          message.push_back(static_cast<std::byte>(code));
          message.push_back(static_cast<std::byte>(value.size()));
          message.insert(message.end(), value.begin(), value.end());
        };
        const std::byte kind{static_cast<std::uint8_t>(what % 8 == 5 ? 2 : what % 8 == 6 ? 5 : 6)};
        put(53, std::span(&kind, 1));
        put(54, std::array{std::byte{10}, std::byte{}, std::byte{}, std::byte{2}});
        const Bytes more = in.take(std::min<std::size_t>(in.u8(), in.remaining()));
        message.insert(message.end(), more.begin(), more.end());
        client.receive(message, now);
      }
    }
    client.tick(now);
    require(world.sent - sent <= 3);
    require(client.has_address()
                ? !world.used.is_any()
                : client.state() == Client::State::kChecking || world.used.is_any());
  }
  client.release(now);
  return 0;
}
