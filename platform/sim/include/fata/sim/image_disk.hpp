// The disk of a simulated image: empty at its start.
#pragma once

#include <memory>

#include "fata/async/context.hpp"
#include "fata/sim/disk.hpp"

namespace fata::sim {

class ImageDisk : public Disk {
 public:
  using Disk::Disk;
  // Makes a disk of the instance that runs; its faults and power come from that instance's
  // randomness.
  static async::Task<Result<std::unique_ptr<ImageDisk>>> connect(async::Context&) {
    return make(&Platform::current());
  }

 private:
  static async::Task<Result<std::unique_ptr<ImageDisk>>> make(Platform* platform) {
    co_return std::make_unique<ImageDisk>(*platform);
  }
};
static_assert(sig::BlockDevice<ImageDisk>);

}  // namespace fata::sim
