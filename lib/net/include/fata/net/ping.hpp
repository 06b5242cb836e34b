// Echo requests over a stack: Ping<Stack> models sig::Ping. A stack holds nothing of this unless
// one is put beside it.
#pragma once

#include <memory>
#include <optional>

#include "fata/async/list.hpp"
#include "fata/net/stack_core.hpp"
#include "fata/sig/ping.hpp"

namespace fata::net {

class Pinger : private Transport {
 public:
  static constexpr std::size_t kMostData = 65507 - 8 - 8;  // so that a fragment header still fits

  explicit Pinger(StackCore& core);
  Pinger(const Pinger&) = delete;
  Pinger& operator=(const Pinger&) = delete;

  async::Task<Result<sig::EchoReply>> echo(IpAddress to, std::size_t size, async::Wait wait);

 private:
  // A request under way, in the frame of who asked.
  struct Request : async::ListNode<Request> {
    IpAddress to;
    std::size_t size = 0;
    std::uint16_t number = 0;
    Instant sent;
    std::optional<Result<sig::EchoReply>> outcome;
    async::WaitQueue asker;
  };
  Request* find(Bytes header);
  static void end(Request& request, Result<sig::EchoReply> outcome);
  Result<void> send(const Request& request, Instant now);

  bool receive(IpPacket& packet, Instant now) override;
  void icmp_error(const IcmpError& error, Instant now) override;

  StackCore* core_;
  // Of requests that no buffer of a device holds.
  std::unique_ptr<HeapBuffers, HeapBuffers::Abandon> memory_{
      new HeapBuffers(std::size_t{256} << 10)};
  async::List<Request> requests_;
  std::uint16_t number_ = 0;
};

template <class Stack>
class Ping final : public Pinger {
 public:
  explicit Ping(Stack& stack) : Pinger(stack.core()) {}
};

}  // namespace fata::net
