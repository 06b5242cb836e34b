// Reads bytes from bench/stream until it is stopped, and logs their number.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/sig/flow.hpp>

#include <array>
#include <cstdint>

namespace tcp_pull {

template <fata::sig::Tcp Tcp>
class Pull {
 public:
  Pull(fata::async::Context& context, Tcp& tcp, fata::Ipv4Address from, std::uint16_t port)
      : stop_(context.stop), log_(context.logger("tcp-pull")), tcp_(tcp), from_{from, port} {}

  fata::async::Task<int> start() {
    const auto until_stopped = fata::async::Wait::cancelled_by(stop_);
    auto flow = co_await tcp_.connect(from_, until_stopped);
    if (!flow) co_return 1;
    fata::PacketBuf request = (*flow)->allocate(0, 1);
    if (!request) co_return 1;
    request.append(1)[0] = std::byte{'R'};
    std::array<fata::Slice, 1> out{fata::Slice(std::move(request))};
    if ((co_await (*flow)->write(out, until_stopped)).error) co_return 1;
    for (;;) {
      const auto got = co_await (*flow)->read(until_stopped);
      if (!got || got->empty()) break;
      bytes_ += got->size();
    }
    log_.info(bytes_, " bytes");
    co_return 0;
  }

 private:
  fata::async::CancelToken stop_;
  fata::Logger log_;
  Tcp& tcp_;
  fata::Endpoint from_;
  std::uint64_t bytes_ = 0;
};

}  // namespace tcp_pull
