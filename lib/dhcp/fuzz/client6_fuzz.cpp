// Passes hostile replies, time and address conflicts to a DHCPv6 client. The address in use must
// match the client's state, a lease's times must be in order, each step may send at most 2
// messages, and a client that waits must have a deadline.
#include <vector>

#include "fata/dhcp/v6/client.hpp"
#include "input.hpp"

namespace {

using namespace fata;
using namespace fata::dhcp::v6;

using fata::fuzz::require;
constexpr MacAddress kUs{{std::byte{2}, {}, {}, {}, {}, std::byte{1}}};
constexpr std::array kHead{std::byte{0}, std::byte{1}, std::byte{0}, std::byte{10}, std::byte{0},
                           std::byte{3}, std::byte{0}, std::byte{1}, std::byte{2},  std::byte{0},
                           std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1},  std::byte{0},
                           std::byte{2}, std::byte{0}, std::byte{3}, std::byte{0},  std::byte{9}};

class World final : public Outside {
 public:
  void send(Bytes message, Instant) override {
    require(message.size() >= 24 && message.size() <= Request::kMax);
    xid = load_be<std::uint32_t>(message) & 0xffffff;
    ++sent;
  }
  void event(Event what, const Lease& lease, Instant now) override {
    if (what == Event::kCheck) {
      require(used.is_any() && !lease.address.is_any());
      used = lease.address;
    }
    if (what == Event::kBound || what == Event::kRenewed) {
      require(used == lease.address);
      require(lease.renewal <= lease.rebinding && lease.rebinding <= lease.end &&
              (lease.end > now || what == Event::kBound));
    }
    if (what == Event::kLost) {
      require(used == lease.address);
      used = {};
    }
  }
  std::uint32_t xid = 0;
  unsigned sent = 0;
  IpAddress used;
};

// A message with a valid header, this client's identifier, a server's, and options from the input.
std::vector<std::byte> answer(std::uint32_t xid, bool advertise, std::byte server, Bytes more) {
  std::vector<std::byte> message(4);
  store_be(MutableBytes(message), (advertise ? 0x02000000U : 0x07000000U) | xid);
  message.insert(message.end(), kHead.begin(), kHead.end());
  message.push_back(server);
  message.insert(message.end(), more.begin(), more.end());
  return message;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in(std::as_bytes(std::span(data, size)));
  World world;
  Client client({.mac = kUs}, {3, 4}, world);
  Instant now = Instant{} + seconds(1);
  client.start(in.u8() % 2 == 0 ? Need::kSettings : Need::kAddress, now);
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
      case 5:
        if (what == 5) client.start(Need::kAddress, now);
        if (what == 13) client.renew({what, in.u8()}, now);
        break;
      default: {
        const std::byte server{in.u8()};
        const Bytes more = in.take(std::min<std::size_t>(in.u8(), in.remaining()));
        client.receive(answer(world.xid, what % 8 == 6, server, more), now);
      }
    }
    client.tick(now);
    require(world.sent - sent <= 2);
    const bool checking = client.state() == Client::State::kChecking;
    require((client.has_address() || checking) == !world.used.is_any());
    const bool waits =
        client.state() == Client::State::kInformed || client.has_address() || checking;
    require(waits || !client.next_deadline().is_never());
  }
  client.release(now);
  require(world.used.is_any() && client.next_deadline().is_never());
  return 0;
}
