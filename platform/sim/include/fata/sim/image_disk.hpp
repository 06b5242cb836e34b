// The disk of a simulated image: sim::Instance::disk() of the same name, which outlives the image.
#pragma once

#include <memory>
#include <string_view>

#include "fata/async/context.hpp"
#include "fata/sim/disk.hpp"

namespace fata::sim {

class ImageDisk {
 public:
  static async::Task<Result<std::unique_ptr<ImageDisk>>> connect(async::Context&,
                                                                 std::string_view name) {
    return async::ready(Result<std::unique_ptr<ImageDisk>>(
        std::make_unique<ImageDisk>(Platform::machine().disk(name))));
  }
  explicit ImageDisk(Disk& disk) : disk_(&disk) {}

  // sig::BlockDevice.
  sig::BlockGeometry geometry() const { return disk_->geometry(); }
  auto read(std::uint64_t sector, MutableBytes in, async::Wait wait = {}) {
    return disk_->read(sector, in, wait);
  }
  auto write(std::uint64_t sector, Bytes out, async::Wait wait = {}) {
    return disk_->write(sector, out, wait);
  }
  auto flush(async::Wait wait = {}) { return disk_->flush(wait); }
  auto discard(std::uint64_t sector, std::uint64_t count, async::Wait wait = {}) {
    return disk_->discard(sector, count, wait);
  }

 private:
  Disk* disk_;
};
static_assert(sig::BlockDevice<ImageDisk>);

}  // namespace fata::sim
