#include "fata/sim/network.hpp"

#include "fata/sim/learning_switch.hpp"
#include "fata/sim/net_device.hpp"

namespace fata::sim {

std::optional<Instant> Port::transmit(WireFrame&& frame) {
  return link_ == nullptr ? std::nullopt : link_->transmit(side_, std::move(frame));
}

std::optional<Instant> Link::transmit(unsigned side, WireFrame&& frame) {
  End& end = ends_[side];
  const Instant now = network_->now();
  while (!end.queue.empty() && end.queue.front() <= now) end.queue.pop_front();
  if (end.queue.size() >= options.queue) {
    note(side, Fate::kOverflow, frame.bytes);
    return std::nullopt;
  }
  Instant done = std::max(now, end.busy_until);
  if (options.bits_per_second != 0) {
    const auto bits = static_cast<std::int64_t>(frame.bytes.size() * 8);
    done = done + seconds(1) * bits / static_cast<std::int64_t>(options.bits_per_second);
  }
  end.busy_until = done;
  if (done > now) end.queue.push_back(done);

  Port* const to = ends_[1 - side].port;
  if (!options.up || to == nullptr || network_->chance(options.loss)) {
    note(side, Fate::kLost, frame.bytes);
    return done;
  }
  note(side, Fate::kCarried, frame.bytes);
  if (network_->chance(options.duplication)) {
    note(side, Fate::kRepeated, frame.bytes);
    network_->at(done + options.delay + network_->up_to(options.jitter), *to, frame);
  }
  Instant arrival = done + options.delay + network_->up_to(options.jitter);
  if (network_->chance(options.reordering)) {
    note(side, Fate::kHeldBack, frame.bytes);
    arrival = arrival + options.reorder_by;
  }
  if (!frame.bytes.empty() && network_->chance(options.corruption)) {
    note(side, Fate::kDamaged, frame.bytes);
    // A GSO packet crosses no wire that could damage it, so it is dropped instead.
    if (frame.offload.gso != Offload::Gso::kNone) return done;
    // On a real wire the checksum is computed before the damage.
    finish_checksum(frame);
    const std::uint64_t bit = network_->drive_->random() % (frame.bytes.size() * 8);
    frame.bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
  }
  network_->at(arrival, *to, std::move(frame));
  return done;
}

void Link::note(unsigned side, Fate fate, Bytes bytes) {
  ++counts_[static_cast<std::size_t>(fate)];
  network_->note({network_->now(), index_, side, fate, bytes});
}

Network::Network(Drive& drive) : drive_(&drive) {}
Network::~Network() = default;

NetDevice& Network::add_device() { return add_device(DeviceOptions{}); }
NetDevice& Network::add_device(const DeviceOptions& options) {
  MacAddress mac;
  mac.octets[0] = std::byte{2};  // locally administered
  store_be(MutableBytes(mac.octets).subspan(2), static_cast<std::uint32_t>(devices_.size() + 1));
  return *devices_.emplace_back(std::make_unique<NetDevice>(*this, mac, options));
}

LearningSwitch& Network::add_switch() {
  return *switches_.emplace_back(std::make_unique<LearningSwitch>(*this));
}

Link& Network::join(Port& a, Port& b, const LinkOptions& options) {
  check(a.link_ == nullptr && b.link_ == nullptr && &a != &b, "a port has one link");
  links_.push_back(std::unique_ptr<Link>(new Link(*this, links_.size(), a, b, options)));
  a.link_ = b.link_ = links_.back().get();
  b.side_ = 1;
  return *links_.back();
}

void Network::plug(Port& port, Link& link) {
  const unsigned side = link.ends_[0].port == nullptr ? 0 : 1;
  check(port.link_ == nullptr && link.ends_[side].port == nullptr, "the link has no free end");
  link.ends_[side].port = &port;
  port.link_ = &link;
  port.side_ = side;
}

void Network::unplug(Port& port) {
  if (port.link_ == nullptr) return;
  port.link_->ends_[port.side_].port = nullptr;
  port.link_ = nullptr;
  std::erase_if(pending_, [&](const auto& each) { return each.second.port == &port; });
  rearm();
}

void Network::at(Instant when, Port& port, std::optional<WireFrame> frame) {
  pending_.emplace(when, Pending{&port, std::move(frame)});
  rearm();
}

Duration Network::up_to(Duration most) {
  if (most.ns <= 0) return {};
  return {static_cast<std::int64_t>(drive_->random() % static_cast<std::uint64_t>(most.ns))};
}

void Network::rearm() {
  if (pending_.empty()) return disarm();
  const Instant next = pending_.begin()->first;
  if (!armed() || deadline() != next) drive_->timers().arm(*this, next);
}

void Network::on_timer() noexcept {
  // Only events that are already due are delivered; events that they cause wait for the loop's next
  // turn.
  std::multimap<Instant, Pending> due;
  while (!pending_.empty() && pending_.begin()->first <= now())
    due.insert(due.end(), pending_.extract(pending_.begin()));
  for (auto& [when, pending] : due) {
    std::optional<Platform::Current> current;
    if (Platform* const image = pending.port->platform()) {
      current.emplace(*image);
      image->wake();
    }
    if (pending.frame) {
      pending.port->arrive(std::move(*pending.frame));
    } else {
      pending.port->transmitted();
    }
  }
  rearm();
}

void Network::note(const FrameEvent& event) {
  // FNV-1a with words of eight bytes, and the high bits folded into the low ones.
  const auto mix = [this](std::uint64_t value) {
    digest_ = (digest_ ^ value) * 0x100000001b3;
    digest_ ^= digest_ >> 32;
  };
  mix(static_cast<std::uint64_t>(event.at.ns));
  mix(event.link << 9 | event.side << 8 | static_cast<std::uint64_t>(event.fate));
  mix(event.bytes.size());
  Bytes rest = event.bytes;
  for (; rest.size() >= 8; rest = rest.subspan(8)) mix(load_be<std::uint64_t>(rest));
  for (const std::byte b : rest) mix(static_cast<std::uint64_t>(b));
  if (on_frame) on_frame(event);
}

}  // namespace fata::sim
