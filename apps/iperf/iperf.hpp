// iperf3's counterpart: measures a network's throughput, as the server or the client of a stock
// iperf3.
#pragma once

#include <fata/iperf/client.hpp>
#include <fata/iperf/quantity.hpp>
#include <fata/iperf/server.hpp>

namespace iperf_app {

template <fata::sig::Connector Connector, fata::sig::Tcp Tcp, fata::sig::Udp Udp,
          fata::sig::Clock Clock, fata::sig::Random Random, fata::sig::Console Console>
class Iperf {
 public:
  Iperf(fata::async::Context& context, Connector& connector, Tcp& tcp, Udp& udp, Clock& clock,
        Random& random, Console& console, std::uint16_t port, bool server,
        std::optional<std::string_view> client, bool udp_test, bool reverse, bool bidir,
        std::uint16_t parallel, fata::Duration time, fata::Duration omit,
        std::optional<fata::iperf::Size> bytes, std::optional<fata::iperf::Size> length,
        std::optional<fata::iperf::Rate> bitrate, fata::Duration interval, bool no_delay, bool json,
        bool one_off)
      : context_(context),
        log_(context.logger("iperf")),
        connector_(connector),
        tcp_(tcp),
        udp_(udp),
        clock_(clock),
        random_(random),
        console_(console),
        port_(port),
        server_(server),
        client_(client),
        interval_(interval),
        json_(json),
        one_off_(one_off) {
    wanted_.udp = udp_test;
    wanted_.reverse = reverse;
    wanted_.bidirectional = bidir;
    wanted_.no_delay = no_delay;
    wanted_.counters_64bit = udp_test;
    wanted_.parallel = parallel;
    wanted_.time = static_cast<std::uint32_t>(time.s());
    wanted_.omit = static_cast<std::uint32_t>(omit.s());
    if (bytes) wanted_.bytes = bytes->bytes;
    const std::uint64_t size = length ? length->bytes : udp_test ? kDatagram : kBlock;
    wanted_.length = static_cast<std::uint32_t>(std::min<std::uint64_t>(size, 0xffff'ffff));
    wanted_.rate = bitrate ? bitrate->bits : udp_test ? 1'000'000 : 0;
  }

  fata::async::Task<int> start() {
    if (!client_) {
      fata::iperf::Server<Tcp, Udp, Clock> server(context_, tcp_, udp_, clock_,
                                                  {.port = port_, .one_off = one_off_});
      co_return co_await server.serve();
    }
    if (const std::string_view mistake = wrong(); !mistake.empty()) {
      log_.error(mistake);
      co_return 64;
    }
    std::array<std::byte, fata::iperf::kCookieSize> random;
    random_.fill(random);
    fata::iperf::Client<Connector, Tcp, Udp, Clock, Console> client(
        context_, connector_, tcp_, udp_, clock_, console_, fata::iperf::make_cookie(random),
        {.server = *client_,
         .port = port_,
         .parameters = wanted_,
         .interval = interval_,
         .json = json_});
    co_return co_await client.run();
  }

 private:
  static constexpr std::uint64_t kBlock = 128 << 10;
  static constexpr std::uint64_t kDatagram = 1448;

  // One line that says how to fix the parameters; empty if they are valid.
  std::string_view wrong() const {
    if (server_) return "--server and --client exclude each other: give one";
    if (wanted_.reverse && wanted_.bidirectional)
      return "--reverse and --bidir exclude each other: give one";
    if (wanted_.parallel == 0 || wanted_.parallel > fata::iperf::kMaxStreams)
      return "--parallel takes a number from 1 to 128";
    if (wanted_.bytes == 0 && wanted_.time == 0) return "--time takes at least 1s";
    if (wanted_.udp && (wanted_.length < 16 || wanted_.length > 65507))
      return "--length of datagrams is from 16 to 65507";
    if (wanted_.length == 0 || wanted_.length > fata::iperf::kMaxLength)
      return "--length is from 1 to 1M";
    return {};
  }

  fata::async::Context& context_;
  fata::Logger log_;
  Connector& connector_;
  Tcp& tcp_;
  Udp& udp_;
  Clock& clock_;
  Random& random_;
  Console& console_;
  std::uint16_t port_;
  bool server_;
  std::optional<std::string_view> client_;
  fata::Duration interval_;
  bool json_;
  bool one_off_;
  fata::iperf::Parameters wanted_;
};

}  // namespace iperf_app
