#include "project.hpp"

#include <algorithm>
#include <utility>

#include "boot_files.hpp"
#include "error.hpp"
#include "files.hpp"
#include "generate.hpp"
#include "progress.hpp"
#include "qemu.hpp"
#include "stamp.hpp"
#include "terminal.hpp"
#include "xen.hpp"

namespace fata::tool {

namespace {

// The files in a compiler's depfile: "out: a b \ newline c", with backslashes before spaces and
// "#", and "$$".
std::vector<fs::path> dependencies(const fs::path& depfile) {
  const std::string text = read_file(depfile);
  std::vector<fs::path> list;
  std::string word;
  for (std::size_t i = std::min(text.find(':'), text.size()); i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\n';
    const bool pair =
        (text[i] == '\\' && (next == ' ' || next == '#')) || (text[i] == '$' && next == '$');
    if (pair) {
      word += next;
      ++i;
    } else if (text[i] == ' ' || text[i] == '\n' || (text[i] == '\\' && next == '\n')) {
      if (!word.empty()) list.emplace_back(std::exchange(word, {}));
    } else if (!list.empty() || !word.empty() || text[i] != ':') {
      word += text[i];
    }
  }
  if (!word.empty()) list.emplace_back(word);
  return list;
}

// Copies what CMake found out about the compiler when it configured the libraries: finding it out
// takes most of the time of configuring an application. False if there is nothing to copy, as in an
// installed Fata; CMake then checks the compiler itself, as it does if it is another version.
bool reuse_compiler_checks(const fs::path& libraries, const fs::path& build) {
  bool copied = false;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(libraries / "CMakeFiles", error)) {
    const std::string version = entry.path().filename();
    if (version.find_first_not_of("0123456789.") != std::string::npos) continue;
    const fs::path to = build / "CMakeFiles" / version;
    fs::create_directories(to, error);
    for (const char* const file : {"CMakeSystem.cmake", "CMakeCXXCompiler.cmake"}) {
      copied = fs::copy_file(entry.path() / file, to / file, fs::copy_options::overwrite_existing,
                             error);
      if (!copied) return false;
    }
  }
  return copied;
}

bool is_newer_than_all(const fs::path& file, const std::vector<fs::path>& others,
                       const fs::path& base) {
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
  if (choice_.target != "linux" && choice_.target != "kvm" && choice_.target != "xen" &&
      !simulated()) {
    throw UsageError("-t " + choice_.target + ": the targets are linux, kvm, xen and sim");
  }
  if (choice_.net.empty()) choice_.net = choice_.target == "linux" ? "host" : "direct";
  if (choice_.net != "host" && choice_.net != "direct") {
    throw UsageError("--net " + choice_.net + ": the stacks are host and direct");
  }
  if (kernel() && choice_.net == "host") {
    throw UsageError(
        "--net host: a kernel has no host to lend it sockets; leave it out, or use -t linux");
  }
  if (simulated() && choice_.net == "host") {
    throw UsageError("--net host: a simulated image has no host; leave it out, or use -t linux");
  }
  if (choice_.plain && !kernel())
    throw UsageError("--plain: a process is not packed; use it with -t kvm or -t xen");
  std::error_code error;
  app_ = fs::canonical(choice_.app, error);
  if (error == std::errc::no_such_file_or_directory)
    throw UsageError(choice_.app.string() + ": no such folder; name an application's folder");
  if (!error) fs::status(app_ / "config.cpp", error);
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
    throw UsageError(choice_.app.string() +
                     ": contains no config.cpp; `fata new NAME` makes an application");
  }
  if (error) throw UsageError(choice_.app.string() + ": cannot be entered: " + error.message());
  const std::string variant =
      choice_.target +
      (choice_.target == "linux" && choice_.net != "host" ? "-" + choice_.net : "");
  folder_ = choice_.build_dir.empty() ? app_ / ".fata" / variant
                                      : fs::absolute(choice_.build_dir).lexically_normal();
  check_path(app_);
  check_path(folder_);
}

fs::path Project::named(const fs::path& file) const {
  const fs::path folder = choice_.app.lexically_normal();
  return folder == "." ? file : folder / file;
}

Shown Project::shown() const {
  const std::string app = named("").string();
  const std::string folder =
      (choice_.build_dir.empty() ? named(folder_.lexically_relative(app_)) : choice_.build_dir)
          .string() +
      "/";
  Shown shown;
  for (const auto& [path, name] : {std::pair{folder_, folder}, std::pair{app_, app}}) {
    shown.folders.emplace_back(plain_alias(path).string() + "/", name);
    shown.folders.emplace_back(path.string() + "/", name);
  }
  shown.files = {{"config.cpp:", named("config.cpp").string() + ":"},
                 {"main.cpp:", folder + "main.cpp:"},
                 {"./", app}};
  shown.base = plain_alias(folder_) / "build";
  return shown;
}

fs::path Project::elf() const {
  return folder_ / "build" / (plan_.name + (kernel() ? ".elf" : simulated() ? "-alone" : ""));
}
fs::path Project::image() const {
  if (simulated()) return folder_ / "build" / ("lib" + plan_.name + ".a");
  return folder_ / "build" / (plan_.name + (kernel() ? ".img" : ""));
}
fs::path Project::map() const { return folder_ / "build" / (plan_.name + ".map"); }

std::string Project::made_for() const {
  return "application " + app_.string() + "\nfolder " + folder_.string() + "\nlinks " +
         plain_alias(app_).string() + " " + plain_alias(folder_).string() + "\nfata " +
         home_.root().string() + "\nlibraries " + home_.package(choice_.target).string() +
         "\ntarget " + choice_.target + "\ncompiler " + compiler_identity() + "\n";
}

void Project::compile_config() {
  // lld replaces each % in its output's path with random digits.
  const fs::path folder = plain_alias(folder_);
  const fs::path program = folder / "config", depfile = folder / "config.d";
  if (files::exists(depfile)) {
    std::vector<fs::path> inputs = dependencies(depfile);
    inputs.push_back(home_.config_library());
    if (is_newer_than_all(program, inputs, app_)) return;
  }
  Step step{
      .what = "compiling " + named("config.cpp").string(),
      .words = {"clang++-19", "-std=c++23", "-stdlib=libc++", "-Wall", "-Wextra",
                wants_colour() ? "-fcolor-diagnostics" : "-fno-color-diagnostics", "-MD", "-MF",
                depfile, "-MT", "config", "-c", "config.cpp", "-o", folder / "config.o"},
      .folder = app_,
      .verbose = choice_.verbose,
      .show = Show::kWarnings,
      .status = 64,
      .shown = shown()};
  for (const fs::path& headers : home_.config_headers())
    step.words.insert(step.words.end(), {"-I", headers});
  // Most of the time of a first build in an application's folder is this compilation. A base folder
  // that the user has set for ccache would change the paths in messages.
  if (!find_program("ccache").empty())
    step.words.insert(step.words.begin(), {"env", "CCACHE_BASEDIR=", "ccache"});
  run_step(step);
  // The whole library: nothing refers to the sources that register devices of a target.
  step.words = {"clang++-19",
                "-stdlib=libc++",
                "-fuse-ld=lld-19",
                folder / "config.o",
                "-Wl,--whole-archive",
                home_.config_library(),
                "-Wl,--no-whole-archive",
                "-o",
                program};
  run_step(step);
}

void Project::run_config() {
  const fs::path fresh = folder_ / "plan.json.new";
  Words words{folder_ / "config", choice_.target, choice_.net, std::string(home_.arch()), fresh};
  words.insert(words.end(), choice_.keys.begin(), choice_.keys.end());
  if (choice_.verbose) say(shell_line(words));
  const Outcome outcome = capture(words, app_);
  if (outcome.status != 0) {
    std::fputs(outcome.output.c_str(), stderr);
    if (outcome.status != 64)
      say("the program compiled from config.cpp ended with status " +
          std::to_string(outcome.status));
    throw Failed{64};
  }
  write_if_changed(folder_ / "plan.json", read_file(fresh));
  files::remove(fresh);
  plan_ = read_plan(folder_ / "plan.json");
}

void Project::generate() {
  write_if_changed(folder_ / "main.cpp", generate_main(plan_));
  if (simulated()) write_if_changed(folder_ / "alone.cpp", generate_alone(plan_));
  for (const plan::Device& d : plan_.devices) {
    if (!d.data_folder.empty())
      write_if_changed(folder_ / (d.name + "_table.cpp"),
                       generate_crunch(image_namespace(plan_), d, app_, folder_));
  }
  write_if_changed(folder_ / "CMakeLists.txt",
                   generate_cmake(plan_, home_, plain_alias(app_), plain_alias(folder_),
                                  kernel() && !choice_.plain));
  if (choice_.target == "kvm") {
    write_if_changed(folder_ / (plan_.name + ".qemu.sh"), qemu_script(*this));
    write_if_changed(folder_ / (plan_.name + ".firecracker.json"), firecracker_json(*this));
    write_if_changed(folder_ / (plan_.name + ".cloud-hypervisor.json"),
                     cloud_hypervisor_json(*this));
    write_if_changed(folder_ / (plan_.name + ".libvirt.xml"), libvirt_kvm(*this));
  }
  if (choice_.target == "xen") {
    write_if_changed(
        folder_ / (plan_.name + ".xl"),
        xl_config(*this, {}, plan_.memory_mib, named_disks(*this), boot_archive(*this), false));
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
  list.push_back(choice_.target == "linux" ? "platform_linux_main" : "platform_" + choice_.target);
  // The driver of virtio-rng is in every image.
  if (choice_.target == "kvm") list.push_back("virtio");
  return list;
}

void Project::build(bool to_run) {
  home_.provide(choice_.target, libraries(), choice_.verbose);

  const FolderLock lock(folder_);
  const fs::path build = folder_ / "build";
  const fs::path plain_build = plain_alias(folder_) / "build";
  if (!files::exists(build / "build.ninja")) {
    Words words{"cmake", "-S",    plain_alias(folder_),        "-B", plain_build,
                "-G",    "Ninja", "-DCMAKE_BUILD_TYPE=Release"};
    if (reuse_compiler_checks(home_.package(choice_.target), build))
      words.push_back("-DCMAKE_PLATFORM_INFO_INITIALIZED:INTERNAL=1");
    if (const fs::path toolchain = home_.toolchain(choice_.target); !toolchain.empty()) {
      words.insert(words.end(), {"--toolchain", toolchain});
    } else {
      words.insert(words.end(), {"-DCMAKE_C_COMPILER=clang-19", "-DCMAKE_CXX_COMPILER=clang++-19"});
    }
    try {
      run_step({.what = "configuring " + plan_.name,
                .words = words,
                .verbose = choice_.verbose,
                .shown = shown()});
    } catch (...) {
      files::remove(build / "build.ninja");  // a partial file must not look complete
      throw;
    }
  }
  Words words{"ninja", "-C", plain_build};
  if (to_run && simulated()) words.push_back(elf().filename());
  run_step({.what = "building " + plan_.name + " for " + choice_.target,
            .words = words,
            .verbose = choice_.verbose,
            .show = Show::kWarnings,
            .shown = shown()});
}

}  // namespace fata::tool
