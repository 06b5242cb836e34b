#include "fata/config/linux.hpp"

#include "fata/config/provided.hpp"

namespace fata::config {

namespace {
// The start of the description of each device here.
DeviceSpec spec_of(std::string_view type, std::string_view header, std::string called,
                   Where where) {
  return {.type = "fata::linux::" + std::string(type),
          .headers = {"fata/linux/" + std::string(header)},
          .libraries = {"platform_linux"},
          .only_on = Target::kLinux,
          .called = std::move(called),
          .where = where};
}
DeviceSpec connected(DeviceSpec spec) {
  spec.form = Form::kConnect;
  return spec;
}

const Provides<NetDevice> kNetwork(Target::kLinux, [](const Context&, const Request& request) {
  const std::string tap = numbered("tap", request.number);
  DeviceSpec spec = connected(spec_of("Tap", "tap.hpp", "the tap device", request.where));
  spec.is_nic = true;
  spec.chosen_by = {{tap}};
  return device<NetDevice>(spec,
                           parameter(tap, "tap" + std::to_string(request.number),
                                     "tap device to attach to", request.where),
                           parameter(numbered("offload", request.number), true,
                                     "let the device sum and cut", request.where));
});

const Provides<Capture> kCapture(Target::kLinux, [](const Context&, const Request& request) {
  return capture_file(request.number, request.where);
});

const Provides<ReportRequests> kReports(Target::kLinux, [](const Context&, const Request& request) {
  return device<ReportRequests>(spec_of("ReportSignal", "report_signal.hpp", {}, request.where));
});

const Provides<Block> kBlock(Target::kLinux, [](const Context&, const Request& request) {
  return device<Block>(
      connected(spec_of("BlockFile", "block_file.hpp",
                        "the disk '" + std::string(request.name) + "'", request.where)),
      parameter(request.name, "",
                "file or block device with its sectors; then may follow ,ro ,direct ,sector=4096",
                request.where));
});
const Provides<KeyValue> kBootFiles(Target::kLinux, [](const Context&, const Request& request) {
  DeviceSpec spec = connected(spec_of("Folder", "folder.hpp", "the boot files", request.where));
  spec.is_boot_files = true;
  return device<KeyValue>(spec,
                          parameter("files", "files", "folder with the boot files", request.where));
});
}  // namespace

Device<Udp> host_udp(Where where) {
  return device<Udp>(spec_of("Udp", "udp.hpp", "the host's UDP", where));
}
Device<Tcp> host_tcp(Where where) {
  return device<Tcp>(spec_of("Tcp", "tcp.hpp", "the host's TCP", where));
}
Device<Names> host_names(Where where) {
  return device<Names>(
      connected(spec_of("HostNames", "host_names.hpp", "the host's name servers", where)));
}
Stack host_stack(Where where) {
  return {host_udp(where), host_tcp(where), no_ping(where), host_names(where)};
}

Device<KeyValue> host_folder(const Parameter<std::string>& path, Where where) {
  return device<KeyValue>(connected(spec_of("Folder", "folder.hpp", "the folder", where)), path);
}

Device<Capture> capture_file(std::size_t number, Where where) {
  return device<Capture>(
      connected(spec_of("CaptureFile", "capture_file.hpp", "the capture file", where)),
      parameter(numbered("pcap", number), "",
                "file to write all frames to, as pcapng; none if empty", where));
}

}  // namespace fata::config
