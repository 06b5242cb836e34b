// The whole drivers of NIC and disk, in a simulated domain, against backends that behave: through
// xenstore, rings and grants, while backends come and go and the domain is moved to another host.
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "fata/base/aligned.hpp"
#include "fata/base/pool.hpp"
#include "fata/sim/bus/block_backend.hpp"
#include "fata/sim/bus/devices.hpp"
#include "fata/sim/bus/net_backend.hpp"
#include "fata/sim/bus/xen_domain.hpp"
#include "fata/sim/bus/xenstore.hpp"
#include "fata/xen/block.hpp"
#include "fata/xen/net.hpp"

namespace fata::xen {
namespace {

using Words = std::vector<std::pair<const char*, const char*>>;

// A device of the domain, with its backend in dom0.
class World {
 public:
  World(std::string front, Words own, Words offered)
      : front_(std::move(front)), own_(std::move(own)), offered_(std::move(offered)) {
    store.written = [this](const std::string& path, const std::string& value) {
      if (path == front_ + "/state") follow(value);
    };
    platform.look_takes = microseconds(10);
    platform.poll = [this] {
      bool any = store.turn();
      any = work() || any;
      return sim::devices().poll() || any;
    };
    domain.wait = [this] { work(); };
    place("/local/domain/0/backend/1");
  }
  virtual ~World() = default;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // What a toolstack writes when it adds the device, or moves the domain.
  void place(const std::string& back) {
    back_ = back;
    for (const auto& [name, value] : offered_) store.put(back_ + "/" + name, value);
    store.put(front_ + "/backend", back_);
    store.put(front_ + "/backend-id", "0");
    for (const auto& [name, value] : own_) store.put(front_ + "/" + name, value);
    store.put(front_ + "/state", "1");
    set("2");
  }
  void set(const char* state) { store.put(back_ + "/state", state); }
  void close_backend() {
    leave();
    set("5");
  }
  void migrate() {
    domain.migrate([this] {
      leave();
      place("/local/domain/0/backend/2");
    });
  }
  // The backend lets go of all pages of the domain.
  virtual void leave() = 0;
  // All that the driver used is free again after its end.
  void expect_nothing_left() {
    EXPECT_EQ(domain.open_ports, 0U);
    EXPECT_EQ(domain.grants.in_use(), 0U);
  }

  sim::Platform platform;
  sim::XenDomain domain{platform};
  sim::Xenstore store{domain.page.data()};

 protected:
  GrantRef ref(const char* name) const {
    return static_cast<GrantRef>(store.number(front_ + "/" + name));
  }
  virtual bool work() = 0;
  virtual void connect(const std::string& state) = 0;

  std::string front_, back_;

 private:
  void follow(const std::string& state) {
    if (state == "3" || state == "4") connect(state);
    if (state == "6") {
      leave();
      set("6");
    }
    if (state == "1" && store.get(back_ + "/state") == "6") set("2");
  }

  Words own_, offered_;
};

// Sends each packet back.
class EchoWorld final : public World {
 public:
  EchoWorld()
      : World("device/vif/0", {{"mac", "00:16:3e:00:00:01"}, {"mtu", "1500"}},
              {{"feature-rx-copy", "1"},
               {"feature-sg", "1"},
               {"feature-gso-tcpv4", "1"},
               {"feature-ipv6-csum-offload", "1"}}) {}

  void leave() override {
    backend_.reset();
    waiting_.clear();
  }

  std::mt19937 random{7};
  std::size_t echoed = 0;

 private:
  bool work() override {
    if (!backend_) return false;
    bool any = false, notify = false;
    while (auto packet = backend_->take()) {
      waiting_.push_back(std::move(*packet));
      any = true;
    }
    while (backend_->unanswered() != 0) backend_->answer_one(random);
    while (!waiting_.empty() && backend_->give(waiting_.front(), random, notify)) {
      waiting_.pop_front();
      ++echoed;
      any = true;
    }
    return any;
  }
  void connect(const std::string&) override {
    backend_.emplace(domain.host, 0, ref("tx-ring-ref"), ref("rx-ring-ref"));
    set("4");
  }
  std::optional<sim::NetBackend> backend_;
  std::deque<sim::NetBackend::Packet> waiting_;
};

std::vector<std::byte> joined(Bytes bytes, const BufferChain& chain) {
  std::vector<std::byte> all(bytes.begin(), bytes.end());
  for (const Slice& piece : chain.pieces())
    all.insert(all.end(), piece.bytes().begin(), piece.bytes().end());
  return all;
}

void fill(MutableBytes bytes, std::mt19937& random) {
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
}

// Sends packets of one to many pages, and expects each to come back unchanged and in order.
async::Task<void> exchange(EchoWorld* world, NetDevice* device, unsigned count) {
  BufferPool pieces(8, 20000);
  std::deque<std::vector<std::byte>> expected;
  for (unsigned sent = 0; sent < count;) {
    for (unsigned i = 0; i < 3 && sent < count; ++i, ++sent) {
      std::array<PacketBuf, 1> packet{device->allocate(world->random() % 64)};
      if (!packet[0]) break;
      fill(packet[0].append(1 + world->random() % 1400), world->random);
      if (sent % 3 == 0) {
        PacketBuf piece = pieces.allocate(0);
        fill(piece.append(1 + world->random() % 20000), world->random);
        packet[0].chain().push(Slice(std::move(piece)));
      }
      expected.push_back(joined(packet[0].bytes(), packet[0].chain()));
      EXPECT_EQ(device->send(packet), 1U);
    }
    while (!expected.empty()) {
      std::array<sig::RxFrame, 4> frames;
      const auto got = co_await device->receive(frames, async::Wait::at_most(seconds(1)));
      if (!got) {
        ADD_FAILURE() << expected.size() << " packets are missing after " << sent;
        co_return;
      }
      for (std::size_t i = 0; i < *got; ++i) {
        EXPECT_EQ(joined(frames[i].frame.bytes(), frames[i].more), expected.front());
        expected.pop_front();
      }
    }
  }
}

// Sends until a packet comes back; those on the way meanwhile are lost.
async::Task<bool> reaches(EchoWorld* world, NetDevice* device) {
  const std::size_t before = world->echoed;
  for (int i = 0; i < 100; ++i) {
    std::array<PacketBuf, 1> packet{device->allocate(0)};
    if (packet[0]) {
      (void)packet[0].append(60);
      (void)device->send(packet);
    }
    std::array<sig::RxFrame, 4> frames;
    if (co_await device->receive(frames, async::Wait::at_most(milliseconds(100))) &&
        world->echoed > before)
      break;
  }
  // What was sent meanwhile arrives before the next packets do.
  std::array<sig::RxFrame, 16> late;
  while (co_await device->receive(late, async::Wait::at_most(milliseconds(100)))) {
  }
  co_return world->echoed > before;
}

async::Task<void> use_nic(EchoWorld* world) {
  async::Context context{world->platform.loop(), {}};
  auto connected = co_await NetDevice::connect(context);
  if (!connected) {
    ADD_FAILURE() << connected.error().message();
    co_return;
  }
  NetDevice* const device = connected->get();
  EXPECT_TRUE(device->features().gather && device->features().tso4 && !device->features().tso6);
  co_await exchange(world, device, 300);
  world->close_backend();
  co_await async::sleep(seconds(1));
  world->set("2");
  EXPECT_TRUE(co_await reaches(world, device)) << "after a backend that came back";
  co_await exchange(world, device, 50);
  world->migrate();
  EXPECT_TRUE(co_await reaches(world, device)) << "on another host";
  co_await exchange(world, device, 50);
  world->leave();
}

TEST(Frontend, ANicExchangesPacketsWhileBackendsComeAndGo) {
  EchoWorld world;
  world.platform.run([&] { return use_nic(&world); });
  world.expect_nothing_left();
}

// A disk in memory.
class DiskWorld final : public World {
 public:
  static constexpr std::size_t kSectors = 4096;

  DiskWorld()
      : World("device/vbd/51712", {{"virtual-device", "51712"}}, {{"online", "1"}}),
        disk(kSectors * 512) {}

  void leave() override { backend_.reset(); }

  std::vector<std::byte> disk;
  std::size_t performed = 0;
  // Closes the backend when it has taken so many requests more, without an answer to the last.
  std::optional<std::size_t> close_after;

 private:
  bool work() override {
    bool any = false;
    while (backend_) {
      const auto request = backend_->take();
      if (!request) break;
      any = true;
      if (close_after && (*close_after)-- == 0) {
        close_after.reset();
        close_backend();
        break;
      }
      ++performed;
      if (request->operation == BLKIF_OP_READ || request->operation == BLKIF_OP_WRITE)
        backend_->perform(*request, disk);
      backend_->answer(*request);
    }
    return any;
  }
  void connect(const std::string& state) override {
    if (state == "4") return;
    backend_.emplace(domain.host, 0, ref("ring-ref"), true);
    store.put(back_ + "/sectors", "4096");
    store.put(back_ + "/sector-size", "512");
    store.put(back_ + "/feature-flush-cache", "1");
    store.put(back_ + "/feature-max-indirect-segments", "64");
    set("4");
  }
  std::optional<sim::BlockBackend> backend_;
};

// Writes pieces of the disk, reads them back, and compares the disk itself.
async::Task<void> write_and_read(DiskWorld* world, BlockDevice* device, std::mt19937* random,
                                 unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    const std::size_t sectors = 1 + (*random)() % 200;
    const std::uint64_t at = (*random)() % (DiskWorld::kSectors - sectors);
    AlignedBuffer data(sectors * 512, 4096), back(sectors * 512, 4096);
    fill(data.bytes(), *random);
    EXPECT_TRUE(co_await device->write(at, data.bytes()));
    EXPECT_TRUE(co_await device->flush());
    EXPECT_TRUE(co_await device->read(at, back.bytes()));
    EXPECT_TRUE(std::ranges::equal(data.bytes(), back.bytes()));
    EXPECT_TRUE(
        std::ranges::equal(data.bytes(), std::span(world->disk).subspan(at * 512, sectors * 512)));
  }
}

async::Task<void> use_disk(DiskWorld* world) {
  async::Context context{world->platform.loop(), {}};
  auto connected = co_await BlockDevice::connect(context);
  if (!connected) {
    ADD_FAILURE() << connected.error().message();
    co_return;
  }
  BlockDevice* const device = connected->get();
  EXPECT_EQ(device->geometry().sectors, DiskWorld::kSectors);
  std::mt19937 random(3);
  co_await write_and_read(world, device, &random, 40);
  for (std::size_t requests = 0; requests < 12; ++requests) {
    world->close_after = requests;
    co_await write_and_read(world, device, &random, 5);
    EXPECT_FALSE(world->close_after) << "the backend never closed";
  }
  for (int i = 0; i < 3; ++i) {
    world->migrate();
    co_await write_and_read(world, device, &random, 10);
  }
  world->leave();
}

TEST(Frontend, ADiskKeepsItsDataWhileBackendsComeAndGo) {
  DiskWorld world;
  world.platform.run([&] { return use_disk(&world); });
  world.expect_nothing_left();
}

}  // namespace
}  // namespace fata::xen
