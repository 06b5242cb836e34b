// `fata run -t xen`: by xl where this is a dom0, or in the lab.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <sstream>
#include <thread>

#include "error.hpp"
#include "progress.hpp"
#include "qemu.hpp"
#include "xen.hpp"

namespace fata::tool {
namespace {

constexpr unsigned kLeastMemory = 4;  // MiB

bool is_dom0() {
  std::error_code missing;
  if (!fs::exists("/proc/xen/capabilities", missing)) return false;
  return read_file("/proc/xen/capabilities").find("control_d") != std::string::npos;
}

void check(const Project& project, const RunChoice& choice) {
  const std::pair<bool, const char*> others[]{{!choice.accel.empty(), "--accel"},
                                              {choice.machine != "microvm", "--machine"},
                                              {choice.gdb, "--gdb"},
                                              {!choice.pcap.empty(), "--pcap"},
                                              {!choice.links.empty(), "--link"}};
  for (const auto& [given, name] : others) {
    if (given)
      throw UsageError(std::string(name) +
                       ": is QEMU's, for -t kvm; on Xen the domain's configuration says such things");
  }
  if (choice.memory_mib != 0 && choice.memory_mib < kLeastMemory) {
    throw UsageError("--memory " + std::to_string(choice.memory_mib) + ": a domain needs " +
                     std::to_string(kLeastMemory) + " MiB or more");
  }
  if (!choice.forwards.empty() && !choice.lab) {
    throw UsageError(
        "--forward: ports are forwarded with --lab only; a domain has an address of its own on its bridge");
  }
  if (!choice.lab && (!is_dom0() || find_program("xl").empty())) {
    throw UsageError("-t xen: this machine is no Xen dom0 with xl; `fata build " +
                     project.choice().app.string() + " -t xen` makes the image and " + project.plan().name +
                     ".xl for one, and `fata run --lab` boots an emulated machine with Xen in it");
  }
}

void check_xen_disk(const Disk& disk, const std::string& text, const RunChoice& choice) {
  if (disk.direct)
    throw UsageError("--disk " + text + ": on Xen the backend says how it reads a file; leave out ,direct");
  if (disk.sector_size != 512 && !choice.lab)
    throw UsageError("--disk " + text +
                     ": the device of dom0 says how large its sectors are; leave out ,sector=");
  if (!choice.dry) check_disk(disk);
}

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::ranges::replace(text, '\n', ' ');
  return text;
}

volatile sig_atomic_t asked = 0;
void note_signal(int) { asked = asked + 1; }

// Until the domain has ended: its console on our standard output, our signals its shutdown, its status ours.
int run_domain(const Project& project, const fs::path& config) {
  const std::string& name = project.plan().name;
  const Outcome created = capture({"xl", "create", "-q", config});
  if (created.status != 0) throw UsageError("xl create: " + one_line(created.output));
  const std::string id = one_line(capture({"xl", "domid", name}).output);
  const std::string home = "/local/domain/" + id;
  struct sigaction action{};
  action.sa_handler = note_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  std::fflush(nullptr);
  const pid_t console = ::fork();
  if (console == 0) {
    ::setpgid(0, 0);  // a Ctrl-C is for us
    ::execlp("xl", "xl", "console", id.c_str(), nullptr);
    ::_exit(127);
  }
  int told = 0;
  std::string state;
  do {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (asked > told) {
      capture({"xl", told++ == 0 ? "shutdown" : "destroy", id});
    }
    const Outcome listed = capture({"xl", "list", id});
    if (listed.status != 0) break;
    // The fifth word of the last line: "---s--", or "----c-".
    std::istringstream words(listed.output.substr(listed.output.rfind('\n', listed.output.size() - 2) + 1));
    for (int i = 0; i < 5; ++i) words >> state;
  } while (state.find_first_of("sc") == state.npos);
  const std::string status = one_line(capture({"xenstore-read", home + "/data/exit-status"}).output);
  capture({"xl", "destroy", id});
  ::kill(console, SIGTERM);
  int code = 0;
  if (std::sscanf(status.c_str(), "%d", &code) == 1) return code;
  say("the domain ended without leaving its status");
  return 1;
}

}  // namespace

int run_xen(Project& project, const RunChoice& choice) {
  check(project, choice);
  const unsigned memory = choice.memory_mib != 0 ? choice.memory_mib : project.plan().memory_mib;
  const fs::path config = project.folder() / "run.xl";
  check_disk_count(project.plan(), choice.disks);
  std::vector<Disk> disks;
  for (const std::string& text : choice.disks) {
    disks.push_back(parse_disk(text));
    check_xen_disk(disks.back(), text, choice);
  }
  write_if_changed(config, xl_config(project, choice.parameters, memory, disks, true));
  if (!choice.lab) {
    if (choice.dry) {
      std::printf("%s\n", shell_line({"xl", "create", config}).c_str());
      return 0;
    }
    return run_domain(project, config);
  }
  if (find_program("qemu-system-x86_64").empty()) {
    throw UsageError("--lab needs QEMU: apt-get install qemu-system-x86");
  }
  Words words{"python3", project.home().lab(), "run", config};
  std::vector<PortForward> forwards;
  for (const std::string& text : choice.forwards) {
    for (PortForward& f : parse_forward(text)) forwards.push_back(std::move(f));
  }
  if (choice.forwards.empty()) forwards = served_ports(project.plan(), choice.parameters);
  for (const PortForward& f : forwards) {
    words.insert(words.end(),
                 {"--forward", f.protocol + ":" + std::to_string(f.host) + ":" + std::to_string(f.guest)});
  }
  for (const Disk& disk : disks) {
    words.insert(words.end(), {"--disk", fs::absolute(disk.file).string() + (disk.read_only ? ",ro" : "") +
                                             (disk.sector_size == 512 ? "" : ",sector=4096")});
  }
  if (choice.dry) {
    std::printf("%s\n", shell_line(words).c_str());
    return 0;
  }
  say("booting Xen in an emulated machine; the first time it is made from Debian's packages");
  for (const PortForward& f : forwards) {
    say("127.0.0.1:" + std::to_string(f.host) + "/" + f.protocol + " is forwarded to the domain's port " +
        std::to_string(f.guest));
  }
  replace(words);
}

}  // namespace fata::tool
