#include "fata/tcp/prr.hpp"

namespace fata::tcp {

std::uint32_t Prr::on_ack(std::uint32_t delivered, std::uint32_t pipe, std::uint32_t ssthresh,
                          std::uint32_t mss, bool good) {
  delivered_ += delivered;
  std::uint32_t more = 0;
  if (pipe > ssthresh) {
    const std::uint64_t share = (std::uint64_t{delivered_} * ssthresh + flight_ - 1) / flight_;
    more = share > out_ ? static_cast<std::uint32_t>(share - out_) : 0;
  } else {
    more = std::max(delivered_ > out_ ? delivered_ - out_ : 0, delivered);
    if (good) more += mss;
    more = std::min(more, ssthresh - pipe);
  }
  // The first lost segment is sent at once, whatever the window.
  if (out_ == 0) more = std::max(more, mss);
  return pipe + more;
}

}  // namespace fata::tcp
