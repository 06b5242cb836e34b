// The location of Fata: the source tree that this command was built in, or its install prefix.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "arch.hpp"
#include "process.hpp"

namespace fata::tool {

// The platform of a target, as CMake's FATA_PLATFORM: process, or kernel for every hypervisor.
std::string_view platform_of(std::string_view target);

// Libraries are in one tree for each pair of platform and processor: build/PLATFORM-ARCH.
class Home {
 public:
  // Finds Fata from the path of the running program.
  static Home find();

  // The processor that images are built for, as CMake's FATA_ARCH.
  std::string_view arch() const { return kNativeArch; }

  bool in_tree() const { return in_tree_; }
  const fs::path& root() const { return root_; }

  // The folders of config.cpp's headers.
  std::vector<fs::path> config_headers() const;
  fs::path config_library() const;
  // In the tree: selects the build folder of the named libraries (without "fata_") of a target,
  // which package() returns afterwards.
  void choose_tree(std::string_view target, const std::vector<std::string>& libraries);
  // The folder for find_package(fata CONFIG) of a target.
  fs::path package(std::string_view target) const;
  fs::path toolchain(std::string_view target) const;  // empty if none is needed
  // The Python program that runs Xen in an emulated machine.
  fs::path lab() const;
  fs::path packer() const;  // fata-pack, for kernel images
  // In the tree, builds the named libraries (without "fata_") of a target. In an install they
  // already exist; throws UsageError if the target is not installed.
  void provide(std::string_view target, const std::vector<std::string>& libraries,
               bool verbose) const;

 private:
  Home(fs::path root, fs::path own_build, bool in_tree)
      : root_(std::move(root)), own_build_(std::move(own_build)), in_tree_(in_tree) {}

  std::string tree_name(std::string_view target) const;

  fs::path root_;
  fs::path own_build_;  // in the tree: the build folder that holds this command
  bool in_tree_;
  std::map<std::string, fs::path, std::less<>> trees_;
};

}  // namespace fata::tool
