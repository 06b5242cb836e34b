// Passes hostile replies, time and steps of the host's clock to an SNTP client. Requests to one
// server must be at least 64 s apart, a reply without the cookie must have no effect, and an error
// bound is never negative.
#include <algorithm>

#include "fata/sntp/client.hpp"
#include "input.hpp"

namespace {

using namespace fata;
using namespace fata::sntp;
using fata::fuzz::require;

constexpr std::size_t kServers = 4;
Endpoint server(std::size_t number) {
  return {Ipv4Address::of(10, 0, 0, static_cast<std::uint8_t>(number)), kPort};
}

class World final : public Outside {
 public:
  void sent_to(const IpAddress& to, Bytes request) {
    const std::size_t number = to.v4().value & 0xff;
    require(number < kServers);
    require(!asked[number] || now - sent[number] >= seconds(64));
    asked[number] = true;
    sent[number] = now;
    cookie[number] = load_be<std::uint64_t>(request.subspan(40));
  }
  WallReading host(Instant at) override {
    return {{1'767'225'600'000'000'000 + at.ns + ahead.ns}, seconds(1)};
  }
  void correct(const WallReading& utc, Instant) override {
    require(utc.error >= Duration{} && utc.error < seconds(100'000));
    ++corrections;
  }
  void follow_host() override {}
  void event(Event) override {}

  Instant now{1};
  Duration ahead{};
  unsigned corrections = 0;
  std::array<bool, kServers> asked{};
  std::array<Instant, kServers> sent{};
  std::array<std::uint64_t, kServers> cookie{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in(std::as_bytes(std::span(data, size)));
  World world;
  Client client({3, 4}, world);
  std::array<IpAddress, kServers> servers;
  for (std::size_t i = 0; i < kServers; ++i) servers[i] = server(i).address;
  const auto tick = [&] {
    std::array<std::byte, kMessageSize> request;
    while (const IpAddress* to = client.tick(world.now, request)) world.sent_to(*to, request);
  };
  client.use(servers, world.now);
  while (in.ok() && !in.at_end()) {
    switch (const std::uint8_t what = in.u8(); what % 8) {
      case 0:
        world.now = world.now + milliseconds(in.u32() % 4'000'000);
        tick();
        break;
      case 1:
        world.now = std::max(world.now, client.next_deadline());
        if (world.now.is_never()) return 0;  // every server has denied service
        tick();
        break;
      case 2:
        world.ahead = milliseconds(static_cast<std::int32_t>(in.u32()));
        tick();
        break;
      case 3:
        client.renew({in.u64(), 5}, world.now);
        break;
      case 4: {  // without the cookie, unless the input has guessed it
        const unsigned before = world.corrections;
        client.receive(in.take(std::min<std::size_t>(in.u8(), in.remaining())),
                       server(what / 8 % 8), world.now);
        require(world.corrections == before);
        break;
      }
      default: {
        const std::size_t number = what / 8 % kServers;
        std::array<std::byte, kMessageSize> message{};
        copy_bytes(message, in.take(std::min(kMessageSize, in.remaining())));
        store_be(MutableBytes(message).subspan(24), world.cookie[number]);
        client.receive(message, server(number), world.now);
      }
    }
  }
  return 0;
}
