// Asks an echo server again and again, and logs each answer or the reason why there was none.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/sig/flow.hpp>

#include <array>
#include <cstdint>

namespace client {

template <fata::sig::Tcp Tcp>
class Client {
 public:
  Client(fata::async::Context& context, Tcp& tcp, fata::Ipv4Address to, std::uint16_t port,
         fata::Duration every)
      : stop_(context.stop),
        log_(context.logger("client")),
        tcp_(tcp),
        to_{to, port},
        every_(every) {}

  fata::async::Task<int> start() {
    for (unsigned number = 1; co_await fata::async::sleep(every_, stop_); ++number) {
      const auto echoed = co_await ask(number);
      if (echoed) {
        log_.info("answer ", *echoed);
        ++answers_;
      } else {
        log_.info("question ", number, ": ", echoed.error());
      }
    }
    log_.info(answers_, " answers");
    co_return 0;
  }

 private:
  fata::async::Task<fata::Result<unsigned>> ask(unsigned number) {
    const auto wait = fata::async::Wait::at_most(fata::seconds(1), stop_);
    auto flow = co_await tcp_.connect(to_, wait);
    if (!flow) co_return fata::fail(flow.error());
    fata::PacketBuf question = (*flow)->allocate(0, sizeof number);
    if (question) fata::store_be(question.append(sizeof number), number);
    std::array<fata::Slice, 1> out{fata::Slice(std::move(question))};
    if (const auto sent = co_await (*flow)->write(out, wait); sent.error)
      co_return fata::fail(*sent.error);
    const auto got = co_await (*flow)->read(wait);
    if (!got) co_return fata::fail(got.error());
    (void)co_await (*flow)->shutdown(wait);
    co_return got->size() == sizeof number ? fata::load_be<unsigned>(got->bytes()) : 0;
  }

  fata::async::CancelToken stop_;
  fata::Logger log_;
  Tcp& tcp_;
  fata::Endpoint to_;
  fata::Duration every_;
  unsigned answers_ = 0;
};

}  // namespace client
