#include "fata/config/provided.hpp"
#include "fata/config/sig/net.hpp"
#include "fata/config/sig/store.hpp"

namespace fata::config {

namespace {
const Provides<NetDevice> kNetwork(Target::kKvm, [](const Context&, const Request& request) {
  const DeviceSpec spec{.type = "fata::virtio::NetDevice",
                        .headers = {"fata/virtio/net.hpp"},
                        .libraries = {"virtio"},
                        .form = Form::kConnect,
                        .is_nic = true,
                        .only_on = Target::kKvm,
                        .called = "network card " + std::to_string(request.number),
                        .chosen_by = {{"link"}},
                        .where = request.where};
  const auto offload = parameter(numbered("offload", request.number), true,
                                 "let the device sum and cut", request.where);
  return request.number == 0 ? device<NetDevice>(spec, offload)
                             : device<NetDevice>(spec, offload, request.number);
});

const Provides<Block> kBlock(Target::kKvm, [](const Context&, const Request& request) {
  return device<Block>({.type = "fata::virtio::BlockDevice",
                        .headers = {"fata/virtio/block.hpp"},
                        .libraries = {"virtio"},
                        .form = Form::kConnect,
                        .only_on = Target::kKvm,
                        .called = "disk " + std::to_string(request.number + 1) + ", '" +
                                  std::string(request.name) + "'",
                        .where = request.where},
                       request.number);
});
}  // namespace

}  // namespace fata::config
