#include <algorithm>
#include <cstdio>

#include "arch.hpp"
#include "boot_files.hpp"
#include "capture.hpp"
#include "commands.hpp"
#include "debugger.hpp"
#include "disk.hpp"
#include "error.hpp"
#include "progress.hpp"
#include "usage.hpp"
#include "xen.hpp"

namespace fata::tool {

namespace {

void need_program(const char* purpose, const std::string& program, const char* package) {
  if (!find_program(program).empty()) return;
  // QEMU's recommended packages pull in a desktop.
  throw UsageError(std::string(purpose) + " needs " + program +
                   ": apt-get install --no-install-recommends " + package);
}

void check_capture(const Project& project, const RunChoice& choice, const char* elsewhere) {
  if (choice.pcap.empty() ||
      std::ranges::contains(project.plan().parameters, std::string("pcap"), &plan::Parameter::name))
    return;
  throw UsageError(std::string("--pcap: this process has no NIC of its own to capture "
                               "from; ") +
                   elsewhere);
}

// "--tap-1=": the start of a parameter of a NIC.
std::string of_nic(const std::string& name, std::size_t nic) {
  return "--" + name + (nic == 0 ? "" : "-" + std::to_string(nic)) + "=";
}
void add_captures(Words& words, const Project& project, const RunChoice& choice) {
  if (choice.pcap.empty()) return;
  for (std::size_t nic = 0; nic < std::max<std::size_t>(project.plan().nics(), 1); ++nic)
    words.push_back(of_nic("pcap", nic) + capture_of_nic(choice.pcap, nic).string());
}

// Checks the programs that run the image before minutes are spent on building it.
void check_runner(const Project& project, const RunChoice& choice) {
  if (project.choice().target == "xen") check_xen(project, choice);
  const std::string qemu = qemu_program(project.plan().arch);
  if (choice.lab) {
    need_program("--lab", qemu, kQemuPackage);
    need_program("--lab", "python3", "python3");
  } else if (project.choice().target == "kvm") {
    need_program("running a kernel", qemu, kQemuPackage);
  }
}

}  // namespace

int run(Project& project, const RunChoice& choice) {
  check_options(project.choice(), choice);
  project.configure();
  if (project.simulated()) return run_simulated(project, choice);
  check_runner(project, choice);
  check_memory(project.choice().target, choice.memory_mib.value_or(project.plan().memory_mib),
               "config.cpp: memory");
  check_disk_count(project.plan(), choice.disks);
  check_boot_files(project.plan(), choice.files);
  if (project.kernel() && !choice.dry) {
    for (const std::string& disk : choice.disks) check_disk(parse_disk(disk));
  }
  project.build();
  if (project.kernel() && !choice.files.empty() && !choice.dry)
    pack_boot_files(project, choice.files);
  std::fflush(nullptr);
  if (project.choice().target == "xen") return run_xen(project, choice);
  return project.kernel() ? run_kernel(project, choice) : run_process(project, choice);
}

void check_links(const Project& project, const RunChoice& choice) {
  const std::size_t nics = std::max<std::size_t>(project.plan().nics(), 1);
  if (choice.links.size() <= nics) return;
  throw UsageError("--link " + choice.links[nics] + ": the image has " + std::to_string(nics) +
                   (nics == 1 ? " NIC" : " NICs") + "; -D cards=" +
                   std::to_string(choice.links.size()) + " gives default_stack() more");
}

namespace {
// Adds gdbserver, to which a debugger attaches, or gdb itself if there is no gdbserver.
void add_debugger(Words& words, const Project& project) {
  if (!find_program("gdbserver").empty()) {
    say("waiting for a debugger; attach with: " +
        shell_line(
            debugger_words(project, "file " + gdb_word(project.elf().string()), "127.0.0.1:1234")));
    words.insert(words.begin(), {"gdbserver", "127.0.0.1:1234"});
    return;
  }
  if (find_program("gdb").empty()) throw UsageError("--gdb: needs gdb: apt-get install gdb");
  Words debugger = debugger_words(project, "", "");
  debugger.emplace_back("--args");
  words.insert(words.begin(), debugger.begin(), debugger.end());
}

// Ends with the parameters of the image, which this process then becomes.
int run_words(Words words, const Project& project, const RunChoice& choice) {
  words.insert(words.end(), choice.parameters.begin(), choice.parameters.end());
  if (choice.gdb) add_debugger(words, project);
  if (choice.dry) {
    std::printf("%s\n", shell_line(words).c_str());
    return 0;
  }
  replace(words);
}
}  // namespace

int run_process(Project& project, const RunChoice& choice) {
  for (const std::string& link : choice.links) {
    if (link != "tap" && !link.starts_with("tap:"))
      throw UsageError("--link " + link + ": a process can only be given tap[:NAME]");
    if (project.choice().net != "direct")
      throw UsageError("--link tap: needs Fata's own stack; add --net direct");
  }
  check_links(project, choice);

  check_capture(project, choice, "add --net direct, or use -t kvm");

  check_disk_count(project.plan(), choice.disks);

  Words words{project.image()};
  for (std::size_t nic = 0; nic < choice.links.size(); ++nic) {
    const std::string& link = choice.links[nic];
    if (link.starts_with("tap:")) words.push_back(of_nic("tap", nic) + link.substr(4));
  }
  add_captures(words, project, choice);
  if (!choice.files.empty()) words.push_back("--files=" + fs::absolute(choice.files).string());
  for (std::size_t i = 0; i < choice.disks.size(); ++i) {
    words.push_back("--" + project.plan().disks[i] + "=" + choice.disks[i]);
  }
  return run_words(std::move(words), project, choice);
}

int run_simulated(Project& project, const RunChoice& choice) {
  check_capture(project, choice, "its config.cpp uses no stack");
  project.build(true);
  std::fflush(nullptr);
  Words words{project.elf()};
  if (choice.seed) words.push_back("--seed=" + std::to_string(*choice.seed));
  if (!choice.simulated_time.empty()) words.push_back("--for=" + choice.simulated_time);
  words.emplace_back("--");
  add_captures(words, project, choice);
  return run_words(std::move(words), project, choice);
}

}  // namespace fata::tool
