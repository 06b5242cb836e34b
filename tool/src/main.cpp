// The fata command: its options, and which subcommand does what.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <span>
#include <utility>

#include "commands.hpp"
#include "error.hpp"
#include "progress.hpp"

namespace fata::tool {
namespace {

struct Options {
  Choice choice;
  RunChoice run;
  std::string name, word;
  bool dot = false, json = false, everything = false;
};

void add_choice(CLI::App& command, Choice& choice) {
  command.add_option("application", choice.app, "Folder with a config.cpp (default: the current one)");
  command.add_option("-t,--target", choice.target, "linux (a process), kvm or xen (a kernel)")
      ->capture_default_str();
  command.add_option("--net", choice.net,
                     "host (the host's sockets) or direct (Fata's own stack); kvm, xen: direct only");
  command.add_option("-D", choice.keys, "Set a configure-time key of the application")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command.add_option("--build-dir", choice.build_dir, "Where to build (default: APPLICATION/.fata/TARGET)");
  command.add_flag("--plain", choice.plain,
                   "kvm, xen: leave the image unpacked: a larger file that starts sooner");
  command.add_flag("-v,--verbose", choice.verbose, "Show every command");
}

void add_run(CLI::App& command, RunChoice& run) {
  command
      .add_option("--link", run.links,
                  "What a network card is attached to: user, tap[:NAME] or none (default: user); once a card")
      ->allow_extra_args(false);
  command
      .add_option("--forward", run.forwards,
                  "Forward a port of the host (default: those that the application serves)")
      ->type_name("[udp|tcp:]HOST:GUEST")
      ->allow_extra_args(false);
  command.add_option("--accel", run.accel, "kvm or tcg (default: kvm if it works, else tcg)");
  command.add_option("--machine", run.machine, "QEMU's machine: microvm, pc or q35")->capture_default_str();
  command.add_option("--memory", run.memory_mib,
                     "Memory of the guest in MiB (default: what config.cpp says)");
  command.add_option("--pcap", run.pcap, "Write the network's packets to a file");
  command
      .add_option("--disk", run.disks,
                  "A file or block device for the application's next disk; may be given several times")
      ->type_name("FILE[,ro][,direct][,sector=4096]")
      ->allow_extra_args(false);
  command.add_flag("--console", run.console,
                   "Type standard input on the guest's console, also when it is no terminal");
  command.add_flag("--gdb", run.gdb, "Wait for a debugger, and print the line that attaches it");
  command.add_flag("--lab", run.lab, "xen: boot an emulated machine with Xen in it, for machines that are no dom0");
  command.add_flag("--dry-run", run.dry, "Print the command that would run the image");
  command.footer("What follows -- goes to the unikernel as its parameters; `-- --help` lists them.");
}

// Words before "--" are ours, those after it the unikernel's.
std::vector<std::string> split_parameters(std::vector<std::string>& words) {
  const auto dashes = std::ranges::find(words, "--");
  if (dashes == words.end()) return {};
  std::vector<std::string> rest(dashes + 1, words.end());
  words.erase(dashes, words.end());
  return rest;
}

int dispatch(std::vector<std::string> words) {
  Options o;
  o.run.parameters = split_parameters(words);
  CLI::App app(
      "Builds and runs Fata applications: one folder with a config.cpp becomes a process or a kernel.",
      "fata");
  app.require_subcommand(1);
  app.footer(
      "./fata in a clone of Fata also takes, before any --:\n"
      "  --no-install                Never install Debian packages; name those that are missing\n"
      "  -y,--yes                    Install them without asking");
  app.set_version_flag("--version", FATA_VERSION);
  std::function<int()> action;
  const auto on_project = [&](CLI::App* command, auto work) {
    add_choice(*command, o.choice);
    command->callback([&, work] {
      action = [&, work] {
        const Home home = Home::find();
        // `fata query image`: one word that is a fact, not a folder.
        if (o.word.empty() && app.got_subcommand("query") && is_query_word(o.choice.app) &&
            !fs::exists(o.choice.app)) {
          o.word = std::exchange(o.choice.app, ".");
        }
        Project project(home, o.choice);
        return work(project);
      };
    });
    return command;
  };

  auto* const create_command = app.add_subcommand("new", "Make an application's folder");
  create_command->add_option("name", o.name, "Its name: lower case letters, digits and hyphens")->required();
  create_command->callback([&] { action = [&] { return create(o.name), 0; }; });

  on_project(app.add_subcommand("configure", "Run config.cpp and write the image's main and build files"),
             [](Project& p) { return configure(p), 0; });
  on_project(app.add_subcommand("build", "Build the image; say where it is and what is in it"),
             [](Project& p) { return build(p), 0; });
  add_run(*on_project(app.add_subcommand("run", "Build and run the image"),
                      [&](Project& p) { return tool::run(p, o.run); }),
          o.run);
  on_project(app.add_subcommand("describe", "Show the application as a tree of devices"), [&](Project& p) {
    return describe(p, o.dot), 0;
  })->add_flag("--dot", o.dot, "As a Graphviz graph");

  auto* const query_command = app.add_subcommand("query", "Print one fact about the application, or all");
  on_project(query_command, [&](Project& p) {
    query(p, o.word, o.json);
    return 0;
  });
  query_command->add_option(
      "word", o.word,
      "name, target, net, arch, image, elf, size, memory, packages, parameters, keys, forwards, disks, "
      "libraries or build-dir");
  query_command->add_flag("--json", o.json, "As JSON");

  on_project(app.add_subcommand("clean", "Remove what was built"), [&](Project& p) {
    return clean(p, o.everything), 0;
  })->add_flag("--all", o.everything, "For every target");

  auto* const test_command =
      app.add_subcommand("test", "Build and run Fata's own tests (in its source tree)");
  bool with_long = false;
  test_command->add_flag("--long", with_long, "The long ones, too");
  test_command->callback([&] {
    action = [&]() -> int {
      const Home home = Home::find();
      if (!home.in_tree()) throw UsageError("fata test: works in Fata's source tree only; clone it first");
      Words line{home.root() / "fata", "test"};
      if (with_long) line.push_back("--long");
      replace(line);
    };
  });
  std::string topic, overview;
  auto* const help_command = app.add_subcommand("help", "Explain a command");
  help_command->add_option("command", topic, "The command");
  help_command->callback([&] {
    action = [&] {
      const CLI::App* about = nullptr;
      if (!topic.empty()) {
        const auto found = app.get_subcommands([&](const CLI::App* one) { return one->check_name(topic); });
        if (found.empty()) {
          throw UsageError("fata help " + topic + ": there is no such command; `fata help` lists them");
        }
        about = found.front();
      }
      std::fputs((topic.empty() ? overview : about->help("fata")).c_str(), stdout);
      return 0;
    };
  });

  overview = app.help();  // now, as a parsed App explains the command that it found
  std::ranges::reverse(words);
  try {
    app.parse(words);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    throw UsageError(std::string(error.what()) + " (--help explains)");
  }
  if (!o.run.parameters.empty() && !app.got_subcommand("run")) {
    throw UsageError("what follows -- goes to the unikernel: only `fata run` takes it");
  }
  return action();
}

}  // namespace
}  // namespace fata::tool

int main(int argc, char** argv) {
  using namespace fata::tool;
  try {
    const std::span<char*> words(argv, static_cast<std::size_t>(argc));
    return dispatch({words.begin() + 1, words.end()});
  } catch (const UsageError& error) {
    say(error.what());
    return 64;
  } catch (const Failed& failed) {
    return failed.status;
  } catch (const std::exception& error) {
    say(error.what());
    return 1;
  }
}
