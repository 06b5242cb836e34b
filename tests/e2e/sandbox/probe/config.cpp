#include <fata/config.hpp>
using namespace fata::config;

// Attacks its own sandbox. `-D with=` selects its devices.
Plan plan(const Context& context) {
  const std::string with = context.key("with", std::string("none"), "devices of the image");
  const auto attack = parameter("attack", "none", "what to try");

  Plan plan("probe");
  if (with == "disk") {
    auto probe = functor<Job(Block)>("sandbox_probe::RingProbe", "ring_probe.hpp");
    plan.run(probe(default_block(context), attack));
  } else if (with == "nic") {
    auto probe = functor<Job(NetDevice)>("sandbox_probe::NicProbe", "nic_probe.hpp");
    plan.run(probe(default_network(context), attack));
  } else if (with == "sockets") {
    auto probe = functor<Job(Udp, Tcp)>("sandbox_probe::SocketProbe", "socket_probe.hpp");
    const auto stack = host_stack();
    plan.run(probe(stack.udp, stack.tcp, attack));
  } else if (with == "client") {
    auto probe = functor<Job(Tcp)>("sandbox_probe::ClientProbe", "client_probe.hpp");
    plan.run(probe(host_tcp(), attack));
  } else if (with == "folder") {
    auto probe = functor<Job(KeyValue)>("sandbox_probe::FolderProbe", "folder_probe.hpp");
    plan.run(probe(host_folder(parameter("folder", ".", "what may be read")), attack));
  } else if (with == "library") {
    auto probe = functor<Job()>("sandbox_probe::Probe", "probe.hpp")
                     .system_call("getppid")
                     .third_party({.name = "z",
                                   .package = "zlib1g-dev",
                                   .headers = {"zlib.h", "zconf.h"},
                                   .system_calls = {"getuid"}});
    plan.run(probe(attack));
  } else {
    plan.run(functor<Job()>("sandbox_probe::Probe", "probe.hpp")(attack));
  }
  return plan;
}
