// Stack<Net>: the driver that runs a Host on a network device and gives its sockets to applications. Models
// sig::Udp.
#pragma once

#include <memory>
#include <vector>

#include "fata/async/background.hpp"
#include "fata/async/context.hpp"
#include "fata/net/host.hpp"
#include "fata/net/socket.hpp"
#include "fata/sig/net_device.hpp"
#include "fata/sig/no_tcp.hpp"

namespace fata::net {

template <sig::NetDevice Net>
class Stack final : private HostSink, private DatagramSender, private async::Timer {
 public:
  using Socket = UdpSocket;

  // Starts the stack's task, which runs until the stack is destroyed.
  static async::Task<Result<std::unique_ptr<Stack>>> connect(async::Context& context, Net& net,
                                                             Ipv4Cidr address, Ipv4Address gateway) {
    auto stack = std::make_unique<Stack>(context, net, address, gateway);
    stack->host_.announce();
    stack->flush();
    co_return stack;
  }

  Stack(async::Context& context, Net& net, Ipv4Cidr address, Ipv4Address gateway)
      : net_(&net),
        log_(context.logger("net")),
        host_(HostConfig{net.mac(), address, gateway, net.mtu(), net.features().tx_checksum}, *this),
        driver_(drive(this)),
        drainer_(drain(this)) {
    log_.info("address ", address, ", hardware address ", net.mac(), ", gateway ", gateway);
  }
  ~Stack() { check(sockets_.empty(), "a socket outlives its stack"); }

  // What the stack offers to applications: itself as sig::Udp, and no TCP yet.
  Stack& udp() { return *this; }
  sig::NoTcp& tcp() { return tcp_; }

  Result<std::unique_ptr<UdpSocket>> bind(Endpoint local) {
    const bool here = local.address.is_any() || local.address == IpAddress(host_.config().address.address);
    if (!here) return fail(SocketErrc::kNotOurAddress, 0);
    return sockets_.bind({host_.config().address.address, local.port}, host_.max_udp_payload(), *this);
  }

  const Host& host() const { return host_; }

 private:
  static constexpr std::size_t kBatch = 64;

  static async::Task<void> drive(Stack* self) {
    std::array<sig::RxFrame, kBatch> frames;
    for (;;) {
      const Result<std::size_t> count =
          co_await self->net_->receive(std::span<sig::RxFrame>(frames), async::Wait{});
      if (!count) {
        self->log_.error("the network device failed: ", count.error());
        co_return;
      }
      const Instant now = async::current_loop().now();
      for (sig::RxFrame& frame : std::span(frames).first(*count)) self->host_.receive(std::move(frame), now);
      for (sig::RxFrame& frame : std::span(frames).first(*count)) frame = {};
      self->flush();
      self->rearm();
      co_await async::yield();
    }
  }

  // Hands over what a full device left behind, as soon as it has room; without it the rest would wait for the
  // next frame of anybody.
  static async::Task<void> drain(Stack* self) {
    for (;;) {
      if (self->staged_count_ == 0) {
        (void)co_await self->unsent_.wait();
        continue;
      }
      if (const Result<void> room = co_await self->net_->writable(async::Wait{}); !room)
        co_return;  // drive() reports it
      self->flush();
    }
  }

  // HostSink
  PacketBuf allocate() override { return net_->allocate(kUdpHeadroom); }
  void transmit(PacketBuf frame) override {
    if (staged_count_ == staged_.size()) flush();
    if (staged_count_ == staged_.size()) return;  // the device is full: drop, as a wire would
    staged_[staged_count_++] = std::move(frame);
  }
  bool deliver(sig::RxDatagram&& datagram, std::uint16_t local_port) override {
    return sockets_.deliver(std::move(datagram), local_port);
  }

  // DatagramSender
  PacketBuf allocate_datagram() override { return net_->allocate(kUdpHeadroom); }
  async::Task<Result<void>> send(std::span<sig::TxDatagram> out, std::uint16_t local_port,
                                 async::Wait wait) override {
    const Instant now = async::current_loop().now();
    for (sig::TxDatagram& datagram : out) {
      while (staged_count_ == staged_.size()) {
        flush();
        if (staged_count_ != staged_.size()) break;
        if (const Result<void> room = co_await net_->writable(wait); !room) co_return room;
      }
      host_.send_udp(std::move(datagram), local_port, now);
    }
    flush();
    rearm();
    co_return Result<void>{};
  }

  // async::Timer: the host's own deadlines (ARP).
  void on_timer() noexcept override {
    host_.tick(async::current_loop().now());
    flush();
    rearm();
  }
  void rearm() {
    const Instant next = host_.next_deadline();
    if (next.is_never()) return disarm();
    if (!armed() || deadline() != next) async::current_loop().timers().arm(*this, next);
  }

  void flush() {
    const std::size_t taken = net_->send(std::span(staged_).first(staged_count_));
    for (std::size_t i = taken; i < staged_count_; ++i) staged_[i - taken] = std::move(staged_[i]);
    staged_count_ -= taken;
    if (staged_count_ != 0) unsent_.notify_one();
  }

  Net* net_;
  Logger log_;
  SocketTable sockets_;
  sig::NoTcp tcp_;
  std::array<PacketBuf, kBatch> staged_;
  std::size_t staged_count_ = 0;
  async::WaitQueue unsent_;
  Host host_;
  async::Background driver_;
  async::Background drainer_;
};

}  // namespace fata::net
