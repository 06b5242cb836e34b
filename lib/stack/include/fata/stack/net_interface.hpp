// NetInterface: moves frames between a network device and an interface of a stack, in batches
// in both directions.
#pragma once

#include "fata/async/background.hpp"
#include "fata/ip/host.hpp"
#include "fata/sig/net_device.hpp"
#include "fata/sig/stack_port.hpp"
#include "fata/stack/vlan.hpp"
#include "fata/wire/segmentation.hpp"

namespace fata::stack {

template <sig::LinkPort Stack, sig::NetDevice Net>
class NetInterface final : private ip::PacketSink {
 public:
  // With a `vlan`, it receives only frames of that VLAN and tags every frame it sends.
  NetInterface(Stack& stack, Net& net, Vlan vlan = {})
      : stack_(&stack),
        net_(&net),
        interface_(&stack.add({net.mac(), net.mtu(), net.features(), vlan.id}, *this)),
        driver_(drive(this)),
        drainer_(drain(this)) {}
  // Frames that are sent later are dropped.
  ~NetInterface() {
    interface_->detach();
    stack_->host().set_full(*interface_, false);
  }

  ip::Interface& interface() { return *interface_; }

 private:
  static constexpr std::size_t kBatch = 64;
  // The driver reports itself full once this many frames, or this many of their bytes, are staged.
  static constexpr std::size_t kMax = 64;
  static constexpr std::size_t kMaxBytes = 256 << 10;

  static async::Task<void> drive(NetInterface* self) {
    std::array<sig::RxFrame, kBatch> frames;
    for (;;) {
      const Result<std::size_t> count =
          co_await self->net_->receive(std::span<sig::RxFrame>(frames), async::Wait{});
      if (!count) {
        self->discard();
        self->stack_->lost(*self->interface_, count.error());
        co_return;
      }
      const Instant now = self->stack_->now();
      ip::Host& host = self->stack_->host();
      for (sig::RxFrame& frame : std::span(frames).first(*count)) {
        if (self->net_->low_on_buffers() && !self->stack_->copy(*self->interface_, frame))
            [[unlikely]]
          continue;
        host.receive(*self->interface_, std::move(frame), now);
      }
      for (sig::RxFrame& frame : std::span(frames).first(*count)) frame = {};
      host.end_of_batch(now);
      self->stack_->flush();
      co_await async::yield();
    }
  }

  // Sends staged frames as soon as a full device has room, and then resumes the waiting transports.
  // Without this task, they would wait for the next received frame.
  static async::Task<void> drain(NetInterface* self) {
    for (;;) {
      if (std::exchange(self->resume_, false)) {
        self->stack_->resume();
        continue;
      }
      if (self->staged_count_ == 0) {
        (void)co_await self->unsent_.wait();
        continue;
      }
      if (const Result<void> room = co_await self->net_->writable(async::Wait{}); !room)
        co_return;  // drive() reports it
      self->push();
    }
  }

  // PacketSink
  PacketBuf allocate(std::size_t headroom) override {
    if (reserved_count_ != 0 && headroom <= ip::kHeadroom)
      return std::move(reserved_[--reserved_count_]);
    PacketBuf packet = net_->allocate(headroom);
    if (packet) home_ = packet.buffer()->home;
    return packet;
  }
  std::size_t reserve(std::size_t count) override {
    count = std::min(count, reserved_.size());
    while (reserved_count_ < count) {
      PacketBuf packet = net_->allocate(ip::kHeadroom);
      if (!packet) break;
      reserved_[reserved_count_++] = std::move(packet);
    }
    return std::min(count, reserved_count_);
  }
  void transmit(PacketBuf frame) override {
    if (frame.buffer()->home != home_) [[unlikely]]
      frame = own(frame);
    if (!frame || failed_) return;
    // Transports that ignore full() may fill the slots above kMax; further frames are dropped, as
    // on a wire.
    if (staged_count_ == staged_.size()) return interface_->count_overflow();
    staged_bytes_ += frame.total_size();
    staged_[staged_count_++] = std::move(frame);
    if (over() && !full_) push();
  }
  // A device sends a frame's first buffer from its own memory only; the further buffers may lie
  // anywhere.
  PacketBuf own(PacketBuf& frame) {
    PacketBuf copy = allocate(0);
    if (!copy) return {};
    if (copy.tailroom() < frame.size()) {
      interface_->count_unfit();
      return {};
    }
    copy_bytes(copy.append(frame.size()), frame.bytes());
    copy.offload() = frame.offload();
    copy.chain() = std::move(frame.chain());
    return copy;
  }

  bool over() const { return staged_count_ >= kMax || staged_bytes_ >= kMaxBytes; }
  bool full() const override { return full_; }
  void flush() override {
    while (reserved_count_ != 0) reserved_[--reserved_count_].reset();
    push();
  }
  // The device has failed: drops the staged frames and all later ones, and lets senders go on.
  void discard() {
    failed_ = true;
    while (staged_count_ != 0) staged_[--staged_count_].reset();
    staged_bytes_ = 0;
    push();
  }
  void push() {
    const std::size_t taken = net_->send(std::span(staged_).first(staged_count_));
    staged_bytes_ = 0;
    for (std::size_t i = taken; i < staged_count_; ++i) {
      staged_bytes_ += staged_[i].total_size();
      if (taken != 0) staged_[i - taken] = std::move(staged_[i]);
    }
    staged_count_ -= taken;
    if (full_ != over()) {
      resume_ = resume_ || full_;
      full_ = !full_;
      stack_->host().set_full(*interface_, full_);
    }
    if (staged_count_ != 0 || resume_) unsent_.notify_one();
  }
  std::span<const Counter> counters() const override {
    if constexpr (requires { net_->counters(); }) {
      return net_->counters();
    } else {
      return {};
    }
  }

  Stack* stack_;
  Net* net_;
  std::array<PacketBuf, kMax + 32> staged_;
  std::array<PacketBuf, wire::kSegmentsInSoftware + 2> reserved_;
  std::size_t reserved_count_ = 0;
  std::size_t staged_count_ = 0;
  std::size_t staged_bytes_ = 0;
  bool full_ = false;    // the state last reported to the host
  bool resume_ = false;  // the host must be notified that there is room
  bool failed_ = false;  // the device delivers and takes no more frames
  BufferHome* home_ = nullptr;
  async::WaitQueue unsent_;
  ip::Interface* interface_;
  async::Background driver_;
  async::Background drainer_;
};

}  // namespace fata::stack
