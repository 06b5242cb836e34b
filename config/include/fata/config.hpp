// The language of config.cpp: an ordinary C++ program that describes an application as typed device
// values.
//
//   #include <fata/config.hpp>
//   using namespace fata::config;
//
//   Plan plan(const Context& context) {
//     auto port = parameter("port", std::uint16_t{1053}, "UDP port to serve");
//     auto server = functor<Job(Udp)>("echo::Server", "server.hpp");
//     Plan plan("echo");
//     plan.run(server(default_stack(context).udp, port)).forward(Protocol::kUdp, port);
//     return plan;
//   }
//
// A config.cpp has no main: the `fata` command compiles and links it, runs it, and generates the
// image's main from the resulting plan. Host only; an image links none of this.
#pragma once

#include "fata/config/context.hpp"
#include "fata/config/device.hpp"
#include "fata/config/devices.hpp"
#include "fata/config/parameter.hpp"
#include "fata/config/plan.hpp"
