#include "templates.hpp"

#include <array>

namespace fata::tool {
namespace {

constexpr std::string_view kConsoleConfig = R"(#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context&) {
  auto greeting = parameter("greeting", "Hello", "how to greet");
  auto job = functor<Job(Console)>("@SPACE@::@JOB@", "@NAME@.hpp");

  Plan plan("@NAME@");
  plan.run(job(default_console(), greeting));
  return plan;
}
)";

constexpr std::string_view kConsole = R"(#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/sig/console.hpp>

#include <string_view>

namespace @SPACE@ {

template <fata::sig::Console Console>
class @JOB@ {
 public:
  @JOB@(fata::async::Context&, Console& console, std::string_view greeting)
      : console_(console), greeting_(greeting) {}

  fata::async::Task<int> start() {
    console_.write(greeting_);
    console_.write(" from @NAME@!\n");
    co_return 0;
  }

 private:
  Console& console_;
  std::string_view greeting_;
};

}  // namespace @SPACE@
)";

constexpr std::string_view kUdpConfig = R"(#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto job = functor<Job(Udp)>("@SPACE@::@JOB@", "@NAME@.hpp");
  auto port = parameter("port", std::uint16_t{7007}, "UDP port to answer on");

  Plan plan("@NAME@");
  plan.run(job(default_stack(context).udp, port));
  plan.forward(Protocol::kUdp, port);
  return plan;
}
)";

constexpr std::string_view kUdp = R"(// Sends every datagram back to where it came from.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/base/bytes.hpp>
#include <fata/sig/udp.hpp>

#include <array>
#include <cstdint>
#include <span>

namespace @SPACE@ {

template <fata::sig::Udp Udp>
class @JOB@ {
 public:
  @JOB@(fata::async::Context& context, Udp& udp, std::uint16_t port)
      : stop_(context.stop), log_(context.logger("@NAME@")), udp_(udp), port_(port) {}

  fata::async::Task<int> start() {
    auto socket = udp_.bind({fata::IpAddress(), port_});
    if (!socket) {
      log_.error("cannot serve UDP port ", port_, ": ", socket.error(),
                 "; choose another with --port");
      co_return 64;
    }
    log_.info("answering on UDP port ", port_);
    const auto served = co_await serve(socket->get());
    if (served.error().is(fata::async::Errc::kCancelled)) co_return 0;
    log_.error(served.error());
    co_return 1;
  }

 private:
  // Returns only with an error; being asked to stop is one.
  fata::async::Task<fata::Result<void>> serve(typename Udp::Socket* socket) {
    const auto until_stopped = fata::async::Wait::cancelled_by(stop_);
    std::array<fata::sig::RxDatagram, 1> in;
    const std::span<fata::sig::RxDatagram> space(in);
    std::array<fata::sig::TxDatagram, 1> out;
    for (;;) {
      const auto count = co_await socket->receive(space, until_stopped);
      if (!count) co_return fata::fail(count.error());
      const fata::Bytes question = in[0].payload.bytes();
      out[0].payload = socket->allocate();
      if (*count != 0 && out[0].payload && question.size() <= out[0].payload.tailroom()) {
        fata::copy_bytes(out[0].payload.append(question.size()), question);
        out[0].destination = in[0].source;
        out[0].source = in[0].destination;
        const auto sent = co_await socket->send(std::span(out), until_stopped);
        if (!sent) co_return sent;
      }
      in[0].payload = {};         // back to the stack
      co_await fata::async::yield();  // others must have their turn, too
    }
  }

  fata::async::CancelToken stop_;
  fata::Logger log_;
  Udp& udp_;
  std::uint16_t port_;
};

}  // namespace @SPACE@
)";

constexpr std::string_view kTcpConfig = R"(#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto job = functor<Job(Tcp)>("@SPACE@::@JOB@", "@NAME@.hpp");
  auto port = parameter("port", std::uint16_t{7007}, "TCP port to answer on");

  Plan plan("@NAME@");
  plan.run(job(default_stack(context).tcp, port));
  plan.forward(Protocol::kTcp, port);
  return plan;
}
)";

constexpr std::string_view kTcp = R"(// Sends back every byte of every connection.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/scope.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/sig/flow.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <utility>

namespace @SPACE@ {

template <fata::sig::Tcp Tcp>
class @JOB@ {
 public:
  @JOB@(fata::async::Context& context, Tcp& tcp, std::uint16_t port)
      : stop_(context.stop), log_(context.logger("@NAME@")), tcp_(tcp), port_(port) {}

  fata::async::Task<int> start() {
    auto listener = tcp_.listen({fata::IpAddress(), port_}, kBacklog);
    if (!listener) {
      log_.error("cannot serve TCP port ", port_, ": ", listener.error(),
                 "; choose another with --port");
      co_return 64;
    }
    log_.info("answering on TCP port ", port_);
    fata::async::Scope connections(stop_);
    const auto served = co_await serve(listener->get(), &connections);
    co_await connections.join();
    if (served.error().is(fata::async::Errc::kCancelled)) co_return 0;
    log_.error(served.error());
    co_return 1;
  }

 private:
  using Flow = typename Tcp::Flow;

  // Returns only with an error; being asked to stop is one.
  fata::async::Task<fata::Result<void>> serve(typename Tcp::Listener* listener,
                                              fata::async::Scope* connections) {
    const auto until_stopped = fata::async::Wait::cancelled_by(stop_);
    for (;;) {
      // At the bound, further connections wait in the backlog.
      while (connections->running() >= kConnections) {
        const auto woken = co_await fewer_.wait(until_stopped);
        if (!woken) co_return fata::fail(fata::Error(woken.error()));
      }
      auto flow = co_await listener->accept(until_stopped);
      if (!flow) co_return fata::fail(flow.error());
      connections->spawn(talk(this, std::move(*flow)));
    }
  }

  static fata::async::Task<void> talk(@JOB@* self, std::unique_ptr<Flow> flow) {
    if (!co_await echo(self, flow.get())) flow->abort();
    self->fewer_.notify_one();
  }

  // False unless the peer ended the connection in order.
  static fata::async::Task<bool> echo(@JOB@* self, Flow* flow) {
    const auto until_stopped = fata::async::Wait::cancelled_by(self->stop_);
    for (;;) {
      auto got = co_await flow->read(until_stopped);
      if (!got) co_return false;
      if (got->empty()) break;
      std::array<fata::Slice, 1> out{std::move(*got)};
      const fata::sig::WriteOutcome written = co_await flow->write(out, until_stopped);
      if (written.error) co_return false;
    }
    co_return (co_await flow->shutdown(until_stopped)).has_value();
  }

  static constexpr std::size_t kBacklog = 128, kConnections = 1000;

  fata::async::CancelToken stop_;
  fata::Logger log_;
  Tcp& tcp_;
  std::uint16_t port_;
  fata::async::WaitQueue fewer_;
};

}  // namespace @SPACE@
)";

constexpr std::string_view kBlockConfig = R"(#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  auto job = functor<Job(Block, Console)>("@SPACE@::@JOB@", "@NAME@.hpp");

  Plan plan("@NAME@");
  plan.run(job(default_block(context), default_console()));
  return plan;
}
)";

constexpr std::string_view kBlock = R"(// Counts its starts in the first sector of a disk.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/base/aligned.hpp>
#include <fata/base/bytes.hpp>
#include <fata/base/text.hpp>
#include <fata/sig/block.hpp>
#include <fata/sig/console.hpp>

#include <cstdint>
#include <utility>

namespace @SPACE@ {

template <fata::sig::BlockDevice Disk, fata::sig::Console Console>
class @JOB@ {
 public:
  @JOB@(fata::async::Context& context, Disk& disk, Console& console)
      : stop_(context.stop), log_(context.logger("@NAME@")), disk_(disk), console_(console) {}

  fata::async::Task<int> start() {
    const auto counted = co_await count();
    if (counted) co_return 0;
    log_.error(counted.error());
    co_return 1;
  }

 private:
  fata::async::Task<fata::Result<void>> count() {
    const auto until_stopped = fata::async::Wait::cancelled_by(stop_);
    const fata::sig::BlockGeometry geometry = disk_.geometry();
    fata::AlignedBuffer sector(geometry.sector_size, geometry.alignment);
    const auto read = co_await disk_.read(0, sector.bytes(), until_stopped);
    if (!read) co_return read;
    const std::uint64_t starts = fata::load_le<std::uint64_t>(sector.bytes()) + 1;
    fata::store_le(sector.bytes(), starts);
    const auto written = co_await disk_.write(0, sector.bytes(), until_stopped);
    if (!written) co_return written;
    const auto flushed = co_await disk_.flush(until_stopped);
    const fata::Text<80> line(std::in_place, "start number ", starts, "\n");
    if (flushed) console_.write(line.view());
    co_return flushed;
  }

  fata::async::CancelToken stop_;
  fata::Logger log_;
  Disk& disk_;
  Console& console_;
};

}  // namespace @SPACE@
)";

}  // namespace

std::span<const Template> templates() {
  static constexpr std::array<Template, 4> list{{
      {"console", kConsoleConfig, kConsole, "fata run @NAME@ -- --greeting=Hi"},
      {"udp", kUdpConfig, kUdp,
       "fata run @NAME@, and elsewhere: echo hi | nc -u -w 1 127.0.0.1 7007"},
      {"tcp", kTcpConfig, kTcp, "fata run @NAME@, and elsewhere: echo hi | nc -N 127.0.0.1 7007"},
      {"block", kBlockConfig, kBlock, "truncate -s 1M disk.img && fata run @NAME@ --disk disk.img"},
  }};
  return list;
}

}  // namespace fata::tool
