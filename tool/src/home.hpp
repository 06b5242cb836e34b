// Where Fata is: the source tree that this command was built in, or the prefix that it was
// installed to.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "process.hpp"

namespace fata::tool {

// Kernels of all hypervisors are built from one tree of libraries: whose name it is.
std::string_view built_for(std::string_view target);

class Home {
 public:
  // Found from the path of the running program.
  static Home find();

  bool in_tree() const { return in_tree_; }
  const fs::path& root() const { return root_; }

  fs::path config_headers() const;
  fs::path config_library() const;
  // In the tree: where the libraries named (without "fata_") for a target are built, which
  // package() gives from now on.
  void choose_tree(std::string_view target, const std::vector<std::string>& libraries);
  // For find_package(fata CONFIG) of a target.
  fs::path package(std::string_view target) const;
  fs::path toolchain(std::string_view target) const;  // empty: none needed
  // Xen in an emulated machine: a Python program.
  fs::path lab() const;
  fs::path packer() const;  // of kernel images
  // In the tree, builds the libraries named (without "fata_") for a target. Installed, they are
  // there already, or the target was not installed: an error.
  void provide(std::string_view target, const std::vector<std::string>& libraries,
               bool verbose) const;

 private:
  Home(fs::path root, fs::path own_build, bool in_tree)
      : root_(std::move(root)), own_build_(std::move(own_build)), in_tree_(in_tree) {}

  fs::path root_;
  fs::path own_build_;  // in the tree: the build folder that holds this command
  bool in_tree_;
  std::map<std::string, fs::path, std::less<>> trees_;
};

}  // namespace fata::tool
