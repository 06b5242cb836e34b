#include "fata/config/provided.hpp"
#include "fata/config/sig/net.hpp"
#include "fata/config/sig/store.hpp"

namespace fata::config {

namespace {
DeviceSpec spec_of(std::string_view type, std::string_view header, std::string called,
                   Where where) {
  return {.type = "fata::sim::" + std::string(type),
          .headers = {"fata/sim/" + std::string(header)},
          .libraries = {"platform_sim"},
          .form = Form::kConnect,
          .only_on = Target::kSim,
          .called = std::move(called),
          .where = where};
}

const Provides<NetDevice> kNetwork(Target::kSim, [](const Context&, const Request& request) {
  const std::string segment = numbered("segment", request.number);
  DeviceSpec spec =
      spec_of("ImageNic", "image_nic.hpp", "NIC " + std::to_string(request.number), request.where);
  spec.is_nic = true;
  return device<NetDevice>(spec,
                           parameter(segment, numbered("lan", request.number),
                                     "segment of the simulator to plug into", request.where),
                           parameter(numbered("offload", request.number), true,
                                     "let the device sum and cut", request.where),
                           request.number);
});

const Provides<Capture> kCapture(Target::kSim, [](const Context&, const Request& request) {
  return device<Capture>(
      spec_of("ImageCapture", "image_capture.hpp", "the capture file", request.where),
      parameter(numbered("pcap", request.number), "",
                "name of a capture of all frames, as pcapng; none if empty", request.where));
});

const Provides<Block> kBlock(Target::kSim, [](const Context&, const Request& request) {
  return device<Block>(spec_of("ImageDisk", "image_disk.hpp",
                               "the disk '" + std::string(request.name) + "'", request.where),
                       std::string(request.name));
});
}  // namespace

}  // namespace fata::config
