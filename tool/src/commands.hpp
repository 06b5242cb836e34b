// The subcommands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "project.hpp"

namespace fata::tool {

struct RunChoice {
  // Of NIC 0, 1, ...: user, tap, tap:NAME, none; further NICs have the default.
  std::vector<std::string> links;
  std::vector<std::string> forwards;   // [udp|tcp:]HOST:GUEST
  std::string accel;                   // kvm, tcg; empty: probe
  std::optional<std::string> machine;  // microvm (the default), pc, q35
  std::optional<unsigned> memory_mib;  // the plan's value if absent
  fs::path pcap;
  std::vector<std::string> disks;  // FILE[,ro][,direct][,sector=4096]
  fs::path files;                  // folder with the boot files
  bool console = false;            // standard input goes to the guest even if it is not a terminal
  bool gdb = false;
  bool lab = false;                     // xen: in an emulated machine that runs Xen
  std::optional<std::uint64_t> seed;    // sim
  std::string simulated_time;           // sim: "1.5s"
  bool dry = false;                     // print the line, run nothing
  std::vector<std::string> parameters;  // after --
};

// `name`: the folder to create, or "." for the current one; `kind`: a name in templates().
void create(const std::string& name, const std::string& kind);
void configure(Project& project);
// With `map`, also prints the image's contents by section and by library.
void build(Project& project, bool map);
enum class DescribeAs { kText, kDot, kJson };
void describe(Project& project, DescribeAs form);
bool is_query_word(const std::string& word);
void query(Project& project, const std::string& word, bool json);
void clean(const Project& project, bool everything);
int run(Project& project, const RunChoice& choice);
// Throws UsageError if there are more links than NICs.
void check_links(const Project& project, const RunChoice& choice);
int run_process(Project& project, const RunChoice& choice);
// Runs the image alone in a simulator.
int run_simulated(Project& project, const RunChoice& choice);
int run_kernel(Project& project, const RunChoice& choice);

}  // namespace fata::tool
