// A NIC of a simulated image, on a segment of its sim::Simulator.
#pragma once

#include <memory>
#include <string_view>

#include "fata/async/context.hpp"
#include "fata/sim/net_device.hpp"

namespace fata::sim {

class ImageNic final : public NetDevice {
 public:
  // Plugs NIC `number` of the image into the segment of that name. With `offload`, the NIC sums and
  // splits what it sends.
  static async::Task<Result<std::unique_ptr<ImageNic>>> connect(async::Context& context,
                                                                std::string_view segment,
                                                                bool offload = true,
                                                                std::size_t number = 0);
  ImageNic(Platform& platform, std::string_view segment, bool offload, std::size_t number);
  ~ImageNic() override;

 private:
  Platform* platform() const override { return platform_; }

  Platform* platform_;
};
static_assert(sig::NetDevice<ImageNic>);

}  // namespace fata::sim
