// An image with a NIC that attacks through the NIC's own ring.
#pragma once

#include <fata/async/context.hpp>
#include <fata/linux/capture_file.hpp>
#include <fata/linux/tap.hpp>
#include <fata/platform_devices/devices.hpp>
#include <fata/sig/net_device.hpp>
#include <fata/stack/pcap.hpp>

#include "attacks.hpp"
#include "ring_attacks.hpp"

namespace sandbox_probe {

// A NIC as config.cpp creates it: a tap, with an optional capture of its frames.
using Nic = fata::stack::PcapDevice<fata::linux::Tap, fata::platform_devices::Clock,
                                    fata::linux::CaptureFile>;

// The same access to a private member as in ring_attacks.cpp.
template <auto Member>
struct StealTap {
  friend fata::linux::Tap& stolen_tap(Nic& nic) { return *(nic.*Member); }
};
fata::linux::Tap& stolen_tap(Nic& nic);
template struct StealTap<&Nic::net_>;

template <class>  // config.cpp passes a type
class NicProbe {
 public:
  NicProbe(fata::async::Context& context, Nic& nic, std::string_view attack)
      : log_(context.logger("probe")), nic_(nic), attack_(attack) {}

  fata::async::Task<int> start() {
    const long outcome = attack_.starts_with("ring-") ? attack_by_ring(stolen_tap(nic_), attack_)
                                                      : try_attack(attack_);
    log_.info(attack_, ": ", outcome);
    co_return 0;
  }

 private:
  fata::Logger log_;
  Nic& nic_;
  std::string_view attack_;
};

}  // namespace sandbox_probe
