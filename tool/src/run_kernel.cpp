// Runs a kernel in QEMU: handles its console, its backtraces, its exit status, and a clean stop.
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "boot_files.hpp"
#include "capture.hpp"
#include "commands.hpp"
#include "debugger.hpp"
#include "disk.hpp"
#include "error.hpp"
#include "progress.hpp"
#include "qemu.hpp"
#include "stop_signals.hpp"
#include "symbolise.hpp"

namespace fata::tool {
namespace {

constexpr int kQemuFailed = 70;  // our status if QEMU itself failed, not the image
constexpr int kGraceMs = 5000;   // from the stop request to the guest until it is killed

class File {
 public:
  explicit File(int number) : number_(number) {}
  ~File() {
    if (number_ >= 0) ::close(number_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

// QEMU reports only "could not set up rule"; this check names the port and the fix.
void check_port_is_free(const PortForward& forward) {
  const bool udp = forward.protocol == "udp";
  const File socket(::socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0));
  if (!udp) {
    const int on = 1;
    ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(forward.host));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return;
  const std::string port = forward.protocol + " port " + std::to_string(forward.host);
  const std::string other =
      "--forward " + forward.protocol + ":PORT:" + std::to_string(forward.guest);
  if (errno == EACCES)
    throw UsageError(port + " of the host is privileged; forward another with " + other);
  throw UsageError(port + " of the host is in use; forward another with " + other);
}

void check_tap(const std::string& link, std::size_t nic) {
  const std::string name = tap_name(link, nic);
  if (name.empty() || name.size() >= IFNAMSIZ)
    throw UsageError("--link " + link + ": write tap or tap:NAME");
  const bool there = ::if_nametoindex(name.c_str()) != 0;
  const File tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  ifreq request{};
  std::ranges::copy(name, request.ifr_name);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (tun.number() >= 0 && ::ioctl(tun.number(), TUNSETIFF, &request) == 0) {
    if (!there) {
      say("there was no " + name +
          ", so it is made for this run; give it the gateway's address: ip addr add 10.0." +
          std::to_string(2 + nic) + ".2/24 dev " + name + " && ip link set " + name + " up");
    }
    return;
  }
  if (errno == EBUSY) throw UsageError("--link tap: " + name + " is in use by another program");
  throw UsageError("--link tap: no permission to use " + name + " (" + std::strerror(errno) +
                   "); as root: ip tuntap add " + name + " mode tap user NAME, or use --link user");
}

std::string choose_accel(const RunChoice& choice) {
  if (!choice.accel.empty()) return choice.accel;
  const std::string problem = kvm_problem();
  if (problem.empty()) return "kvm";
  if (is_news(problem))
    say("running on TCG, because KVM cannot be used: " + problem +
        " (--accel kvm forces it; said once)");
  return "tcg";
}

QemuChoice qemu_choice(const Project& project, const RunChoice& choice) {
  QemuChoice q{.arch = project.plan().arch,
               .machine = choice.machine.value_or("microvm"),
               .accel = choose_accel(choice),
               .links = choice.links,
               .forwards = {},
               .memory_mib = choice.memory_mib.value_or(project.plan().memory_mib),
               .pcap = choice.pcap,
               .disks = {},
               .initrd = choice.files.empty() ? fs::path() : boot_archive(project),
               .gdb = choice.gdb,
               .parameters = choice.parameters};
  check_links(project, choice);
  q.links.resize(std::max(q.links.size(), project.plan().nics()), "user");
  // A kernel numbers only the NICs that exist.
  while (!q.links.empty() && q.links.back() == "none") q.links.pop_back();
  if (std::ranges::contains(q.links, "none"))
    throw UsageError("--link none: NICs can be left out at the end only");
  const bool user = !q.links.empty() && q.links.front() == "user";
  if (!choice.forwards.empty() && !user) {
    throw UsageError("--forward: ports are forwarded with --link user only");
  }
  if (!q.pcap.empty() && q.links.empty())
    throw UsageError("--pcap: there is no NIC to capture from");
  for (const std::string& text : choice.forwards) {
    for (PortForward& f : parse_forward(text)) q.forwards.push_back(std::move(f));
  }
  if (choice.forwards.empty()) q.forwards = served_ports(project.plan(), choice.parameters);
  if (user) q.parameters = forwarded_parameters(project.plan(), choice.parameters, q.forwards);
  check_disk_count(project.plan(), choice.disks);
  for (const std::string& text : choice.disks) q.disks.push_back(parse_disk(text));
  if (choice.dry) return q;
  std::ranges::for_each(q.disks, check_disk);
  for (std::size_t nic = 0; nic < q.links.size(); ++nic) {
    if (is_tap(q.links[nic])) check_tap(q.links[nic], nic);
  }
  if (user) std::ranges::for_each(q.forwards, check_port_is_free);
  return q;
}

// QEMU in its own process group, so that a Ctrl-C on the terminal reaches only this process. QEMU
// dies with this process.
class Guest {
 public:
  // `typed`: standard input, or -1 if the guest's console has no input.
  Guest(const Words& words, Symboliser& symboliser, int typed)
      : symboliser_(symboliser), typed_(typed) {
    std::array<int, 2> in{}, out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) throw Failed{1};
    std::vector<char*> list;
    for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
    list.push_back(nullptr);
    std::fflush(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::setpgid(0, 0);
      signals_.unblock();
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::execvp(list[0], list.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    output_ = out[0];
    // Neither a guest that reads nothing nor a terminal that we may not read must block us.
    ::fcntl(input_, F_SETFL, O_NONBLOCK);
    std::signal(SIGTTIN, SIG_IGN);
  }
  ~Guest() {
    for (const int file : {input_, output_}) ::close(file);
  }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  // Runs until QEMU has ended; returns its wait status.
  int look_after() {
    std::array<pollfd, 3> files{
        {{output_, POLLIN, 0}, {signals_.file(), POLLIN, 0}, {typed_, POLLIN, 0}}};
    int timeout = -1;
    for (;;) {
      const int ready = ::poll(files.data(), files.size(), timeout);
      if (ready == 0) {
        say("the guest does not stop; ending it");
        ::kill(pid_, SIGKILL);
        timeout = -1;
      }
      if (ready > 0 && files[1].revents != 0) {
        const StopSignals::Wish wish = signals_.take();
        if (wish == StopSignals::Wish::kStop) {
          write_all(input_, "\x03");  // the console's Ctrl-C
          timeout = kGraceMs;
        } else if (wish == StopSignals::Wish::kEnd) {
          ::kill(pid_, SIGKILL);
        }
      }
      // Input typed here goes to the guest's console.
      if (ready > 0 && files[2].revents != 0) {
        std::array<char, 256> some{};
        const ssize_t n = ::read(typed_, some.data(), some.size());
        if (n > 0) write_all(input_, std::string_view(some.data(), static_cast<std::size_t>(n)));
        if (n <= 0) files[2].fd = -1;
      }
      if (ready > 0 && files[0].revents != 0) {
        std::array<char, 4096> some{};
        const ssize_t n = ::read(output_, some.data(), some.size());
        if (n <= 0) break;
        symboliser_.show(std::string_view(some.data(), static_cast<std::size_t>(n)));
      }
    }
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
  }

 private:
  Symboliser& symboliser_;
  StopSignals signals_{SIGINT, SIGTERM};
  pid_t pid_ = -1;
  int typed_, input_ = -1, output_ = -1;
};

}  // namespace

int run_kernel(Project& project, const RunChoice& choice) {
  const QemuChoice chosen = qemu_choice(project, choice);
  const Words words = qemu_line(project.image(), chosen);
  if (choice.dry) {
    std::printf("%s\n", shell_line(words).c_str());
    return 0;
  }
  if (project.choice().verbose) say(shell_line(words));
  if (!chosen.links.empty() && chosen.links.front() == "user") {
    for (const PortForward& f : chosen.forwards) {
      say("127.0.0.1:" + std::to_string(f.host) + "/" + f.protocol +
          " is forwarded to the guest's port " + std::to_string(f.guest));
    }
  }
  if (chosen.gdb) {
    say("waiting for a debugger; attach with: " +
        shell_line(debugger_words(
            project,
            "symbol-file -o " + std::string(kDebugOffset) + " " + gdb_word(project.elf().string()),
            "127.0.0.1:1234")));
  }

  Symboliser symboliser(project.elf(), project.shown());
  // A file or a pipe may hold input for the caller's next program: without --console only a
  // terminal is read.
  const int typed = choice.console || ::isatty(0) == 1 ? 0 : -1;
  const int status = Guest(words, symboliser, typed).look_after();
  for (std::size_t nic = 0; !chosen.pcap.empty() && nic < chosen.links.size(); ++nic) {
    if (is_tap(chosen.links[nic])) mend_capture(capture_of_nic(chosen.pcap, nic));
  }
  if (WIFSIGNALED(status)) {
    say("QEMU was ended by signal " + std::to_string(WTERMSIG(status)));
    return 128 + WTERMSIG(status);
  }
  if (chosen.gdb && WEXITSTATUS(status) == 0) {
    say("the debugger ended it");
    return 0;
  }
  if (const auto image = image_status(WEXITSTATUS(status))) return *image;
  say("QEMU itself failed, not the image (its status " + std::to_string(WEXITSTATUS(status)) +
      "); -v shows its command line");
  return kQemuFailed;
}

}  // namespace fata::tool
