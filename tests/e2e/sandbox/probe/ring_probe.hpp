// An image with a disk that attacks through the disk's own ring, which bypasses seccomp filters.
#pragma once

#include <fata/async/context.hpp>
#include <fata/sig/block.hpp>

#include <array>
#include <cstddef>

#include "attacks.hpp"
#include "ring_attacks.hpp"

namespace sandbox_probe {

template <fata::sig::BlockDevice Disk>
class RingProbe {
 public:
  RingProbe(fata::async::Context& context, Disk& disk, std::string_view attack)
      : log_(context.logger("probe")), disk_(disk), attack_(attack) {}

  fata::async::Task<int> start() {
    alignas(4096) static std::array<std::byte, 4096> sectors;
    if (!co_await disk_.write(0, sectors)) co_return 1;
    if (!co_await disk_.flush()) co_return 1;
    const long outcome =
        attack_.starts_with("ring-") ? attack_by_ring(disk_, attack_) : try_attack(attack_);
    log_.info(attack_, ": ", outcome);
    if (!co_await disk_.read(0, sectors)) co_return 1;
    co_return 0;
  }

 private:
  fata::Logger log_;
  Disk& disk_;
  std::string_view attack_;
};

}  // namespace sandbox_probe
