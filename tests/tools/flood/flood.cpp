// Sends frames of one hostile kind out of an interface at the requested rate, and reports how many
// left and how fast. It tests a host at the far end of that link. For "resets", "acks" and
// "out-of-order" it first opens its own connection, which the frames then target.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/tcp.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "frames.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using fata::flood::Frames;
using fata::flood::Target;

[[noreturn]] void failed(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

fata::flood::Mac parse_mac(const std::string& text) {
  fata::flood::Mac mac{};
  if (std::sscanf(text.c_str(), "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
                  &mac[4], &mac[5]) != 6)
    throw std::runtime_error(text + " is no hardware address");
  return mac;
}

// Opens a connection to the target and reads its sequence numbers (TCP_REPAIR; needs
// CAP_NET_ADMIN).
int open_connection(Target& target) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(target.port);
  to.sin_addr = target.target4;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) failed("connect");
  sockaddr_in us{};
  socklen_t size = sizeof us;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&us), &size);
  target.client = ntohs(us.sin_port);
  const auto set = [fd](int option, int value) {
    if (::setsockopt(fd, IPPROTO_TCP, option, &value, sizeof value) != 0) failed("TCP_REPAIR");
  };
  const auto read_seq = [&](int queue) {
    set(TCP_REPAIR_QUEUE, queue);
    std::uint32_t seq = 0;
    socklen_t length = sizeof seq;
    if (::getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &seq, &length) != 0) failed("TCP_QUEUE_SEQ");
    return seq;
  };
  set(TCP_REPAIR, 1);
  target.seq = read_seq(TCP_SEND_QUEUE);
  target.ack = read_seq(TCP_RECV_QUEUE);
  set(TCP_REPAIR, -1);  // off, without a window probe
  return fd;
}

// Opens a packet socket on the interface and stores its hardware address in `ours`.
int open_interface(const std::string& interface, std::array<std::uint8_t, 6>& ours) {
  const int out = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);  // protocol 0: receives nothing
  if (out < 0) failed("packet socket");
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  at.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  if (at.sll_ifindex == 0 || ::bind(out, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0)
    failed(interface);
  ifreq ask{};
  interface.copy(ask.ifr_name, IFNAMSIZ - 1);
  if (::ioctl(out, SIOCGIFHWADDR, &ask) != 0) failed(interface);
  std::memcpy(ours.data(), ask.ifr_hwaddr.sa_data, 6);
  const int one = 1;
  ::setsockopt(out, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
  return out;
}

void flood(int out, const std::string& kind, const Target& target, double seconds,
           std::uint64_t rate) {
  Frames frames(kind, target);
  constexpr unsigned kBatch = 64;
  std::vector<std::vector<std::uint8_t>> room(kBatch);
  std::vector<iovec> pieces(kBatch);
  std::vector<mmsghdr> messages(kBatch);
  std::uint64_t sent = 0, refused = 0;
  const auto begin = Clock::now();
  const auto end =
      begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  for (auto now = begin; now < end; now = Clock::now()) {
    const double due =
        std::chrono::duration<double>(now - begin).count() * static_cast<double>(rate);
    if (static_cast<double>(sent + refused) > due) {
      ::usleep(100);
      continue;
    }
    for (unsigned i = 0; i < kBatch; ++i) {
      room[i] = frames.next();
      pieces[i] = {room[i].data(), room[i].size()};
      messages[i].msg_hdr.msg_iov = &pieces[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int done = ::sendmmsg(out, messages.data(), kBatch, MSG_DONTWAIT);
    // Frames that a full queue refuses are lost, as on any link.
    sent += static_cast<std::uint64_t>(std::max(done, 0));
    refused += kBatch - static_cast<std::uint64_t>(std::max(done, 0));
  }
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf("%s: %llu frames sent, %.0f a second, %llu refused by a full queue\n", kind.c_str(),
              static_cast<unsigned long long>(sent), static_cast<double>(sent) / took,
              static_cast<unsigned long long>(refused));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Floods a host with hostile frames.", "flood");
  std::string interface, kind, mac, source4, target4, source6, target6;
  Target target;
  double seconds = 5;
  std::uint64_t rate = 500'000;
  app.add_option("interface", interface)->required();
  app.add_option("kind", kind)->required()->check(CLI::IsMember(Frames::kinds()));
  app.add_option("--mac", mac, "the target's hardware address")->required();
  app.add_option("--from", source4, "our IPv4 address")->required();
  app.add_option("--to", target4, "the target's IPv4 address")->required();
  app.add_option("--from6", source6)->required();
  app.add_option("--to6", target6)->required();
  app.add_option("--port", target.port, "that it serves by TCP")->required();
  app.add_option("--seconds", seconds)->check(CLI::Range(0.1, 3600.0));
  app.add_option("--rate", rate, "frames a second, at most")->check(CLI::Range(1, 10'000'000));
  CLI11_PARSE(app, argc, argv);
  try {
    target.mac = parse_mac(mac);
    if (::inet_pton(AF_INET, source4.c_str(), &target.source4) != 1 ||
        ::inet_pton(AF_INET, target4.c_str(), &target.target4) != 1 ||
        ::inet_pton(AF_INET6, source6.c_str(), &target.source6) != 1 ||
        ::inet_pton(AF_INET6, target6.c_str(), &target.target6) != 1)
      throw std::runtime_error("an address is none");
    const int out = open_interface(interface, target.ours);
    const bool aimed = kind == "resets" || kind == "acks" || kind == "out-of-order";
    const int aim = aimed ? open_connection(target) : -1;
    flood(out, kind, target, seconds, rate);
    if (aim >= 0) ::close(aim);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "flood: %s\n", error.what());
    return 1;
  }
  return 0;
}
