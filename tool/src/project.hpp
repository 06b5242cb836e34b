// An application's folder, configured for one target and network: from config.cpp to an image.
#pragma once

#include <string>
#include <vector>

#include "home.hpp"
#include "paths.hpp"
#include "plan.hpp"

namespace fata::tool {

// What every subcommand that works on an application takes.
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
  // Throws UsageError if the choice makes no sense or the folder is no application.
  Project(const Home& home, const Choice& choice);

  // Compiles and runs config.cpp, writes what it asks for. Cheap when nothing changed.
  void configure();
  // Builds the image. configure() first.
  void build();

  const Choice& choice() const { return choice_; }
  const fs::path& app() const { return app_; }
  const fs::path& folder() const { return folder_; }  // everything that is written is below it
  // A file of the application, as whoever named the application would write it.
  fs::path named(const fs::path& file) const;
  // How a compiler's output names the application's files and the build folder's, likewise.
  Shown shown() const;
  const Plan& plan() const { return plan_; }
  const Home& home() const { return home_; }
  bool kernel() const { return choice_.target != "linux"; }

  // How many of the target's network cards the plan has, to each of which a --link attaches
  // something.
  std::size_t card_count() const;

  fs::path image() const;  // what runs: the process's executable, or the stripped and packed kernel
  fs::path elf() const;    // with symbols
  fs::path map() const;    // the linker's

 private:
  std::string made_for() const;
  void compile_config();
  void run_config();
  void generate();
  std::vector<std::string> libraries() const;  // of Fata, which the image links

  Home home_;
  Choice choice_;
  fs::path app_;
  fs::path folder_;
  Plan plan_;
};

}  // namespace fata::tool
