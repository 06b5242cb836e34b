#include "home.hpp"

#include <ranges>

#include "error.hpp"
#include "files.hpp"
#include "library_tree.hpp"
#include "progress.hpp"

namespace fata::tool {

Home Home::find() {
  disable_useless_ccache();
  forget_useless_temporary_folders();
  const fs::path self = fs::read_symlink("/proc/self/exe");
  // Tree: ROOT/build/ANY/tool/fata. Install: PREFIX/bin/fata.
  const fs::path build = self.parent_path().parent_path();
  if (const fs::path root = build.parent_path().parent_path();
      files::exists(root / "config/include/fata/config/plan.hpp")) {
    return Home(root, build, true);
  }
  // Built in this user's cache, from another user's tree.
  if (const fs::path root = source_of(build);
      files::exists(root / "config/include/fata/config/plan.hpp")) {
    return Home(root, build, true);
  }
  const fs::path prefix = build;
  if (files::exists(prefix / "lib/cmake/fata/fataConfig.cmake")) return Home(prefix, {}, false);
  throw UsageError("found no Fata beside " + self.string() +
                   "; run it from its source tree or where it was installed");
}

std::vector<fs::path> Home::config_headers() const {
  if (!in_tree_) return {root_ / "include/fata-config"};
  std::vector<fs::path> folders{own_build_ / "config/include"};
  for (const auto folder : std::views::split(std::string_view(FATA_CONFIG_FOLDERS), ':'))
    folders.push_back(root_ / std::string_view(folder));
  return folders;
}
fs::path Home::config_library() const {
  return in_tree_ ? own_build_ / "config/libfata_config.a" : root_ / "lib/fata/libfata_config.a";
}
std::string_view platform_of(std::string_view target) {
  return target == "linux" || target == "sim" ? "process" : "kernel";
}
std::string Home::tree_name(std::string_view target) const {
  return std::string(platform_of(target)) + "-" + std::string(arch());
}

fs::path Home::package(std::string_view target) const {
  if (!in_tree_) return root_ / "lib/cmake/fata";
  const auto chosen = trees_.find(tree_name(target));
  return chosen == trees_.end() ? root_ / "build" / tree_name(target) : chosen->second;
}
void Home::choose_tree(std::string_view target, const std::vector<std::string>& libraries) {
  if (!in_tree_) return;
  std::vector<std::string> targets;
  for (const std::string& library : libraries) targets.push_back("with_" + library);
  const std::string name = tree_name(target);
  trees_.insert_or_assign(name, library_tree(root_, name, targets));
}
fs::path Home::toolchain(std::string_view target) const {
  if (platform_of(target) == "process") return {};
  const fs::path file = "toolchain-" + tree_name(target) + ".cmake";
  return (in_tree_ ? root_ / "cmake" : root_ / "lib/cmake/fata") / file;
}
fs::path Home::packer() const {
  return in_tree_ ? own_build_ / "tool/pack/fata-pack" : root_ / "lib/fata/fata-pack";
}

fs::path Home::lab() const { return root_ / (in_tree_ ? "tool/lab" : "share/fata/lab"); }

void Home::provide(std::string_view target, const std::vector<std::string>& libraries,
                   bool verbose) const {
  if (!in_tree_) {
    if (files::exists(root_ / ("lib/cmake/fata/fata-" + tree_name(target) + ".cmake"))) return;
    throw UsageError("the target " + std::string(target) + " is not installed in " +
                     root_.string() + "; install Fata's build for it, too");
  }
  const fs::path build = package(target);
  if (!is_writable_build(build)) return;  // choose_tree() found it complete
  const FolderLock lock(build);
  const bool moved = files::exists(build / "CMakeCache.txt") && source_of(build) != root_;
  if (moved) say(build.string() + " was made for another folder: configuring it again");
  if (moved || !files::exists(build / "build.ninja")) {
    Words words{
        "cmake", "--fresh", "-S", root_, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"};
    if (platform_of(target) == "process") {
      words.insert(words.end(), {"-DCMAKE_C_COMPILER=clang-19", "-DCMAKE_CXX_COMPILER=clang++-19",
                                 "-DFATA_TOOL=ON"});
    } else {
      words.insert(words.end(), {"--toolchain", toolchain(target)});
    }
    run_step({.what = "configuring Fata's libraries for " + std::string(target),
              .words = words,
              .verbose = verbose});
  }
  Words words{"ninja", "-C", build};
  for (const std::string& library : libraries) words.push_back("with_" + library);
  run_step({.what = "building Fata's libraries for " + std::string(target),
            .words = words,
            .verbose = verbose});
}

}  // namespace fata::tool
