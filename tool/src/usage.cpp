#include "usage.hpp"

#include <algorithm>
#include <array>

#include "error.hpp"
#include "files.hpp"
#include "plan.hpp"
#include "qemu.hpp"

namespace fata::tool {
namespace {

// The number of letters to insert, delete, change, or swap with their neighbour.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      cost[i][j] = std::min(
          {cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

// The long names, such as "--target".
std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* const option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// True if the application, as last configured, has a parameter of that name.
bool is_parameter(const Choice& choice, const std::string& option) {
  if (!option.starts_with("--")) return false;
  const bool direct = choice.target == "linux" && choice.net == "direct";
  const fs::path folder = choice.build_dir.empty()
                              ? choice.app / ".fata" / (choice.target + (direct ? "-direct" : ""))
                              : choice.build_dir;
  const fs::path file = folder / "plan.json";
  if (!files::exists(file)) return false;
  try {
    const Plan plan = read_plan(file);
    const std::string name = option.substr(2);
    const auto has = [&](const std::string& one) {
      return std::ranges::contains(plan.parameters, one, &plan::Parameter::name);
    };
    return has(name) || (name.starts_with("no-") && has(name.substr(3)));
  } catch (const UsageError&) {
    return false;  // a plan of another version
  }
}

}  // namespace

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* const one : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(one->get_name());
  return names;
}

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  // Of three letters, one may be wrong; of more, two. Dashes do not count.
  const auto letters = [](std::string_view text) {
    return text.size() - std::min(text.find_first_not_of('-'), text.size());
  };
  std::string best;
  std::size_t least = 3;
  for (const std::string& one : known) {
    const std::size_t far = distance(word, one);
    if (far < least && far <= (std::min(letters(word), letters(one)) > 3 ? 2 : 1)) {
      least = far;
      best = one;
    }
  }
  return best;
}

void check_command(const CLI::App& app, const std::string& word) {
  const std::vector<std::string> names = command_names(app);
  if (std::ranges::contains(names, word)) return;
  if (word.starts_with('-')) {
    for (const CLI::App* const one : app.get_subcommands([](const CLI::App*) { return true; })) {
      const std::string name = word.substr(0, word.find('='));
      if (one->get_option_no_throw(name) != nullptr && name != "-h" && name != "--help")
        throw UsageError(name + " goes after the command, as in `fata " + one->get_name() + " " +
                         name + "`");
    }
    if (const std::string meant = nearest(word, option_names(app)); !meant.empty())
      throw UsageError("no option '" + word + "'; did you mean " + meant + "?");
    throw UsageError("no option '" + word + "'; name a command first: `fata help` lists them");
  }
  const std::string meant = word == "version" ? "--version" : nearest(word, names);
  throw UsageError("no command '" + word + "'; " +
                   (meant.empty() ? "`fata help` lists them" : "did you mean " + meant + "?"));
}

void explain_extras(const CLI::App& app, const std::vector<std::string>& extras,
                    const Choice& choice) {
  const CLI::App& command = *app.get_subcommands().front();
  const auto dashed = std::ranges::find_if(
      extras, [](const std::string& w) { return w.size() > 1 && w.starts_with('-'); });
  const std::string name = "fata " + command.get_name();
  if (dashed == extras.end())
    throw UsageError(name + ": unexpected argument '" + extras.front() + "' (--help explains)");
  const std::string option = dashed->substr(0, dashed->find('='));
  const bool has_value =
      *dashed == option && dashed + 1 != extras.end() && !(dashed + 1)->starts_with('-');
  const std::string given = *dashed + (has_value ? "=" + *(dashed + 1) : "");
  const bool runs = command.get_name() == "run";
  const std::string line = "as in `fata run " +
                           (choice.app == "." ? "" : choice.app.string() + " ") + "-- " + given +
                           "`";
  if (runs && is_parameter(choice, option))
    throw UsageError(option + " is the image's: write it after --, " + line);
  const std::string dashes = option.starts_with("--") ? option : "-" + option;
  if (const std::string meant = nearest(dashes, option_names(command)); !meant.empty())
    throw UsageError(name + ": no option " + option + "; did you mean " + meant + "?");
  for (const CLI::App* const other : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (other->get_option_no_throw(option) != nullptr)
      throw UsageError(name + ": " + option + " is an option of `fata " + other->get_name() + "`");
  }
  if (runs)
    throw UsageError(name + ": no option " + option +
                     "; if it is the image's, write it after --, " + line);
  throw UsageError("The following argument was not expected: " + option + " (--help explains)");
}

void explain_error(const CLI::ParseError& error) {
  const std::string text = error.what();
  // Handles "--memory: 1 required UINT missing", and the error of a flag that was given a value.
  const std::string name = text.substr(0, text.find(':'));
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr && name.starts_with('-'))
    throw UsageError(name + ": its value is missing (--help explains)");
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
    if (text.contains("--seed"))
      throw UsageError("--seed: must be a whole number (--help explains)");
    if (text.contains("--memory"))
      throw UsageError("--memory: must be a whole number of MiB (--help explains)");
    throw UsageError("an option that takes no value was given one (--help explains)");
  }
  throw UsageError(text + " (--help explains)");
}

void check_values(const CLI::App& app) {
  for (const CLI::App* const command : app.get_subcommands()) {
    for (const CLI::Option* const option : command->get_options()) {
      if (option->get_positional() && option->get_name() != "application") continue;
      if (option->get_items_expected_max() == 0 || !std::ranges::contains(option->results(), ""))
        continue;
      throw UsageError("fata " + command->get_name() + ": " + option->get_name() +
                       " is empty (--help explains)");
    }
  }
}

namespace {

// An option of `fata run`, whether it was given, and for each target the reason why it has no
// effect there; nullptr if it has one.
struct Use {
  const char* option;
  bool given;
  const char *linux_process, *kvm, *xen, *sim;
};

// In MiB. With less, QEMU does not start the image.
constexpr unsigned kMinMemoryKvm = 2;
constexpr unsigned kMinMemoryXen = 4;

constexpr const char* kQemus =
    "is QEMU's, for -t kvm; on Xen the domain's configuration says such things";

constexpr std::array kTimeUnits{"ns", "us", "ms", "s", "m", "h"};
constexpr const char* kForSim = "is for -t sim";
constexpr const char* kNoMachine = "a simulated image runs on no machine; use it with -t kvm";

void check_one_of(const std::string& option, const std::optional<std::string>& value,
                  const char* what, const std::vector<std::string>& known) {
  if (!value || value->empty() || std::ranges::contains(known, *value)) return;
  std::string list;
  for (const std::string& one : known)
    list += (list.empty() ? "" : &one == &known.back() ? " and " : ", ") + one;
  throw UsageError(option + " " + *value + ": the " + what + " are " + list);
}

// Rejects invalid values before minutes are spent on a build.
void check_run_values(const Choice& choice, const RunChoice& run) {
  check_one_of("--accel", run.accel, "accelerators", {"kvm", "tcg"});
  check_one_of("--machine", run.machine, "machines", {"microvm", "pc", "q35"});
  if (run.memory_mib) check_memory(choice.target, *run.memory_mib, "--memory");
  for (const std::string& link : run.links) {
    if (choice.target == "kvm" && !is_tap(link) && link != "user" && link != "none")
      throw UsageError("--link " + link + ": write user, tap, tap:NAME or none");
  }
  if (const std::string& time = run.simulated_time; !time.empty()) {
    const std::size_t digits = std::min(time.find_first_not_of("0123456789."), time.size());
    if (digits == 0 || !std::ranges::contains(kTimeUnits, time.substr(digits)))
      throw UsageError("--for " + time + ": write a time such as 250ms or 1.5s");
  }
  for (const std::string& forward : run.forwards) parse_forward(forward);
  for (const std::string& disk : run.disks) {
    if (choice.target != "linux") parse_disk(disk);
  }
}

}  // namespace

void check_memory(const std::string& target, unsigned mebibytes, const std::string& where) {
  const bool kvm = target == "kvm";
  const unsigned least = kvm ? kMinMemoryKvm : kMinMemoryXen;
  if (target == "linux" || target == "sim" || mebibytes >= least) return;
  throw UsageError(where + " " + std::to_string(mebibytes) + ": a " + (kvm ? "guest" : "domain") +
                   " needs " + std::to_string(least) + " MiB or more");
}

void check_options(const Choice& choice, const RunChoice& run) {
  const Use uses[]{
      {"--accel", !run.accel.empty(), "a process needs no accelerator; use it with -t kvm", nullptr,
       kQemus, kNoMachine},
      {"--machine", run.machine.has_value(),
       "a process runs on no machine of QEMU's; use it with -t kvm", nullptr, kQemus, kNoMachine},
      {"--memory", run.memory_mib.has_value(),
       "a process takes the memory that it needs; use it with -t kvm or -t xen", nullptr, nullptr,
       kNoMachine},
      {"--forward", !run.forwards.empty(),
       "a process is on the host's network already; use it with -t kvm", nullptr,
       run.lab ? nullptr
               : "ports are forwarded with --lab only; a domain has an address of its own on its "
                 "bridge",
       "a simulated image has no host; use it with -t kvm"},
      {"--console", run.console, "a process has its console already; use it with -t kvm", nullptr,
       kQemus, "a simulated image reads no input; use it with -t kvm"},
      {"--link", !run.links.empty(), nullptr, nullptr, kQemus,
       "a simulated NIC is plugged into a segment: -- --segment=NAME"},
      {"--pcap", !run.pcap.empty(), nullptr, nullptr, kQemus, nullptr},
      {"--disk", !run.disks.empty(), nullptr, nullptr, nullptr,
       "a simulated disk is in memory, and empty; use it with -t linux"},
      {"--files", !run.files.empty(), nullptr, nullptr, nullptr,
       "a simulated image gets no boot files; use it with -t linux"},
      {"--gdb", run.gdb, nullptr, nullptr, kQemus, nullptr},
      {"--lab", run.lab, "is for -t xen", "is for -t xen", nullptr, "is for -t xen"},
      {"--seed", run.seed.has_value(), kForSim, kForSim, kForSim, nullptr},
      {"--for", !run.simulated_time.empty(), kForSim, kForSim, kForSim, nullptr},
      {"--dry-run", run.dry, nullptr, nullptr, nullptr, nullptr},
  };
  for (const Use& use : uses) {
    const char* const why = choice.target == "linux" ? use.linux_process
                            : choice.target == "kvm" ? use.kvm
                            : choice.target == "sim" ? use.sim
                                                     : use.xen;
    if (use.given && why != nullptr) throw UsageError(std::string(use.option) + ": " + why);
  }
  check_run_values(choice, run);
}

}  // namespace fata::tool
