// Simulates a hostile xenstore and hostile backends: states in any order, vanishing nodes, absurd
// values, and unrequested or missing replies. Meanwhile the domain is moved to other hosts. Once
// the input is used up, the store behaves correctly. Whatever happens, the drivers of NIC and disk
// must terminate and release every event channel and every grant.
#include <cstdint>
#include <map>
#include <string>

#include "fata/base/aligned.hpp"
#include "fata/sim/bus/store_daemon.hpp"
#include "fata/sim/bus/xen_domain.hpp"
#include "fata/xen/block.hpp"
#include "fata/xen/net.hpp"
#include "input.hpp"

using namespace fata;

namespace {

constexpr std::uint32_t kMaxRequests = 600;

class HostileStore {
 public:
  HostileStore(void* page, fuzz::Input& in) : daemon_(page), in_(in) {}

  // Answers requests or ignores them. Returns true if it did anything.
  bool turn() {
    daemon_.take(1024);
    bool any = false;
    while (const auto request = daemon_.next()) {
      any = true;
      answer(*request);
    }
    if (!tokens_.empty() && in_.byte() % 8 == 1) tell(in_.byte() % tokens_.size());
    return daemon_.give(1024) != 0 || any;
  }
  // Moves to another host, whose backends are not connected to this domain.
  void move() { front_ = 1; }
  bool is_exhausted() const { return requests_ > kMaxRequests; }

 private:
  void answer(const sim::StoreDaemon::Request& request) {
    ++requests_;
    const std::uint32_t type = request.header.type, id = request.header.req_id;
    std::string_view payload = request.payload;
    const std::string path(xen::take_store_part(payload));
    switch (is_exhausted() ? 0 : in_.byte()) {
      case 1:
        return;
      case 2:
        return daemon_.reply(XS_ERROR, id, std::string_view("EAGAIN\0", 7));
      case 3:
        return daemon_.reply(XS_ERROR, id, std::string_view("ENOENT\0", 7));
      case 4:
        return daemon_.reply(XS_ERROR, id, "");
      case 5:
        return daemon_.reply(in_.byte(), id, text());
      case 6:
        daemon_.reply(type, id, text());
        break;
      case 7:
        daemon_.reply(type, id + in_.byte(), text());
        break;
      case 8:
        return daemon_.reply(type, id, std::string(4096, static_cast<char>(in_.byte())));
      case 9:
        return daemon_.reply(type, id, number());
      case 10:
        return daemon_.reply(type, id, std::string(1, static_cast<char>('0' + in_.byte() % 9)));
      case 11:
        front_ = in_.byte() % 9;
        break;
      default:
        break;
    }
    honest(type, id, path, payload);
  }

  void honest(std::uint32_t type, std::uint32_t id, const std::string& path,
              std::string_view value) {
    if (type == XS_READ) {
      const std::string found = value_of(path);
      return found.empty() ? daemon_.reply(XS_ERROR, id, std::string_view("ENOENT\0", 7))
                           : daemon_.reply(type, id, found);
    }
    if (type == XS_DIRECTORY) return daemon_.reply(type, id, std::string_view("0\0", 2));
    if (type == XS_TRANSACTION_START) return daemon_.reply(type, id, std::string_view("7\0", 2));
    if (type == XS_WATCH && tokens_.size() < 64) {
      tokens_.push_back({path, std::string(xen::take_store_part(value))});
      daemon_.reply(type, id, std::string_view("OK\0", 3));
      return tell(tokens_.size() - 1);
    }
    if (type == XS_WRITE && path.ends_with("/state")) {
      front_ = xen::store_number(value).value_or(0);
      for (std::size_t i = 0; i < tokens_.size(); ++i) tell(i);
    }
    daemon_.reply(type, id, std::string_view("OK\0", 3));
  }

  std::string value_of(const std::string& path) const {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (name == "state")
      return front_ >= 3 && front_ <= 4 ? "4" : front_ == 5 || front_ == 6 ? "6" : "2";
    static const std::map<std::string, std::string> kNodes{
        {"backend", "/local/domain/0/backend/x/1/0"},
        {"backend-id", "0"},
        {"mac", "00:16:3e:00:00:01"},
        {"feature-rx-copy", "1"},
        {"feature-sg", "1"},
        {"feature-gso-tcpv4", "1"},
        {"sectors", "2048"},
        {"sector-size", "512"},
        {"feature-flush-cache", "1"},
        {"feature-max-indirect-segments", "64"},
        {"virtual-device", "51712"},
        {"online", "1"}};
    const auto found = kNodes.find(name);
    return found == kNodes.end() ? "" : found->second;
  }

  void tell(std::size_t which) {
    if (daemon_.waiting() > 100'000) return;
    const auto& [path, token] = tokens_[which];
    daemon_.reply(XS_WATCH_EVENT, 0, path + '\0' + token + '\0');
  }
  std::string text() {
    std::string made;
    for (std::uint32_t count = in_.byte() % 32; count != 0; --count)
      made += static_cast<char>(in_.byte());
    return made;
  }
  std::string number() {
    static constexpr std::uint64_t kNumbers[]{0,
                                              1,
                                              67,
                                              68,
                                              511,
                                              512,
                                              4096,
                                              65535,
                                              65536,
                                              0x7fef,
                                              0x7ff0,
                                              0xffffffff,
                                              std::uint64_t{1} << 54,
                                              std::uint64_t{1} << 63,
                                              ~std::uint64_t{0}};
    return xen::store_text(kNumbers[in_.byte() % std::size(kNumbers)]);
  }

  sim::StoreDaemon daemon_;
  fuzz::Input& in_;
  std::vector<std::pair<std::string, std::string>> tokens_;
  std::uint64_t front_ = 1;
  std::uint32_t requests_ = 0;
};

struct World {
  explicit World(fuzz::Input& input)
      : domain(platform), store(domain.page.data(), input), in(input) {
    platform.look_takes = milliseconds(20);
    platform.poll = [this, drivers = std::move(platform.poll)] {
      const bool any = !store.is_exhausted() && store.turn();
      return drivers() || any;
    };
  }
  sim::Platform platform;
  sim::XenDomain domain;
  HostileStore store;
  fuzz::Input& in;
};

void meddle(World& world) {
  if (world.in.empty()) return;
  switch (world.in.byte() % 8) {
    case 0:
      world.domain.migrate([&] { world.store.move(); });
      break;
    case 1: {
      auto& ring = world.domain.page[2048 + world.in.byte() % 16];  // an index of the rings
      ring = static_cast<std::byte>(world.in.byte());
      break;
    }
    default:
      break;
  }
}

async::Task<void> use_net(World* world) {
  async::Context context{world->platform.loop(), {}};
  auto device = co_await xen::NetDevice::connect(context, (world->in.byte() & 1) != 0);
  if (!device) co_return;
  for (unsigned step = 0; step < 16 && !world->in.empty(); ++step) {
    std::array<PacketBuf, 1> packet{(*device)->allocate(0)};
    if (packet[0]) {
      (void)packet[0].append(60);
      (void)(*device)->send(packet);
    }
    std::array<sig::RxFrame, 4> frames;
    (void)co_await (*device)->receive(frames, async::Wait::at_most(milliseconds(100)));
    meddle(*world);
  }
}

async::Task<void> use_block(World* world) {
  async::Context context{world->platform.loop(), {}};
  auto device = co_await xen::BlockDevice::connect(context);
  if (!device) co_return;
  const sig::BlockGeometry geometry = (*device)->geometry();
  check(geometry.sector_size >= 512 && geometry.sectors != 0 && geometry.parallel != 0, "geometry");
  AlignedBuffer buffer(geometry.sector_size, geometry.alignment);
  meddle(*world);
  (void)co_await (*device)->read(geometry.sectors - 1, buffer.bytes());
  (void)co_await (*device)->flush();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input in({data, size});
  World world(in);
  const bool is_net = (in.byte() & 1) != 0;
  world.platform.run([&] { return is_net ? use_net(&world) : use_block(&world); });
  check(world.domain.open_ports == 0, "an event channel is left");
  check(world.domain.grants.in_use() == 0, "a grant is left");
  return 0;
}
