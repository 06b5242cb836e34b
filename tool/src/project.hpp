// An application's folder, configured for one target and network: from config.cpp to an image.
#pragma once

#include <string>
#include <vector>

#include "home.hpp"
#include "paths.hpp"
#include "plan.hpp"

namespace fata::tool {

// The options of every subcommand that works on an application.
struct Choice {
  fs::path app = ".";
  std::string target = "linux";
  std::string net;                // empty: the target's default
  std::vector<std::string> keys;  // name=value
  fs::path build_dir;             // empty: APP/.fata/TARGET[-NET]
  bool plain = false;             // a kernel is not packed
  bool verbose = false;
};

class Project {
 public:
  // Throws UsageError if the choice is invalid or the folder is not an application.
  Project(const Home& home, const Choice& choice);

  // Compiles and runs config.cpp, and generates the files of its plan. Cheap if nothing changed.
  void configure();
  // Builds the image and, if it is simulated and about to run, the program that runs it alone.
  // configure() first.
  void build(bool to_run = false);

  const Choice& choice() const { return choice_; }
  const fs::path& app() const { return app_; }
  const fs::path& folder() const { return folder_; }  // all generated files are below it
  // The path of an application's file, relative to the application as the user named it.
  fs::path named(const fs::path& file) const;
  // The rewriting of a compiler's output in which paths appear likewise.
  Shown shown() const;
  const Plan& plan() const { return plan_; }
  const Home& home() const { return home_; }
  bool kernel() const { return platform_of(choice_.target) == "kernel"; }
  // A static library, for a program that runs several images in sim::Simulator.
  bool simulated() const { return choice_.target == "sim"; }

  fs::path image() const;  // the file that runs: an executable, or the stripped and packed kernel
  fs::path elf() const;    // with symbols; of a simulated image, the program that runs it alone
  fs::path map() const;    // the linker's

 private:
  std::string made_for() const;
  void compile_config();
  void run_config();
  void generate();
  std::vector<std::string> libraries() const;  // Fata's libraries in the image

  Home home_;
  Choice choice_;
  fs::path app_;
  fs::path folder_;
  Plan plan_;
};

}  // namespace fata::tool
