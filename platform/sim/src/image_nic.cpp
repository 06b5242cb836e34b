#include "fata/sim/image_nic.hpp"

namespace fata::sim {

async::Task<Result<std::unique_ptr<ImageNic>>> ImageNic::connect(async::Context&,
                                                                 std::string_view segment,
                                                                 bool offload, std::size_t number) {
  return async::ready(Result<std::unique_ptr<ImageNic>>(
      std::make_unique<ImageNic>(Platform::current(), segment, offload, number)));
}

ImageNic::ImageNic(Platform& platform, std::string_view segment, bool offload, std::size_t number)
    : NetDevice(Platform::machine().network(), Platform::machine().mac(number),
                {.checksum_offload = offload,
                 .segmentation = offload ? Segmentation::kCuts : Segmentation::kNone}),
      platform_(&platform) {
  Platform::machine().plug(*this, number, segment);
}

ImageNic::~ImageNic() { platform_->outside()->unplug(*this); }

}  // namespace fata::sim
