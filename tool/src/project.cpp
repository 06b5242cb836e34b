#include "project.hpp"

#include <algorithm>
#include <sstream>

#include "error.hpp"
#include "generate.hpp"
#include "progress.hpp"
#include "qemu.hpp"
#include "stamp.hpp"
#include "xen.hpp"

namespace fata::tool {

namespace {

// The files that a compiler's depfile names: "out: a b \ newline c".
std::vector<fs::path> dependencies(const fs::path& depfile) {
  std::istringstream words(read_file(depfile));
  std::vector<fs::path> list;
  std::string word;
  words >> word;  // "out:"
  while (words >> word) {
    if (word != "\\") list.emplace_back(word);
  }
  return list;
}

bool is_newer_than_all(const fs::path& file, const std::vector<fs::path>& others, const fs::path& base) {
  std::error_code missing;
  const auto time = fs::last_write_time(file, missing);
  if (missing) return false;
  return std::ranges::all_of(others, [&](const fs::path& other) {
    const auto other_time = fs::last_write_time(base / other, missing);
    return !missing && other_time <= time;
  });
}

}  // namespace

Project::Project(const Home& home, const Choice& choice) : home_(home), choice_(choice) {
  if (choice_.target != "linux" && choice_.target != "kvm" && choice_.target != "xen") {
    throw UsageError("-t " + choice_.target + ": the targets are linux, kvm and xen");
  }
  if (choice_.net.empty()) choice_.net = kernel() ? "direct" : "host";
  if (choice_.net != "host" && choice_.net != "direct") {
    throw UsageError("--net " + choice_.net + ": the stacks are host and direct");
  }
  if (kernel() && choice_.net == "host") {
    throw UsageError("--net host: a kernel has no host to lend it sockets; leave it out, or use -t linux");
  }
  std::error_code error;
  app_ = fs::canonical(choice_.app, error);
  if (error) throw UsageError(choice_.app.string() + ": no such folder; name an application's folder");
  if (!fs::exists(app_ / "config.cpp")) {
    throw UsageError(choice_.app.string() + ": holds no config.cpp; `fata new NAME` makes an application");
  }
  const std::string variant = choice_.target + (kernel() || choice_.net == "host" ? "" : "-" + choice_.net);
  folder_ = choice_.build_dir.empty() ? app_ / ".fata" / variant : fs::absolute(choice_.build_dir);
}

fs::path Project::elf() const { return folder_ / "build" / (plan_.name + (kernel() ? ".elf" : "")); }
fs::path Project::image() const { return folder_ / "build" / (plan_.name + (kernel() ? ".img" : "")); }
fs::path Project::map() const { return folder_ / "build" / (plan_.name + ".map"); }

std::size_t Project::card_count() const {
  const std::string_view type = choice_.target == "kvm"   ? "fata::virtio::NetDevice"
                                : choice_.target == "xen" ? "fata::xen::NetDevice"
                                                          : "fata::host::Tap";
  return static_cast<std::size_t>(std::ranges::count(plan_.devices, type, &PlanDevice::type));
}

std::string Project::made_for() const {
  return "application " + app_.string() + "\nfolder " + folder_.string() + "\nfata " + home_.root().string() +
         "\nlibraries " + home_.package(choice_.target).string() + "\ntarget " + choice_.target +
         "\ncompiler " + compiler_identity() + "\n";
}

void Project::compile_config() {
  const fs::path program = folder_ / "config";
  const fs::path depfile = folder_ / "config.d";
  if (fs::exists(depfile)) {
    std::vector<fs::path> inputs = dependencies(depfile);
    inputs.push_back(home_.config_library());
    if (is_newer_than_all(program, inputs, app_)) return;
  }
  run_step(
      "compiling " + (choice_.app / "config.cpp").lexically_normal().string(),
      {"clang++-19", "-std=c++23", "-stdlib=libc++", "-Wall", "-Wextra", "-fuse-ld=lld-19", "-I",
       home_.config_headers(), "-MD", "-MF", depfile, "config.cpp", home_.config_library(), "-o", program},
      app_, choice_.verbose, Show::kWarnings, 64);
}

void Project::run_config() {
  const fs::path fresh = folder_ / "plan.json.new";
  Words words{folder_ / "config", choice_.target, choice_.net, "x86_64", fresh};
  words.insert(words.end(), choice_.keys.begin(), choice_.keys.end());
  if (choice_.verbose) say(shell_line(words));
  const Outcome outcome = capture(words, app_);
  if (outcome.status != 0) {
    std::fputs(outcome.output.c_str(), stderr);
    if (outcome.status != 64)
      say("the program that config.cpp makes ended with status " + std::to_string(outcome.status));
    throw Failed{64};
  }
  write_if_changed(folder_ / "plan.json", read_file(fresh));
  fs::remove(fresh);
  plan_ = Plan::read(folder_ / "plan.json");
}

void Project::generate() {
  write_if_changed(folder_ / "main.cpp", generate_main(plan_));
  for (const PlanDevice& d : plan_.devices) {
    if (!d.data_folder.empty()) write_if_changed(folder_ / (d.name + "_table.cpp"), generate_crunch(d, app_));
  }
  write_if_changed(folder_ / "CMakeLists.txt",
                   generate_cmake(plan_, home_, app_, folder_, kernel() && !choice_.plain));
  if (choice_.target == "kvm") {
    write_if_changed(folder_ / (plan_.name + ".qemu.sh"), qemu_script(*this));
    write_if_changed(folder_ / (plan_.name + ".firecracker.json"), firecracker_json(*this));
    write_if_changed(folder_ / (plan_.name + ".cloud-hypervisor.json"), cloud_hypervisor_json(*this));
    write_if_changed(folder_ / (plan_.name + ".libvirt.xml"), libvirt_kvm(*this));
  }
  if (choice_.target == "xen") {
    write_if_changed(folder_ / (plan_.name + ".xl"), xl_config(*this, {}, plan_.memory_mib, named_disks(*this), false));
    write_if_changed(folder_ / (plan_.name + ".xl.in"), xl_template());
    write_if_changed(folder_ / (plan_.name + ".libvirt.xml"), libvirt_xen(*this));
  }
}

void Project::configure() {
  const FolderLock lock(folder_);
  claim_build_folder(folder_, made_for());
  compile_config();
  run_config();
  home_.choose_tree(choice_.target, libraries());
  generate();
}

std::vector<std::string> Project::libraries() const {
  std::vector<std::string> list = plan_.libraries();
  list.push_back(kernel() ? "platform_" + choice_.target : "platform_linux_main");
  if (choice_.target == "kvm") list.push_back("virtio");  // its random-number driver is in every image
  return list;
}

void Project::build() {
  home_.provide(choice_.target, libraries(), choice_.verbose);

  const FolderLock lock(folder_);
  const fs::path build = folder_ / "build";
  if (!fs::exists(build / "build.ninja")) {
    Words words{"cmake", "-S", folder_, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"};
    if (const fs::path toolchain = home_.toolchain(choice_.target); !toolchain.empty()) {
      words.insert(words.end(), {"--toolchain", toolchain});
    } else {
      words.insert(words.end(), {"-DCMAKE_C_COMPILER=clang-19", "-DCMAKE_CXX_COMPILER=clang++-19"});
    }
    try {
      run_step("configuring " + plan_.name, words, {}, choice_.verbose);
    } catch (...) {
      fs::remove(build / "build.ninja");  // half of one must not look like a whole one
      throw;
    }
  }
  run_step("building " + plan_.name + " for " + choice_.target, {"ninja", "-C", build}, {}, choice_.verbose,
           Show::kWarnings);
}

}  // namespace fata::tool
