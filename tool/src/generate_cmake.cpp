#include <algorithm>
#include <iterator>

#include "error.hpp"
#include "files.hpp"
#include "generate.hpp"
#include "paths.hpp"

namespace fata::tool {

std::vector<fs::path> sources_in(const fs::path& folder, bool recursive) {
  std::vector<fs::path> list;
  const auto add = [&](const fs::directory_entry& entry) {
    const fs::path& path = entry.path();
    const std::string extension = path.extension();
    if (entry.is_regular_file() &&
        (extension == ".cpp" || extension == ".c" || extension == ".S") &&
        path.filename() != "config.cpp" && !path.filename().string().starts_with('.')) {
      if (!is_plain(path.filename().string()))
        throw UsageError(path.string() +
                         ": CMake does not take this name; rename the file, or move it elsewhere");
      list.push_back(path);
    }
  };
  if (recursive) {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) add(entry);
  } else {
    for (const auto& entry : fs::directory_iterator(folder)) add(entry);
  }
  std::ranges::sort(list);
  return list;
}

namespace {

// Only the languages of the application's sources, because CMake examines the compiler of each
// language, which is slow.
std::string languages(const fs::path& app, const Plan& plan) {
  std::vector<fs::path> sources = sources_in(app, false);
  for (const std::string& library : plan.local_libraries()) {
    if (!files::is_folder(app / library / "src")) continue;
    std::ranges::copy(sources_in(app / library / "src", true), std::back_inserter(sources));
  }
  const auto any = [&](const char* extension) {
    return std::ranges::any_of(
        sources, [&](const fs::path& source) { return source.extension() == extension; });
  };
  return std::string(" CXX") + (any(".c") ? " C" : "") + (any(".S") ? " ASM" : "");
}

std::string cmake_quoted(const fs::path& path) {
  std::string out = "\"";
  for (const char c : path.string()) {
    if (c == '"' || c == '\\' || c == '$') out += '\\';
    out += c;
  }
  return out + '"';
}

// The path of a header from Debian's package; an error that names the package if it is missing.
fs::path find_header(const Plan& plan, const plan::ThirdParty& library, const std::string& header) {
  const fs::path usual = "/usr/include";
  for (const fs::path& root : {usual, usual / multiarch(plan.arch)}) {
    if (files::exists(root / header)) return root / header;
  }
  throw UsageError("config.cpp needs the C library " + library.name + ", whose header " + header +
                   " is missing: apt-get install " + library.package);
}

// A kernel must not see the host's headers: it gets links to only those that the library names.
void link_headers(const Plan& plan, const fs::path& folder) {
  for (const plan::ThirdParty& library : plan.third_party()) {
    for (const std::string& header : library.headers) {
      const fs::path found = find_header(plan, library, header);
      const fs::path link = folder / header;
      std::error_code error;
      files::make_folders(link.parent_path());
      if (!fs::is_symlink(link, error)) files::make_link(found, link);
    }
  }
}

void local_library(std::string& out, const fs::path& app, const std::string& name) {
  const fs::path folder = app / name;
  if (!is_plain(name))
    throw UsageError("config.cpp names the local library '" + name +
                     "': CMake does not take this name; rename the folder");
  if (!files::is_folder(folder / "include")) {
    throw UsageError("config.cpp names the local library '" + name + "', but there is no folder " +
                     (folder / "include").string());
  }
  const std::vector<fs::path> sources =
      files::is_folder(folder / "src") ? sources_in(folder / "src", true) : std::vector<fs::path>{};
  const std::string target = "local_" + fs::path(name).filename().string();
  const std::string scope = sources.empty() ? "INTERFACE" : "PUBLIC";
  out += "\nadd_library(" + target + (sources.empty() ? " INTERFACE" : " STATIC");
  for (const fs::path& source : sources) out += "\n  " + cmake_quoted(source);
  out += ")\ntarget_include_directories(" + target + " " + scope + " " +
         cmake_quoted(folder / "include") + ")\n";
  if (!sources.empty()) out += "target_link_libraries(" + target + " PUBLIC fata::base)\n";
}

}  // namespace

std::string generate_cmake(const Plan& plan, const Home& home, const fs::path& app,
                           const fs::path& build, bool packed) {
  std::string out =
      "# Builds " + plan.name + " for " + plan.target +
      ". Written by `fata configure`; changes here are lost.\n"
      "cmake_minimum_required(VERSION 3.25)\n"
      "project(" +
      plan.name + " LANGUAGES" + languages(app, plan) +
      ")\n"
      "set(CMAKE_COLOR_DIAGNOSTICS ON)  # fata removes the colours where none are wanted\n"
      "set(FATA_GENERATED ON)\nset(FATA_PLATFORM " +
      std::string(platform_of(plan.target)) + ")\nset(FATA_ARCH " + plan.arch + ")\n" +
      (plan.target == "xen"   ? "set(FATA_HYPERVISOR xen)\n"
       : plan.target == "sim" ? "set(FATA_SIMULATED ON)\n"
                              : "") +
      "set(fata_DIR " + cmake_quoted(home.package(plan.target)) +
      ")\n"
      "find_package(fata CONFIG REQUIRED)\n";
  const bool kernel = platform_of(plan.target) == "kernel";
  if (packed) out += "set(FATA_PACK " + cmake_quoted(home.packer()) + ")\n";
  const fs::path headers = build / "third_party";
  if (kernel) link_headers(plan, headers);

  const std::vector<std::string> locals = plan.local_libraries();
  for (const std::string& name : locals) local_library(out, app, name);

  out += "\nfata_image(" + plan.name + "\n  SOURCES main.cpp";
  for (const plan::Device& d : plan.devices) {
    if (!d.data_folder.empty()) out += "\n    " + d.name + "_table.cpp";
  }
  for (const fs::path& source : sources_in(app, false)) out += "\n    " + cmake_quoted(source);
  out += "\n  DEPS";
  for (const std::string& name : plan.libraries()) {
    if (name != "platform_" + plan.target) out += " " + name;
  }
  out += ")\ntarget_include_directories(" + plan.name + " PRIVATE " + cmake_quoted(app) + ")\n";
  for (const std::string& name : locals) {
    out += "target_link_libraries(" + plan.name + " PRIVATE local_" +
           fs::path(name).filename().string() + ")\n";
  }

  if (plan.target == "sim")
    out += "add_executable(" + plan.name + "-alone EXCLUDE_FROM_ALL alone.cpp)\n" +
           "target_link_libraries(" + plan.name + "-alone PRIVATE " + plan.name + ")\n";

  for (const plan::ThirdParty& library : plan.third_party()) {
    for (const std::string& header : library.headers) find_header(plan, library, header);
    const fs::path archive =
        fs::path("/usr/lib") / multiarch(plan.arch) / ("lib" + library.name + ".a");
    if (kernel && !files::exists(archive)) {
      throw UsageError("config.cpp needs the C library " + library.name + ", whose archive " +
                       archive.string() + " is missing: apt-get install " + library.package);
    }
    out += "target_link_libraries(" + plan.name + " PRIVATE " +
           (kernel ? cmake_quoted(archive) : library.name) + ")\n";
  }
  if (plan.target == "linux")
    out += "target_link_options(" + plan.name + " PRIVATE -Wl,-Map=" + plan.name + ".map)\n";
  if (kernel && !plan.third_party().empty()) {
    out += "include_directories(SYSTEM " + cmake_quoted(headers) + ")\n";
  }
  return out;
}

}  // namespace fata::tool
