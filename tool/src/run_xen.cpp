// `fata run -t xen`: by xl in dom0, or in the lab.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <sstream>

#include "boot_files.hpp"
#include "error.hpp"
#include "progress.hpp"
#include "qemu.hpp"
#include "spawn.hpp"
#include "stop_signals.hpp"
#include "symbolise.hpp"
#include "xen.hpp"

namespace fata::tool {
namespace {

// Our status if the domain did not end by itself.
constexpr int kXenFailed = 70;
constexpr int kCrashed = 125;
// From the shutdown request to the domain until it is destroyed.
constexpr auto kGrace = std::chrono::seconds(30);
constexpr int kQuietMs = 300;  // silence after which console output is complete

// An installed xl is not enough: Xen may reject its requests.
void check_dom0(const Project& project) {
  const std::string otherwise =
      "`fata build " + project.choice().app.string() + " -t xen` makes the image and " +
      project.plan().name +
      ".xl for one, and `fata run --lab` boots an emulated machine with Xen in it";
  for (const char* const program : {"xl", "xenstore-read", "xenstore-watch"}) {
    if (find_program(program).empty())
      throw UsageError(std::string("-t xen: this machine is not a Xen dom0: it has no ") + program +
                       "; " + otherwise);
  }
  const Outcome asked = capture({"xl", "list"});
  if (asked.status != 0) {
    throw UsageError("-t xen: xl cannot connect to Xen (" +
                     asked.output.substr(0, asked.output.find('\n')) +
                     "): run it as root in dom0; " + otherwise);
  }
  // xl rejects an existing name as well, but with three lines.
  const std::string& name = project.plan().name;
  if (asked.output.contains('\n' + name + ' ')) {
    throw UsageError("there is a domain " + name + " already; `xl shutdown " + name +
                     "` or `xl destroy " + name + "` ends it");
  }
}

void check_xen_disk(const Disk& disk, const std::string& text, const RunChoice& choice) {
  if (disk.direct)
    throw UsageError("--disk " + text +
                     ": on Xen the backend says how it reads a file; leave out ,direct");
  if (disk.sector_size != 512 && !choice.lab)
    throw UsageError("--disk " + text +
                     ": the device of dom0 says how large its sectors are; leave out ,sector=");
  if (!choice.dry) check_disk(disk);
}

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::ranges::replace(text, '\n', ' ');
  return text;
}

// A child program whose output is read while this object exists; it is killed with the object.
class Teller {
 public:
  explicit Teller(const Words& words) : child_(words, {}) {}
  ~Teller() { ::kill(child_.pid(), SIGKILL); }
  Teller(const Teller&) = delete;
  Teller& operator=(const Teller&) = delete;

  int file() const { return child_.output(); }
  // Reads some output; empty after the program has ended.
  std::string some() {
    std::array<char, 4096> bytes{};
    const ssize_t n = ::read(file(), bytes.data(), bytes.size());
    return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))};
  }

 private:
  Child child_;
};

class Domain {
 public:
  Domain(std::string id, const Project& project)
      : id_(std::move(id)),
        symboliser_(project.elf(), project.shown()),
        console_({"xl", "console", id_}) {}
  ~Domain() { capture({"xl", "destroy", id_}); }
  Domain(const Domain&) = delete;
  Domain& operator=(const Domain&) = delete;

  // Runs until the domain has ended; returns our exit status.
  int look_after(StopSignals& signals) {
    Teller ends({"xenstore-watch", "@releaseDomain"});  // its first output: the watch is active
    std::array<pollfd, 3> files{
        {{console_.file(), POLLIN, 0}, {signals.file(), POLLIN, 0}, {ends.file(), POLLIN, 0}}};
    std::optional<Clock::time_point> deadline;
    std::optional<Teller> shutdown;
    for (;;) {
      const auto timeout =
          !deadline
              ? -1
              : std::max<std::int64_t>(
                    0,
                    std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count());
      const int ready = ::poll(files.data(), files.size(), static_cast<int>(timeout));
      if (ready < 0 && errno == EINTR) continue;
      if (ready == 0) return destroyed();
      if (files[0].revents != 0 && !pass_on()) files[0].fd = -1;
      if (files[1].revents != 0) {
        const StopSignals::Wish wish = signals.take();
        if (wish == StopSignals::Wish::kEnd) return destroyed();
        if (wish == StopSignals::Wish::kStop) {
          deadline = Clock::now() + kGrace;
          // xl waits up to a minute for the domain's acknowledgement.
          shutdown.emplace(Words{"xl", "shutdown", id_});
        }
      }
      if (files[2].revents != 0) {
        if (ends.some().empty()) {
          say("xenstore-watch, which reports the domain's end, has ended; the domain is destroyed");
          return kXenFailed;
        }
        if (const auto status = ended()) return *status;
      }
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  bool pass_on() {
    const std::string some = console_.some();
    symboliser_.show(some);
    return !some.empty();
  }

  int destroyed() {
    say("the domain did not shut down; it is destroyed");
    return kXenFailed;
  }

  std::optional<int> ended() {
    const Outcome listed = capture({"xl", "list", "-v", id_});
    std::string name, number, memory, cpus, state, time, uuid, reason;
    // Parses the last line; `state` consists of letters of "rbpscd" or dashes.
    std::istringstream words(
        listed.output.substr(listed.output.rfind('\n', listed.output.size() - 2) + 1));
    words >> name >> number >> memory >> cpus >> state >> time >> uuid >> reason;
    if (listed.status != 0 || state.contains('d')) {
      say("the domain is gone: another program destroyed it");
      return kXenFailed;
    }
    if (!state.contains('s')) return std::nullopt;
    // The domain's last output may still be in dom0's console daemon.
    pollfd console{console_.file(), POLLIN, 0};
    while (::poll(&console, 1, kQuietMs) > 0 && pass_on()) {
    }
    const Outcome left = capture({"xenstore-read", "/local/domain/" + id_ + "/data/exit-status"});
    int code = 0;
    if (left.status == 0 && std::sscanf(left.output.c_str(), "%d", &code) == 1) return code;
    if (reason == "0") return 0;
    say(reason == "1" ? "the domain rebooted; Xen also reports a triple fault as a reboot"
                      : "the domain crashed");
    return kCrashed;
  }

  std::string id_;
  Symboliser symboliser_;
  Teller console_;
};

int run_domain(const Project& project, const fs::path& config) {
  const std::string& name = project.plan().name;
  // The signals stay blocked in our child programs, which a Ctrl-C on the terminal reaches as well:
  // an xl that dies during its work would leave it half done.
  StopSignals signals{SIGINT, SIGTERM, SIGHUP};
  // -e: without xl's daemon, as we wait for the end ourselves.
  const Outcome created = capture({"xl", "create", "-e", "-q", config});
  if (created.status != 0) throw UsageError("xl create: " + one_line(created.output));
  return Domain(one_line(capture({"xl", "domid", name}).output), project).look_after(signals);
}

}  // namespace

void check_xen(const Project& project, const RunChoice& choice) {
  if (!choice.lab) check_dom0(project);
}

int run_xen(Project& project, const RunChoice& choice) {
  const unsigned memory = choice.memory_mib.value_or(project.plan().memory_mib);
  const fs::path config = project.folder() / "run.xl";
  check_disk_count(project.plan(), choice.disks);
  std::vector<Disk> disks;
  for (const std::string& text : choice.disks) {
    disks.push_back(parse_disk(text));
    check_xen_disk(disks.back(), text, choice);
  }
  std::vector<PortForward> forwards;
  for (const std::string& text : choice.forwards) {
    for (PortForward& f : parse_forward(text)) forwards.push_back(std::move(f));
  }
  if (choice.lab && forwards.empty()) forwards = served_ports(project.plan(), choice.parameters);
  const auto parameters = forwarded_parameters(project.plan(), choice.parameters, forwards);
  write_if_changed(config,
                   xl_config(project, parameters, memory, disks,
                             choice.files.empty() ? fs::path() : boot_archive(project), true));
  if (!choice.lab) {
    if (choice.dry) {
      std::printf("%s\n", shell_line({"xl", "create", config}).c_str());
      return 0;
    }
    return run_domain(project, config);
  }
  Words words{"python3", project.home().lab(), "run", config};
  for (const PortForward& f : forwards) {
    words.insert(words.end(), {"--forward", f.protocol + ":" + std::to_string(f.host) + ":" +
                                                std::to_string(f.guest)});
  }
  for (const Disk& disk : disks) {
    words.insert(words.end(),
                 {"--disk", fs::absolute(disk.file).string() + (disk.read_only ? ",ro" : "") +
                                (disk.sector_size == 512 ? "" : ",sector=4096")});
  }
  if (choice.dry) {
    std::printf("%s\n", shell_line(words).c_str());
    return 0;
  }
  say("booting Xen in an emulated machine; the first time, it is built from Debian's packages");
  for (const PortForward& f : forwards) {
    say("127.0.0.1:" + std::to_string(f.host) + "/" + f.protocol +
        " is forwarded to the domain's port " + std::to_string(f.guest));
  }
  replace(words);
}

}  // namespace fata::tool
