// Setup, shutdown, reconnection and waiting of a NIC. Built for size, unlike the code that moves
// frames.
#include <charconv>

#include "fata/base/platform.hpp"
#include "fata/xen/net.hpp"

namespace fata::xen {
namespace {

NetQueue::Sizes sizes(bool roomy) {
  if (roomy) return {};
  return {.receive = 96, .spare = 32, .send = 192, .pages = 2 * 18};
}

std::optional<MacAddress> parse_mac(std::string_view text) {
  MacAddress mac{};
  for (std::size_t i = 0; i < mac.octets.size(); ++i) {
    unsigned value = 0;
    const std::string_view part = text.substr(0, text.find(':'));
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value, 16);
    if (error != std::errc{} || end != part.data() + part.size() || value > 0xff)
      return std::nullopt;
    mac.octets[i] = static_cast<std::byte>(value);
    text.remove_prefix(std::min(text.size(), part.size() + 1));
  }
  return mac;
}

}  // namespace

async::Task<Result<std::unique_ptr<NetDevice>>> NetDevice::connect(async::Context& context,
                                                                   bool offload, unsigned nth) {
  return open(context.logger("xen-net"), offload, context.memory >= kRoomy, nth, context.stop);
}

async::Task<Result<std::unique_ptr<NetDevice>>> NetDevice::open(Logger log, bool offload,
                                                                bool roomy, unsigned nth,
                                                                async::CancelToken stop) {
  const async::Wait wait = async::Wait::at_most(kTimeout, stop);
  Result<Frontend> frontend = co_await Frontend::claim(&store(), bus::DeviceKind::kNic, nth, wait);
  if (!frontend) co_return fail(frontend.error());
  auto device = std::make_unique<NetDevice>(log, std::move(*frontend), offload, roomy);
  const Result<void> started = co_await device->start(wait);
  if (!started) co_return fail(started.error());
  co_return device;
}

NetDevice::NetDevice(Logger log, Frontend frontend, bool offload, bool roomy)
    : log_(log),
      frontend_(std::move(frontend)),
      offload_(offload),
      roomy_(roomy),
      queue_(grants(), frame_of, sizes(roomy)) {
  bus::attach(*this);
}

NetDevice::~NetDevice() {
  finish_sending();
  leave();
  bus::detach(*this);
}

async::Task<Result<void>> NetDevice::start(async::Wait wait) {
  const Result<std::string> mac = co_await frontend_.text("mac", wait);
  if (!mac) co_return fail(mac.error());
  const auto parsed = parse_mac(*mac);
  if (!parsed) co_return fail(Error(Errc::kBackend));
  mac_ = *parsed;
  const std::uint64_t mtu = co_await frontend_.number("mtu", 1500, wait);
  mtu_ = static_cast<std::size_t>(std::clamp<std::uint64_t>(mtu, 68, NetQueue::kSendBuffer - 18));
  for (;;) {
    const Result<void> joined = co_await join(wait);
    // look_after() resets a backend that broke the protocol.
    if (joined || bus_.state() == XenbusEngine::State::kBroken) break;
    if (!bus_.is_lost()) co_return joined;
    // The domain was suspended meanwhile, possibly for longer than the deadline.
    wait = async::Wait::at_most(kTimeout, wait.token);
    if (const Result<void> located = co_await frontend_.locate(wait); !located) co_return located;
  }
  log_.info("features: ", features_.tx_checksum ? "checksum " : "",
            features_.gather ? "gather " : "", features_.tso4 ? "tx-tso " : "",
            offload_ && roomy_ ? "rx-tso " : "", "mtu ", mtu_, ", backend ", frontend_.backend());
  keeper_.emplace(look_after(this));
  co_return Result<void>{};
}

async::Task<Result<void>> NetDevice::join(async::Wait wait) {
  bus_.join();
  watch_.emplace(frontend_.store(), frontend_.backend_path() + "/state");
  const Result<void> waits =
      co_await frontend_.follow(&bus_, &*watch_, XenbusEngine::Next::kOffer, wait);
  if (!waits) co_return waits;
  const bool copies = co_await frontend_.backend_number("feature-rx-copy", 0, wait) != 0;
  if (!copies) co_return fail(Error(Errc::kBackend));
  const bool gather = co_await frontend_.backend_number("feature-sg", 0, wait) != 0;
  const bool tso4 = co_await frontend_.backend_number("feature-gso-tcpv4", 0, wait) != 0;
  const bool tso6 = co_await frontend_.backend_number("feature-gso-tcpv6", 0, wait) != 0;
  const bool sums4 = co_await frontend_.backend_number("feature-no-csum-offload", 0, wait) == 0;
  const bool sums6 = co_await frontend_.backend_number("feature-ipv6-csum-offload", 0, wait) != 0;
  features_.tx_checksum = offload_ && sums4 && sums6;
  features_.rx_checksum = offload_;
  // Linux's backend finds the IP header only directly after the Ethernet header, and drops a
  // VLAN-tagged frame without a checksum.
  features_.offload_tagged = false;
  features_.gather = features_.tx_checksum && gather;
  features_.tso4 = features_.gather && tso4;
  features_.tso6 = features_.gather && tso6;
  // The size of a request includes the Ethernet header, and has 16 bits.
  features_.gso_max = 0xffff - 18;
  features_.receive_memory = queue_.receive_memory();

  if (!bus_.is_joining()) co_return fail(Error(Errc::kBackend));
  const Result<Port> port = open_port(frontend_.backend());
  if (!port) co_return fail(port.error());
  if (!queue_.connect(frontend_.backend())) {
    close_port(*port);
    co_return fail(Error(Errc::kNoGrants));
  }
  port_ = *port;
  const char* const sums = offload_ ? "1" : "0";
  const char* const coalesced = offload_ && roomy_ ? "1" : "0";
  std::vector<Frontend::Node> nodes{{"tx-ring-ref", store_text(queue_.tx_ring())},
                                    {"rx-ring-ref", store_text(queue_.rx_ring())},
                                    {"event-channel", store_text(port_)},
                                    {"request-rx-copy", "1"},
                                    {"feature-rx-notify", "1"},
                                    {"feature-sg", "1"},
                                    {"feature-no-csum-offload", offload_ ? "0" : "1"},
                                    {"feature-ipv6-csum-offload", sums},
                                    {"feature-gso-tcpv4", coalesced},
                                    {"feature-gso-tcpv6", coalesced}};
  Result<void> going = co_await frontend_.publish(std::move(nodes), BusState::kConnected, wait);
  if (going) {
    bus_.offered();
    going = co_await frontend_.follow(&bus_, &*watch_, XenbusEngine::Next::kFinish, wait);
  }
  if (!going) {
    leave();
    co_return going;
  }
  bus_.connected();
  co_return going;
}

// The timeout of look_after(): a missing reply must not block it.
async::Wait NetDevice::soon() { return async::Wait::at_most(kTimeout); }

// Closes the connection when the backend closes it, and reconnects when the backend waits for us.
async::Task<void> NetDevice::look_after(NetDevice* self) {
  XenbusEngine& bus = self->bus_;
  for (;;) {
    if (!bus.is_lost() && !co_await self->watch_->next()) co_return;
    const bool was_lost = bus.is_lost();
    if (was_lost) {
      // On the new host, another backend waits, or the same backend at another path.
      if (!co_await self->frontend_.locate(soon())) {
        co_await async::sleep(milliseconds(50));
        continue;
      }
    } else {
      if (bus.is_given_up()) {
        self->log_.error("given up: the backend broke the protocol ", kMaxResets, " times");
        co_return;
      }
      if (bus.state() == XenbusEngine::State::kBroken) {
        (void)co_await self->frontend_.set_state(BusState::kClosed, soon());
        bus.closed();
      }
      const BusState seen = co_await self->frontend_.backend_state(soon());
      const bool exists =
          seen != BusState::kUnknown || co_await self->frontend_.backend_exists(soon());
      const XenbusEngine::Step step = bus.backend(seen, exists);
      if (step.leave) {
        self->log_.warning("the backend goes away");
        self->leave();
      }
      if (step.write) (void)co_await self->frontend_.set_state(*step.write, soon());
      if (step.next != XenbusEngine::Next::kJoin) continue;
    }
    if (co_await self->join(soon())) {
      self->log_.info("connected again");
    } else {
      bus.part();
      if (was_lost) bus.lose();
      co_await async::sleep(milliseconds(50));
    }
    self->readers_.notify_all();
    self->writers_.notify_all();
  }
}

void NetDevice::leave() {
  if (!queue_.connected()) return;
  if (queue_.broken()) {
    log_.error(Error(Errc::kBroken));
    bus_.broke();
    if (watch_) watch_->wake();
  }
  bus_.part();
  // Close the channel first. From then on, the backend receives no events from us.
  close_port(port_);
  queue_.disconnect(false);
  writers_.notify_all();
}

void NetDevice::resume() noexcept {
  bus_.resumed();
  queue_.disconnect(true);
  // The store's resume() registered the watch again, which reports a change at once.
}

async::Task<Result<void>> NetDevice::writable(async::Wait wait) {
  for (;;) {
    if (!queue_.connected() || queue_.has_room()) co_return Result<void>{};
    queue_.reap();
    if (!queue_.connected() || queue_.has_room()) co_return Result<void>{};
    const auto woken = co_await writers_.wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
}

// Lets frames sent during shutdown (a DHCP release, a FIN) leave before the domain ends.
void NetDevice::finish_sending() {
  if (!queue_.connected()) return;
  if (queue_.publish()) notify(port_);
  const Instant until = platform::monotonic_now() + kTimeoutAtEnd;
  while (!queue_.broken() && !queue_.all_sent() && platform::monotonic_now() < until) queue_.reap();
}

}  // namespace fata::xen
