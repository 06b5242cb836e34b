// Plays a script against a Table and reports where the two differ.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "script.hpp"
#include "world.hpp"

namespace fata::test {

class Runner {
 public:
  // Returns an empty string, or the failure: "file:line: ...".
  std::string run(const std::string& path);

 private:
  struct Watch final : tcp::Observer {
    void on_events(unsigned events) noexcept override { seen |= events; }
    unsigned seen = 0;
  };
  // The other end, by its port: the numbers of the connection with it.
  struct Peer {
    std::uint16_t port = 0;
    std::uint16_t local_port = 80;
    std::optional<std::uint32_t> our_isn;
    std::uint32_t isn = 1'000'000;
    std::optional<std::uint32_t> our_first_timestamp;
    std::uint32_t our_timestamp = 0;
    std::uint32_t window = 65535;
    tcp::Connection* connection = nullptr;
    std::unique_ptr<Watch> watch = std::make_unique<Watch>();
    std::uint32_t written = 1;
    std::uint32_t read = 1;
    Slice rest;
    std::string cookie;  // the last one received from the engine

    std::uint32_t our_base() const { return our_isn.value_or(0); }
  };

  void play(const Script& script);
  void line(const Line& line);
  bool fail(const std::string& why);
  bool setting(const Line& line);
  World& world();
  Peer& peer(std::int64_t port = 0);
  Peer& peer_of(const Line& line);
  void quiet_until(Instant to, const char* what);
  bool result_is(const Line& line, const std::string& got);

  void segment_in(const Line& line);
  void icmp_in(const Line& line);
  void segment_out(const Line& line, Instant from, Instant to);
  std::string differs(const SegmentText& want, const Sent& got, Peer& peer);
  std::string describe(const Sent& sent);

  void call(const Line& line);
  void call_listen(const Line& line);
  void call_connect(const Line& line);
  void call_write(const Line& line);
  void call_read(const Line& line);
  void expect(const Line& line);
  std::optional<tcp::ConnectionStats> stats(Peer& peer);
  void finish();

  std::string failure_;
  Line at_;  // the current line
  tcp::Config config_;
  bool v6_ = false;
  std::size_t mtu_ = 1500;
  std::uint32_t gso_ = 0;
  bool device_sums_ = false;
  std::uint32_t peer_isn_ = 1'000'000;
  std::unique_ptr<World> world_;
  std::map<std::uint16_t, Peer> peers_;
  std::uint16_t default_port_ = 1024;
  std::map<std::uint16_t, tcp::Listener*> listeners_;
  Watch listening_;
  Instant zero_;
  Instant last_;
};

std::string error_name(const Error& error);

}  // namespace fata::test
