#include "xen.hpp"

#include <nlohmann/json.hpp>

#include "boot_files.hpp"
#include "qemu.hpp"

namespace fata::tool {
namespace {

// A string in xl's configuration, with a backslash before each quotation mark and backslash.
std::string xl_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string kernel_line(const std::vector<std::string>& parameters) {
  std::string line;
  for (const std::string& word : parameters) line += (line.empty() ? "" : " ") + kernel_word(word);
  return line;
}

constexpr const char* kXlRest =
    "vcpus = 1\n"
    "# Xen's default for so small a domain does not suffice to restore it.\n"
    "shadow_memory = 4\n";

std::string ends(const char* on_crash) {
  return std::string("on_poweroff = \"destroy\"\non_reboot = \"restart\"\non_crash = \"") +
         on_crash + "\"\n";
}

// `target` comes last: it includes everything that follows, commas too.
std::string xl_disks(const std::vector<Disk>& disks) {
  std::string text;
  for (std::size_t i = 0; i < disks.size(); ++i) {
    text += (i == 0 ? "disk = [" : ", ") +
            xl_string(std::string("format=raw,vdev=xvd") + static_cast<char>('a' + i) +
                      ",access=" + (disks[i].read_only ? "ro" : "rw") +
                      ",target=" + fs::absolute(disks[i].file).string());
  }
  return disks.empty() ? "" : text + "]\n";
}

std::string xml_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace

std::vector<Disk> named_disks(const Project& project) {
  std::vector<Disk> disks;
  for (const std::string& name : project.plan().disks)
    disks.push_back({.file = (project.folder() / (name + ".img")).string()});
  return disks;
}

std::string xl_config(const Project& project, const std::vector<std::string>& parameters,
                      unsigned memory_mib, const std::vector<Disk>& disks, const fs::path& ramdisk,
                      bool keep) {
  const Plan& plan = project.plan();
  std::string text = "# Runs " + plan.name +
                     " on Xen: xl create THIS-FILE. Written by `fata configure`.\n"
                     "name = " +
                     xl_string(plan.name) +
                     "\ntype = \"pvh\"\nkernel = " + xl_string(project.image().string()) +
                     "\n# Parameters of the image; `fata describe` lists them.\nextra = " +
                     xl_string(kernel_line(parameters)) +
                     "\nmemory = " + std::to_string(memory_mib) + "\n" + kXlRest;
  if (!ramdisk.empty())
    text += "# The boot files: a tar archive.\nramdisk = " + xl_string(ramdisk.string()) + "\n";
  for (unsigned i = 0; i < project.plan().nics(); ++i)
    text += i == 0 ? "vif = [\"bridge=xenbr0\"" : ", \"bridge=xenbr0\"";
  if (project.plan().nics() != 0) text += "]\n";
  if (!disks.empty())
    text += "# The application's disks, in its order: raw files or block devices of dom0.\n" +
            xl_disks(disks);
  if (keep)
    return text + "on_poweroff = \"preserve\"\non_reboot = \"preserve\"\non_crash = \"preserve\"\n";
  return text +
         "# A wrong parameter or a crash is a crash to Xen: `preserve` keeps the domain for a look "
         "at it.\n" +
         ends("destroy");
}

std::string xl_template() {
  return std::string(
             "# Fill in @NAME@, @KERNEL@ (the image), @EXTRA@ (its parameters), @MEMORY@ (MiB), "
             "@VIF@ "
             "(\"bridge=xenbr0\", or\n"
             "# nothing) and @DISK@ (\"format=raw,vdev=xvda,access=rw,target=/path\", or "
             "nothing).\n"
             "name = \"@NAME@\"\ntype = \"pvh\"\nkernel = \"@KERNEL@\"\nextra = "
             "\"@EXTRA@\"\nmemory = "
             "@MEMORY@\n") +
         kXlRest + "vif = [@VIF@]\ndisk = [@DISK@]\n" + ends("destroy");
}

namespace {
std::string os_type(const Project& project, const std::string& machine, const std::string& type) {
  return "    <type arch=\"" + project.plan().arch + "\" machine=\"" + machine + "\">" + type +
         "</type>\n";
}

std::string libvirt_domain(const Project& project, const std::string& kind, const std::string& os,
                           const std::string& rest) {
  const Plan& plan = project.plan();
  const fs::path archive = boot_archive(project);
  return "<!-- virsh define THIS-FILE. Written by `fata configure`. -->\n<domain type=\"" + kind +
         "\">\n"
         "  <name>" +
         xml_text(plan.name) + "</name>\n  <memory unit=\"MiB\">" +
         std::to_string(plan.memory_mib) + "</memory>\n  <vcpu>1</vcpu>\n  <os>\n" + os +
         "    <kernel>" + xml_text(project.image().string()) + "</kernel>\n" +
         (archive.empty() ? "" : "    <initrd>" + xml_text(archive.string()) + "</initrd>\n") +
         "    <cmdline></cmdline>\n  </os>\n" + rest;
}
// Without a driver element libxl selects the driver, as with xl.
std::string libvirt_disk(const Disk& disk, const std::string& bus, std::size_t number) {
  const bool virtio = bus == "virtio";
  return std::string("    <disk type=\"file\" device=\"disk\"") +
         (virtio ? " model=\"virtio-non-transitional\">\n      <driver name=\"qemu\" type=\"raw\" "
                   "discard=\"unmap\" "
                   "error_policy=\"report\" rerror_policy=\"report\"/>\n"
                 : ">\n") +
         "      <source file=\"" + xml_text(disk.file) + "\"/>\n      <target dev=\"" +
         (virtio ? "vd" : "xvd") + static_cast<char>('a' + number) + "\" bus=\"" + bus +
         "\"/>\n    </disk>\n";
}
}  // namespace

std::string libvirt_xen(const Project& project) {
  std::string rest =
      "  <on_poweroff>destroy</on_poweroff>\n  <on_reboot>restart</on_reboot>\n  "
      "<on_crash>destroy</on_crash>\n"
      "  <devices>\n";
  for (unsigned i = 0; i < project.plan().nics(); ++i) {
    rest +=
        "    <interface type=\"bridge\">\n      <source bridge=\"xenbr0\"/>\n    </interface>\n";
  }
  const std::vector<Disk> disks = named_disks(project);
  for (std::size_t i = 0; i < disks.size(); ++i) rest += libvirt_disk(disks[i], "xen", i);
  rest +=
      "    <console type=\"pty\">\n      <target type=\"xen\" port=\"0\"/>\n    </console>\n  "
      "</devices>\n</domain>\n";
  return libvirt_domain(project, "xen", os_type(project, "xenpvh", "xenpvh"), rest);
}

std::string libvirt_kvm(const Project& project) {
  std::string rest =
      "  <genid/>\n  <cpu mode=\"host-passthrough\"/>\n"
      "  <on_poweroff>destroy</on_poweroff>\n  <on_reboot>restart</on_reboot>\n  "
      "<on_crash>destroy</on_crash>\n"
      "  <devices>\n";
  for (unsigned i = 0; i < project.plan().nics(); ++i) {
    rest +=
        "    <interface type=\"network\">\n      <source network=\"default\"/>\n      <model "
        "type=\"virtio-non-transitional\"/>\n"
        "    </interface>\n";
  }
  const std::vector<Disk> disks = named_disks(project);
  for (std::size_t i = 0; i < disks.size(); ++i) rest += libvirt_disk(disks[i], "virtio", i);
  rest +=
      "    <rng model=\"virtio-non-transitional\">\n      <backend "
      "model=\"random\">/dev/urandom</backend>\n "
      "   </rng>\n"
      "    <serial type=\"pty\"/>\n    <console type=\"pty\"/>\n    <memballoon model=\"none\"/>\n "
      " "
      "</devices>\n</domain>\n";
  return libvirt_domain(project, "kvm", os_type(project, "q35", "hvm"), rest);
}

std::string cloud_hypervisor_json(const Project& project) {
  using Json = nlohmann::ordered_json;
  Json json{{"payload", {{"kernel", project.image().string()}, {"cmdline", ""}}},
            {"cpus", {{"boot_vcpus", 1}, {"max_vcpus", 1}}},
            {"memory", {{"size", std::uint64_t{project.plan().memory_mib} << 20}}},
            {"rng", {{"src", "/dev/urandom"}}},
            {"serial", {{"mode", "Tty"}}},
            {"console", {{"mode", "Off"}}}};
  if (const fs::path archive = boot_archive(project); !archive.empty())
    json["payload"]["initramfs"] = archive.string();
  for (unsigned i = 0; i < project.plan().nics(); ++i)
    json["net"].push_back({{"tap", "tap" + std::to_string(i)}});
  return json.dump(2) + "\n";
}

}  // namespace fata::tool
