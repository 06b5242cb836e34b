// Logs random bytes twice a second, and its secret when it was restored from a checkpoint.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/base/log.hpp>
#include <fata/base/text.hpp>
#include <fata/sig/clock.hpp>

#include <array>

namespace drawing {

template <fata::sig::Random Random>
class Drawing final : fata::async::Renewal {
 public:
  Drawing(fata::async::Context& context, Random& random)
      : context_(context), log_(context.logger("drawing")), random_(random) {
    context.loop.on_restore(*this);
  }

  fata::async::Task<int> start() {
    while (!context_.stop.cancelled()) {
      std::array<std::byte, 16> bytes;
      random_.fill(bytes);
      fata::Text<64> text;
      for (const std::byte b : bytes) text.put_hex(std::to_integer<std::uint8_t>(b), 2);
      log_.info("drawn ", text.view());
      if (renewed_ && ++draws_after_ == 2) log_.info("renewed and drawn twice");
      (void)co_await fata::async::sleep(fata::milliseconds(500), context_.stop);
    }
    co_return 0;
  }

 private:
  void renew(const fata::SipKey& secret) override {
    renewed_ = true;
    log_.info("renewed ", fata::Hex{secret.k0, 16}, fata::Hex{secret.k1, 16});
  }

  fata::async::Context& context_;
  fata::Logger log_;
  Random& random_;
  bool renewed_ = false;
  unsigned draws_after_ = 0;
};

}  // namespace drawing
