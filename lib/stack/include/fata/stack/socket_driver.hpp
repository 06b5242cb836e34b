// What UDP sockets and TCP flows need from the stack that runs their engines.
#pragma once

#include "fata/async/loop.hpp"
#include "fata/async/wait.hpp"

namespace fata::stack {

class SocketDriver {
 public:
  explicit SocketDriver(async::Loop& loop) : loop_(&loop) {}

  // The loop on which the engines run, and its time.
  async::Loop& loop() const { return *loop_; }
  Instant now() const { return loop_->now(); }
  // Passes everything that the engines have sent to the devices, and sets the timer of the host.
  // Call it after every call of an engine that may send or that may change a deadline.
  virtual void flush() = 0;
  // Notified when a full device has room again (ip::Layer::any_full()).
  async::WaitQueue& room() { return room_; }

 protected:
  ~SocketDriver() = default;

 private:
  async::Loop* loop_;
  async::WaitQueue room_;
};

}  // namespace fata::stack
