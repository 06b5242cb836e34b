// A stack's state and statistics as human-readable text, on demand: connections, listeners,
// sockets, neighbours, routes, memory, and every nonzero counter.
//
// A stack without a Reporter links none of this code.
#pragma once

#include "fata/async/background.hpp"
#include "fata/ip/host.hpp"
#include "fata/sig/console.hpp"
#include "fata/sig/report_requests.hpp"
#include "fata/sig/stack_port.hpp"
#include "fata/stack/part.hpp"
#include "fata/stack/tcp.hpp"
#include "fata/udp/table.hpp"

namespace fata::stack {

// Writes a report in parts. The stack may run between parts, so objects that appear or disappear
// meanwhile may be missing or listed twice.
class Netstat {
 public:
  Netstat(const ip::Host& host, udp::Table& udp) : host_(&host), udp_(&udp) {}
  // Adds TCP to all further reports.
  void add(const Tcp& tcp) {
    tcp_ = &tcp;
    write_tcp_ = &write_tcp;
  }

  void restart() { section_ = index_ = 0; }
  // Appends whole lines, up to about half of the room of an empty `out`; false once the report is
  // complete. `parts`: the stack's, as they are now.
  bool write_part(TextWriter& out, std::size_t room, const Part* parts, Instant now);

 private:
  // Writes a section's entry at `index`, which may be empty; false past its end.
  using Section = bool (Netstat::*)(TextWriter&, std::size_t index);
  bool heading(TextWriter& out, std::size_t index);
  bool interfaces(TextWriter& out, std::size_t index);
  bool parts(TextWriter& out, std::size_t index);
  bool connections(TextWriter& out, std::size_t index);
  bool ports(TextWriter& out, std::size_t index);
  bool neighbours_v4(TextWriter& out, std::size_t index);
  bool neighbours_v6(TextWriter& out, std::size_t index);
  bool routes_v4(TextWriter& out, std::size_t index);
  bool routes_v6(TextWriter& out, std::size_t index);
  bool counters(TextWriter& out, std::size_t index);
  static bool write_tcp(const Tcp& tcp, TextWriter& out, std::size_t index);

  const ip::Host* host_;
  const Part* parts_ = nullptr;
  udp::Table* udp_;
  const Tcp* tcp_ = nullptr;
  bool (*write_tcp_)(const Tcp& tcp, TextWriter& out, std::size_t index) = nullptr;
  std::size_t section_ = 0;
  std::size_t index_ = 0;
  Instant now_{};
};

// Prints a report on each request.
template <sig::StackPort Stack, class Udp, sig::ReportRequests Requests, sig::Console Console>
class Reporter final {
 public:
  Reporter(Stack& stack, Udp& udp, Requests& requests, Console& console)
      : stack_(&stack),
        netstat_(stack.host(), udp.table()),
        requests_(&requests),
        console_(&console),
        reporter_(report(this)) {}

  void add(const Tcp& tcp) { netstat_.add(tcp); }

 private:
  static constexpr std::size_t kPart = 2048;
  static constexpr Duration kPause = milliseconds(10);  // time for the console to drain a part

  static async::Task<void> report(Reporter* self) {
    while (co_await self->requests_->next(async::Wait{})) {
      self->netstat_.restart();
      for (bool more = true; more;) {
        Text<kPart> part;
        more = self->netstat_.write_part(part, kPart, self->stack_->parts(), self->stack_->now());
        self->console_->write(part.view());
        (void)co_await async::sleep(kPause);
      }
    }
  }

  Stack* stack_;
  Netstat netstat_;
  Requests* requests_;
  Console* console_;
  async::Background reporter_;
};

// TCP of a stack whose reports contain it.
template <sig::StackPort Stack, class Reporter>
class ReportedTcp final : public TcpOn<Stack> {
 public:
  ReportedTcp(Stack& stack, Reporter& reporter) : TcpOn<Stack>(stack) { reporter.add(*this); }
};

}  // namespace fata::stack
