#include "qemu.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "boot_files.hpp"
#include "capture.hpp"
#include "error.hpp"

namespace fata::tool {
namespace {

std::optional<unsigned> port_number(std::string_view text) {
  unsigned value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stopped != end || value == 0 || value > 65535) return std::nullopt;
  return value;
}

// The apparent address of forwarded clients: the host in the first network of QEMU's user mode.
constexpr const char* kForwarder = "10.0.2.2,fec0::2";

// The value of a parameter in the unikernel.
std::string parameter_value(const Plan& plan, const std::vector<std::string>& words,
                            const std::string& name) {
  const std::string flag = "--" + name;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].starts_with(flag + "=")) return words[i].substr(flag.size() + 1);
    if (words[i] == flag && i + 1 < words.size()) return words[i + 1];
  }
  return plan.parameter(name).default_text;
}

}  // namespace

bool is_tap(const std::string& link) { return link == "tap" || link.starts_with("tap:"); }
std::string tap_name(const std::string& link, std::size_t nic) {
  return link == "tap" ? "tap" + std::to_string(nic) : link.substr(4);
}

std::vector<PortForward> parse_forward(const std::string& text) {
  std::string rest = text;
  std::vector<std::string> protocols{"udp", "tcp"};
  for (const char* protocol : {"udp", "tcp"}) {
    if (rest.starts_with(std::string(protocol) + ":")) {
      protocols = {protocol};
      rest = rest.substr(4);
      break;
    }
  }
  const std::size_t colon = rest.find(':');
  const auto host = port_number(rest.substr(0, colon));
  const auto guest = colon == rest.npos ? std::nullopt : port_number(rest.substr(colon + 1));
  if (!host || !guest)
    throw UsageError("--forward " + text + ": write [udp|tcp:]HOST:GUEST, as in udp:1053:53");
  std::vector<PortForward> list;
  for (const std::string& protocol : protocols) list.push_back({protocol, *host, *guest});
  return list;
}

std::vector<PortForward> served_ports(const Plan& plan,
                                      const std::vector<std::string>& parameters) {
  std::vector<PortForward> list;
  for (const plan::Forward& f : plan.forwards) {
    // The unikernel itself rejects an invalid port.
    if (const auto port = port_number(parameter_value(plan, parameters, f.parameter))) {
      list.push_back({std::string(plan::word(f.protocol)), *port, *port});
    }
  }
  return list;
}

std::vector<std::string> forwarded_parameters(const Plan& plan,
                                              const std::vector<std::string>& parameters,
                                              const std::vector<PortForward>& forwards) {
  std::vector<std::string> words = parameters;
  if (plan.forwarded_clients.empty() || forwards.empty()) return words;
  const std::string flag = "--" + plan.forwarded_clients;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool alone = words[i] == flag;
    if (!alone && !words[i].starts_with(flag + "=")) continue;
    // The unikernel itself rejects a parameter without its value.
    if (!alone || i + 1 < words.size()) words[alone ? i + 1 : i] += std::string(",") + kForwarder;
    return words;
  }
  const std::string& given = plan.parameter(plan.forwarded_clients).default_text;
  words.push_back(flag + "=" + given + (given.empty() ? "" : ",") + kForwarder);
  return words;
}

std::string kernel_word(const std::string& word) {
  if (word.find_first_of("\n\r") != word.npos) {
    throw UsageError("a parameter contains a newline, and a kernel's command line cannot: " +
                     word.substr(0, word.find_first_of("\n\r")) + "...");
  }
  if (!word.empty() && word.find_first_of(" \t\"\\") == word.npos) return word;
  std::string out = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

namespace {
// A comma ends a value of QEMU's options unless it is doubled.
std::string option_value(const std::string& value) {
  std::string out;
  for (const char c : value) out += c == ',' ? ",," : std::string(1, c);
  return out;
}

// QEMU reads the text before a colon as a protocol, unless a slash comes first.
std::string without_protocol(const std::string& file) {
  return file.find(':') < file.find('/') ? "./" + file : file;
}

void add_nic(Words& words, const QemuChoice& choice, std::size_t nic) {
  const bool microvm = choice.machine == "microvm";
  const std::string& link = choice.links[nic];
  const std::string number = nic == 0 ? "" : std::to_string(nic);
  std::string net = "user,id=net" + number;
  if (is_tap(link)) {
    net = "tap,id=net" + number +
          ",script=no,downscript=no,ifname=" + option_value(tap_name(link, nic));
  } else if (nic == 0) {
    for (const PortForward& f : choice.forwards) {
      net += ",hostfwd=" + f.protocol + ":127.0.0.1:" + std::to_string(f.host) +
             "-:" + std::to_string(f.guest);
    }
  } else {  // a separate network; the first NIC uses 10.0.2.0/24
    net += ",net=10.0." + std::to_string(2 + nic) + ".0/24";
  }
  words.insert(words.end(),
               {"-netdev", net, "-device",
                microvm ? "virtio-net-device,netdev=net" + number
                        : "virtio-net-pci,netdev=net" + number + ",disable-legacy=on"});
  if (!choice.pcap.empty()) {
    words.insert(words.end(),
                 {"-object", "filter-dump,id=dump" + number + ",netdev=net" + number + ",file=" +
                                 option_value(capture_of_nic(choice.pcap, nic).string())});
  }
}
}  // namespace

Words qemu_line(const fs::path& image, const QemuChoice& choice) {
  const bool microvm = choice.machine == "microvm";
  const std::string bus = microvm ? "-device" : "-pci";
  Words words{qemu_program(choice.arch),
              "-M",
              microvm ? "microvm,acpi=off" : choice.machine,
              "-accel",
              choice.accel,
              "-cpu",
              "max",
              "-m",
              std::to_string(choice.memory_mib),
              "-nodefaults",
              "-no-user-config",
              "-no-reboot",
              "-display",
              "none",
              "-chardev",
              "stdio,id=console,signal=off",
              "-serial",
              "chardev:console",
              "-device",
              "isa-debug-exit,iobase=0xf4,iosize=0x04",
              "-object",
              "rng-random,id=entropy,filename=/dev/urandom",
              "-device",
              "virtio-rng" + bus + ",rng=entropy" + (microvm ? "" : ",disable-legacy=on")};
  if (microvm) {
    words.insert(words.end(), {"-global", "virtio-mmio.force-legacy=false"});
  } else {
    // Lets an image detect that it was restored from a snapshot.
    words.insert(words.end(), {"-device", "vmgenid,guid=auto"});
  }
  for (std::size_t nic = 0; nic < choice.links.size(); ++nic) add_nic(words, choice, nic);
  for (std::size_t i = 0; i < choice.disks.size(); ++i) {
    const Disk& disk = choice.disks[i];
    const std::string id = "disk" + std::to_string(i);
    // A guest's flush is an fdatasync on the host, with or without the host's page cache. The image
    // receives errors (by default QEMU stops a guest whose disk's file system is full).
    words.insert(words.end(),
                 {"-drive",
                  "if=none,id=" + id +
                      ",format=raw,discard=unmap,cache=" + (disk.direct ? "none" : "writeback") +
                      (disk.read_only ? ",read-only=on" : "") +
                      ",file=" + option_value(without_protocol(disk.file)),
                  "-device",
                  "virtio-blk" + bus + ",drive=" + id + ",werror=report,rerror=report" +
                      (microvm ? "" : ",disable-legacy=on") +
                      (disk.sector_size == 512
                           ? ""
                           : ",logical_block_size=" + std::to_string(disk.sector_size) +
                                 ",physical_block_size=" + std::to_string(disk.sector_size))});
  }
  if (choice.gdb) words.insert(words.end(), {"-S", "-gdb", "tcp:127.0.0.1:1234"});
  words.insert(words.end(), {"-kernel", image.string()});
  if (!choice.initrd.empty()) words.insert(words.end(), {"-initrd", choice.initrd.string()});
  std::string line = choice.gdb ? std::string("fata.base=") + kDebugBase : "";
  for (const std::string& word : choice.parameters)
    line += (line.empty() ? "" : " ") + kernel_word(word);
  if (!line.empty()) words.insert(words.end(), {"-append", line});
  return words;
}

std::optional<int> image_status(int qemu_status) {
  if (qemu_status < 3 || qemu_status > 255 || qemu_status % 2 == 0) return std::nullopt;
  return (qemu_status - 3) / 2;
}

namespace {
// Joins the script's arguments to $line as kernel_word() does.
constexpr const char* kJoinArguments = R"(line=
newline='
'
for word; do
  case $word in
    *"$newline"*)
      echo "$0: a parameter contains a newline, and a kernel's command line cannot" >&2
      exit 64 ;;
    '' | *[' 	"\\']*) word=\"$(printf %s "$word" | LC_ALL=C sed 's/["\\]/\\&/g')\" ;;
  esac
  line="$line${line:+ }$word"
done
)";
}  // namespace

std::string qemu_script(const Project& project) {
  const Plan& plan = project.plan();
  const std::string accel = "@accel@", files = "@files@";
  const fs::path archive = boot_archive(project);
  std::vector<Disk> disks;
  for (const std::string& name : plan.disks) disks.push_back({.file = name + ".img"});
  const Words words =
      qemu_line(project.image(), {.arch = plan.arch,
                                  .accel = accel,
                                  .links = std::vector<std::string>(project.plan().nics(), "user"),
                                  .forwards = served_ports(plan, {}),
                                  .memory_mib = plan.memory_mib,
                                  .pcap = {},
                                  .disks = disks,
                                  .initrd = archive.empty() ? "" : files,
                                  .parameters = {}});
  std::string forwarder;
  if (!plan.forwarded_clients.empty() && !plan.forwards.empty()) {
    const std::string flag = "--" + plan.forwarded_clients;
    forwarder = "# Forwarded clients seem to be the forwarder.\ncase \" $line\" in\n  *\" " + flag +
                "\"* | *' \"" + flag + "'*) ;;\n  *) line=\"$line${line:+ }" +
                forwarded_parameters(plan, {}, served_ports(plan, {})).front() + "\" ;;\nesac\n";
  }
  std::string line;
  for (const std::string& word : words) {
    line += line.empty() ? "" : " ";
    if (word == accel) {
      line += "\"${ACCEL:-tcg}\"";
    } else if (word == files) {
      line += "\"${FILES:-$files}\"";
    } else {
      line += shell_line({word});
    }
  }
  return "#!/bin/sh\n"
         "# Boots " +
         plan.name +
         " with QEMU, as `fata run -t kvm` does. ACCEL=kvm where KVM works. The image's exit "
         "status s is\n"
         "# QEMU's code 2s+3. Parameters: as this script's arguments." +
         (plan.disks.empty() ? "" : " Disks: NAME.img in the current folder.") +
         (archive.empty()
              ? ""
              : "\n# Boot files: the archive FILES, made with: tar -C FOLDER -cf FILES ."
                "\nfiles=" +
                    shell_line({archive})) +
         "\n" + kJoinArguments + forwarder + "exec " + line + " ${line:+-append \"$line\"}\n";
}

std::string firecracker_json(const Project& project) {
  using Json = nlohmann::ordered_json;
  Json drives = Json::array();
  for (const std::string& name : project.plan().disks) {
    drives.push_back({{"drive_id", name},
                      {"path_on_host", name + ".img"},
                      {"is_root_device", false},
                      {"is_read_only", false},
                      {"cache_type", "Writeback"}});
  }
  Json json{{"boot-source", {{"kernel_image_path", project.elf().string()}, {"boot_args", ""}}},
            {"drives", std::move(drives)},
            {"machine-config", {{"vcpu_count", 1}, {"mem_size_mib", project.plan().memory_mib}}},
            {"entropy", Json::object()}};
  if (const fs::path archive = boot_archive(project); !archive.empty())
    json["boot-source"]["initrd_path"] = archive.string();
  for (std::size_t nic = 0; nic < project.plan().nics(); ++nic) {
    const std::string number = std::to_string(nic);
    json["network-interfaces"].push_back(
        {{"iface_id", "eth" + number}, {"host_dev_name", "tap" + number}});
  }
  return json.dump(2) + "\n";
}

}  // namespace fata::tool
