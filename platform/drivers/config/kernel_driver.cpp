#include "fata/config/kernel_driver.hpp"

namespace fata::config::detail {

namespace {
DeviceSpec spec_of(std::string_view driver, std::string_view type, std::string_view header,
                   Target target, std::string called, Where where) {
  const std::string name(driver);
  return {.type = "fata::" + name + "::" + std::string(type),
          .headers = {"fata/" + name + "/" + std::string(header)},
          .libraries = {name},
          .form = Form::kConnect,
          .only_on = target,
          .called = std::move(called),
          .where = where};
}
}  // namespace

Device<NetDevice> kernel_nic(std::string_view driver, Target target,
                             std::optional<std::vector<std::string>> chosen_by,
                             const Request& request) {
  DeviceSpec spec = spec_of(driver, "NetDevice", "net.hpp", target,
                            "NIC " + std::to_string(request.number), request.where);
  spec.is_nic = true;
  spec.chosen_by = std::move(chosen_by);
  const auto offload = parameter(numbered("offload", request.number), true,
                                 "let the device sum and cut", request.where);
  return request.number == 0 ? device<NetDevice>(spec, offload)
                             : device<NetDevice>(spec, offload, request.number);
}

Device<Block> kernel_disk(std::string_view driver, Target target, const Request& request) {
  return device<Block>(spec_of(driver, "BlockDevice", "block.hpp", target,
                               "disk " + std::to_string(request.number + 1) + ", '" +
                                   std::string(request.name) + "'",
                               request.where),
                       request.number);
}

}  // namespace fata::config::detail
