#include <fata/config.hpp>
using namespace fata::config;

// Stand-ins for the parameter types of lib/iperf. Each holds a value as it would be written on the
// command line.
struct Size {
  std::string text;
};
struct Rate {
  std::string text;
};
template <class T>
struct QuantityTraits : detail::PlainTraits {
  static std::string text(const T& value) { return value.text; }
  static std::vector<std::string> headers() { return {"fata/iperf/quantity.hpp"}; }
};
namespace fata::config {
template <>
struct ParameterTraits<Size> : QuantityTraits<Size> {
  static std::string cpp_type() { return "fata::iperf::Size"; }
};
template <>
struct ParameterTraits<Rate> : QuantityTraits<Rate> {
  static std::string cpp_type() { return "fata::iperf::Rate"; }
};
}  // namespace fata::config

Plan plan(const Context& context) {
  auto iperf =
      functor<Job(Connector, Tcp, Udp, Clock, Random, Console)>("iperf_app::Iperf", "iperf.hpp")
          .library("iperf");
  auto port = parameter("port", std::uint16_t{5201}, "port of the server, TCP and UDP");
  auto net = default_stack(context, {.netstat = true});

  Plan plan("iperf");
  plan.run(iperf(
      happy_eyeballs(net.tcp, resolver(net)), net.tcp, net.udp, default_clock(), default_random(),
      default_console(), port, parameter("server", false, "serve, as it does without --client"),
      optional_parameter<std::string>("client", "measure with the server of this name or address"),
      parameter("udp", false, "datagrams instead of TCP"),
      parameter("reverse", false, "the server sends"), parameter("bidir", false, "both ends send"),
      parameter("parallel", std::uint16_t{1}, "streams each way, up to 128"),
      parameter("time", Duration{"10s"}, "how long to measure"),
      parameter("omit", Duration{"0s"}, "time before that, which does not count"),
      optional_parameter<Size>("bytes", "measure until so many bytes are sent, instead of a time"),
      optional_parameter<Size>("length", "bytes of a block or datagram (default 128K, or 1448)"),
      optional_parameter<Rate>(
          "bitrate", "of each stream, 0 for as fast as it goes (default 0, or 1M with --udp)"),
      parameter("interval", Duration{"1s"}, "between two reports; 0s for none"),
      parameter("nodelay", false, "small blocks of TCP do not wait for acknowledgements"),
      parameter("json", false, "report as JSON"),
      parameter("one-off", false, "serve one test, then end")));
  plan.forward(Protocol::kTcp, port);
  plan.forward(Protocol::kUdp, port);
  return plan;
}
