// The fata command: its options and subcommands.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <span>
#include <utility>

#include "commands.hpp"
#include "error.hpp"
#include "files.hpp"
#include "progress.hpp"
#include "usage.hpp"

namespace fata::tool {
namespace {

struct Options {
  Choice choice;
  RunChoice run;
  std::string name, kind = "console", word;
  std::string topic;
  bool dot = false, json = false, everything = false, map = false, with_long = false;
};

// The options that find the application and its build folder.
void add_folder(CLI::App& command, Choice& choice) {
  command.add_option("application", choice.app,
                     "Folder with a config.cpp (default: the current one)");
  command
      .add_option("-t,--target", choice.target,
                  "linux (a process), kvm or xen (a kernel), or sim (in a simulator)")
      ->capture_default_str();
  command.add_option(
      "--net", choice.net,
      "host (the host's sockets) or direct (Fata's own stack); kvm, xen: direct only");
  command.add_option("--build-dir", choice.build_dir,
                     "Where to build (default: APPLICATION/.fata/TARGET)");
}

void add_choice(CLI::App& command, Choice& choice) {
  add_folder(command, choice);
  command.add_option("-D", choice.keys, "Set a configure-time key of the application")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command.add_flag("-v,--verbose", choice.verbose, "Show every command");
}

void add_plain(CLI::App& command, Choice& choice) {
  command.add_flag("--plain", choice.plain,
                   "kvm, xen: leave the image unpacked: a larger file that starts sooner");
}

void add_run(CLI::App& command, RunChoice& run) {
  command
      .add_option("--link", run.links,
                  "What a NIC is attached to: user, tap[:NAME] or none (default: user); "
                  "once for each NIC")
      ->allow_extra_args(false);
  command
      .add_option("--forward", run.forwards,
                  "Forward a port of the host (default: those that the application serves)")
      ->type_name("[udp|tcp:]HOST:GUEST")
      ->allow_extra_args(false);
  command.add_option("--accel", run.accel, "kvm or tcg (default: kvm if it works, else tcg)");
  command.add_option("--machine", run.machine,
                     "QEMU's machine: microvm, pc or q35 (default: microvm)");
  command.add_option("--memory", run.memory_mib,
                     "Memory of the guest in MiB (default: what config.cpp says)");
  command.add_option("--pcap", run.pcap, "Write the network's packets to a file");
  command
      .add_option(
          "--disk", run.disks,
          "A file or block device for the application's next disk; may be given several times")
      ->type_name("FILE[,ro][,direct][,sector=4096]")
      ->allow_extra_args(false);
  command.add_option("--files", run.files, "A folder with the application's boot files")
      ->type_name("FOLDER");
  command.add_flag("--console", run.console,
                   "Type standard input on the guest's console, also when it is no terminal");
  command.add_flag("--gdb", run.gdb, "Wait for a debugger, and print the line that attaches it");
  command.add_flag("--lab", run.lab,
                   "xen: boot an emulated machine with Xen in it, for machines that are no dom0");
  command.add_option("--seed", run.seed,
                     "sim: the number on which all randomness of the run depends (default: 1)");
  command
      .add_option("--for", run.simulated_time,
                  "sim: the simulated time after which the run ends (default: 1h)")
      ->type_name("TIME");
  command.add_flag("--dry-run", run.dry, "Print the command that would run the image");
  command.footer(
      "What follows -- goes to the unikernel as its parameters; `-- --help` lists them.");
}

// Words before "--" belong to the command, those after it to the unikernel.
std::vector<std::string> split_parameters(std::vector<std::string>& words) {
  const auto dashes = std::ranges::find(words, "--");
  if (dashes == words.end()) return {};
  std::vector<std::string> rest(dashes + 1, words.end());
  words.erase(dashes, words.end());
  return rest;
}

bool is_in_tree() {
  try {
    return Home::find().in_tree();
  } catch (const UsageError&) {
    return false;
  }
}

// The version, in a clone with its commit, as ./fata prints it. With --git-dir git accepts another
// user's clone.
std::string version() {
  std::string text = FATA_VERSION;
  if (find_program("git").empty()) return text;
  try {
    const Home home = Home::find();
    if (!home.in_tree()) return text;
    const Outcome commit = capture(
        {"git", "--git-dir=" + (home.root() / ".git").string(), "rev-parse", "--short", "HEAD"});
    if (commit.status == 0) text += " (" + commit.output.substr(0, commit.output.find('\n')) + ")";
  } catch (const UsageError&) {
    // Return the version alone.
  }
  return text;
}

class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", version);
    if (is_in_tree()) {
      app_.footer(
          "./fata in a clone of Fata also takes, before any --:\n"
          "  --no-install                Never install Debian packages; name those that are "
          "missing\n"
          "  -y,--yes                    Install them without asking");
    }
    add_new();
    add_builds();
    add_questions();
    add_clean();
    add_test();
    add_help();
    overview_ = app_.help();  // before parsing: afterwards help() describes the parsed command
  }
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  int run(std::vector<std::string> words) {
    o_.run.parameters = split_parameters(words);
    if (words.empty()) {
      std::fputs(overview_.c_str(), stdout);
      return 0;
    }
    if (const std::string& first = words.front();
        first != "-h" && first != "--help" && first != "--version")
      check_command(app_, first);
    std::ranges::reverse(words);
    try {
      app_.parse(words);
    } catch (const CLI::Success& success) {
      return app_.exit(success);
    } catch (const CLI::ExtrasError&) {
      explain_extras(app_, app_.remaining(true), o_.choice);
    } catch (const CLI::ParseError& error) {
      explain_error(error);
    }
    check_values(app_);
    if (!o_.run.parameters.empty() && !app_.got_subcommand("run")) {
      throw UsageError("words after -- are the unikernel's: only `fata run` takes them");
    }
    return action_();
  }

 private:
  // Registers the action of a command that works on an application.
  void on_project(CLI::App* command, std::function<int(Project&)> work) {
    command->callback([this, work] {
      action_ = [this, work] {
        const Home home = Home::find();
        // In `fata query image` the word is a fact, not a folder.
        if (o_.word.empty() && app_.got_subcommand("query") && is_query_word(o_.choice.app) &&
            !files::exists(o_.choice.app)) {
          o_.word = std::exchange(o_.choice.app, ".");
        }
        Project project(home, o_.choice);
        return work(project);
      };
    });
  }

  void add_new() {
    auto* const command = app_.add_subcommand("new", "Make an application's folder");
    command
        ->add_option("name", o_.name,
                     "Its name: lower case letters, digits and hyphens; or . for this folder")
        ->required();
    command->add_option("--template", o_.kind, "What it begins with: console, udp, tcp or block")
        ->capture_default_str();
    command->callback([this] { action_ = [this] { return create(o_.name, o_.kind), 0; }; });
  }

  void add_builds() {
    auto* const configure_command = app_.add_subcommand(
        "configure", "Run config.cpp and write the image's main and build files");
    auto* const build_command =
        app_.add_subcommand("build", "Build the image; print its path and size");
    auto* const run_command = app_.add_subcommand("run", "Build and run the image");
    for (CLI::App* const command : {configure_command, build_command, run_command}) {
      add_choice(*command, o_.choice);
      add_plain(*command, o_.choice);
    }
    build_command->add_flag("--map", o_.map,
                            "Print what is in the image, too, by section and by library");
    add_run(*run_command, o_.run);
    on_project(configure_command, [](Project& p) { return configure(p), 0; });
    on_project(build_command, [this](Project& p) { return build(p, o_.map), 0; });
    on_project(run_command, [this](Project& p) { return tool::run(p, o_.run); });
  }

  void add_questions() {
    auto* const describe_command =
        app_.add_subcommand("describe", "Show the application as a tree of devices");
    add_choice(*describe_command, o_.choice);
    auto* const dot = describe_command->add_flag("--dot", o_.dot, "As a Graphviz graph");
    describe_command->add_flag("--json", o_.json, "As JSON")->excludes(dot);
    on_project(describe_command, [this](Project& p) {
      return describe(p, o_.dot    ? DescribeAs::kDot
                         : o_.json ? DescribeAs::kJson
                                   : DescribeAs::kText),
             0;
    });

    auto* const query_command =
        app_.add_subcommand("query", "Print one fact about the application, or all");
    add_choice(*query_command, o_.choice);
    add_plain(*query_command, o_.choice);
    query_command->add_option("word", o_.word,
                              "name, target, net, arch, image, elf, size, memory, packages, "
                              "parameters, keys, forwards, disks, "
                              "libraries or build-dir");
    query_command->add_flag("--json", o_.json, "As JSON");
    on_project(query_command, [this](Project& p) { return query(p, o_.word, o_.json), 0; });
  }

  void add_clean() {
    auto* const command = app_.add_subcommand("clean", "Remove what was built");
    add_folder(*command, o_.choice);
    auto* const all = command->add_flag("--all", o_.everything, "For every target");
    for (const char* const one : {"--target", "--net", "--build-dir"})
      all->excludes(command->get_option(one));
    on_project(command, [this](Project& p) { return clean(p, o_.everything), 0; });
  }

  void add_test() {
    auto* const command =
        app_.add_subcommand("test", "Build and run Fata's own tests (in its source tree)");
    command->add_flag("--long", o_.with_long, "The long ones, too");
    command->callback([this] {
      action_ = [this]() -> int {
        const Home home = Home::find();
        if (!home.in_tree())
          throw UsageError("fata test: works in Fata's source tree only; clone it first");
        Words line{home.root() / "fata", "test"};
        if (o_.with_long) line.push_back("--long");
        replace(line);
      };
    });
  }

  void add_help() {
    auto* const command = app_.add_subcommand("help", "Explain a command");
    command->add_option("command", o_.topic, "The command");
    command->callback([this] { action_ = [this] { return explain(o_.topic), 0; }; });
  }

  void explain(const std::string& topic) const {
    if (topic.empty()) {
      std::fputs(overview_.c_str(), stdout);
      return;
    }
    const auto found =
        app_.get_subcommands([&](const CLI::App* one) { return one->check_name(topic); });
    if (!found.empty()) {
      std::fputs(found.front()->help("fata").c_str(), stdout);
      return;
    }
    const std::string meant = nearest(topic, command_names(app_));
    throw UsageError("fata help " + topic + ": there is no such command; " +
                     (meant.empty() ? "`fata help` lists them" : "did you mean " + meant + "?"));
  }

  Options o_;
  CLI::App app_{
      "Builds and runs Fata applications: one folder with a config.cpp becomes a process or a "
      "kernel.",
      "fata"};
  std::string overview_;
  std::function<int()> action_;
};

}  // namespace
}  // namespace fata::tool

int main(int argc, char** argv) {
  using namespace fata::tool;
  try {
    const std::span<char*> words(argv, static_cast<std::size_t>(argc));
    return CommandLine().run({words.begin() + 1, words.end()});
  } catch (const UsageError& error) {
    say(error.what());
    return 64;
  } catch (const Failed& failed) {
    return failed.status;
  } catch (const std::filesystem::filesystem_error& error) {
    const std::string path = error.path1().string();
    say((path.empty() ? "the current folder" : path) + ": " + error.code().message());
    return 64;
  } catch (const std::exception& error) {
    say(error.what());
    return 1;
  }
}
