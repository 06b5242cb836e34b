// Echo requests over a stack: Ping<Stack> models sig::Ping. An image that has no Ping links none of
// this code.
#pragma once

#include <memory>
#include <optional>

#include "fata/base/list.hpp"
#include "fata/ip/heap_buffers.hpp"
#include "fata/ip/host.hpp"
#include "fata/sig/ping.hpp"
#include "fata/sig/stack_port.hpp"
#include "fata/stack/socket_driver.hpp"

namespace fata::stack {

class Pinger : private ip::Transport {
 public:
  static constexpr std::size_t kMaxData = 65507 - 8 - 8;  // leaves room for a fragment header

  Pinger(ip::Host& host, SocketDriver& driver);
  ~Pinger();
  Pinger(const Pinger&) = delete;
  Pinger& operator=(const Pinger&) = delete;

  async::Task<Result<sig::EchoReply>> echo(IpAddress to, std::size_t size, async::Wait wait);

 private:
  // An outstanding request, stored in the coroutine frame of the caller.
  struct Request : ListNode<Request> {
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

  bool receive(ip::Packet& packet, Instant now) override;
  void icmp_error(const ip::IcmpError& error, Instant now) override;

  ip::Host* host_;
  SocketDriver* driver_;
  // For requests too large for a device buffer.
  std::unique_ptr<ip::HeapBuffers, ip::HeapBuffers::Abandon> memory_{
      new ip::HeapBuffers(std::size_t{256} << 10)};
  List<Request> requests_;
  std::uint16_t number_ = 0;
};

template <sig::StackPort Stack>
class Ping final : public Pinger {
 public:
  explicit Ping(Stack& stack) : Pinger(stack.host(), stack) {}
};

}  // namespace fata::stack
