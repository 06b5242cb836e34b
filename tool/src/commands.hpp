// The subcommands.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "project.hpp"

namespace fata::tool {

struct RunChoice {
  std::vector<std::string> links;     // of card 0, 1, ...: user, tap, tap:NAME, none; others: the default
  std::vector<std::string> forwards;  // [udp|tcp:]HOST:GUEST
  std::string accel;                  // kvm, tcg; empty: probe
  std::string machine = "microvm";    // microvm, pc, q35
  unsigned memory_mib = 0;            // 0: the plan's
  fs::path pcap;
  std::vector<std::string> disks;  // FILE[,ro][,direct][,sector=4096]
  bool console = false;            // standard input goes to the guest although it is no terminal
  bool gdb = false;
  bool lab = false;                     // xen: in an emulated machine with Xen in it
  bool dry = false;                     // print the line, run nothing
  std::vector<std::string> parameters;  // after --
};

void create(const std::string& name);
void configure(Project& project);
void build(Project& project);
void describe(Project& project, bool dot);
bool is_query_word(const std::string& word);
void query(Project& project, const std::string& word, bool json);
void clean(const Project& project, bool everything);
int run(Project& project, const RunChoice& choice);
// Throws UsageError if there are more links than cards.
void check_links(const Project& project, const RunChoice& choice);
int run_process(Project& project, const RunChoice& choice);
int run_kernel(Project& project, const RunChoice& choice);

}  // namespace fata::tool
