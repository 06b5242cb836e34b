// The devices that the target provides, and the stack over them.
#pragma once

#include <string_view>
#include <vector>

#include "fata/config/context.hpp"
#include "fata/config/device.hpp"
#include "fata/config/sig/net.hpp"
#include "fata/config/sig/store.hpp"
#include "fata/config/where.hpp"

namespace fata::config {

// The target's network interface `number`: on linux a tap (parameters --tap and, to capture its
// frames, --pcap), on a kernel the hypervisor's network device of that number (virtio-net on kvm).
// The parameters of further interfaces end in their number: --tap-1, --pcap-1, --offload-1.
Device<NetDevice> network(const Context& context, unsigned number, Where where = Where::current());
// network(context, 0).
Device<NetDevice> default_network(const Context& context, Where where = Where::current());

// An interface whose frames are recorded in the file named by the parameter --pcap, if given (linux
// only; for a kernel on QEMU use `fata run --pcap`).
Device<NetDevice> capture(const Device<NetDevice>& nic, Where where = Where::current());

struct StackOptions {
  // Adds a report of the network's state on demand to a kernel. A process always has it, unless
  // `-D netstat=false` is given.
  bool netstat = false;
  // Accepts --ipv4=dhcp and makes it the default; `-D dhcp=` overrides this.
  bool dhcp = false;
  // Number of interfaces of default_stack(), up to 8; `-D cards=` overrides this.
  int cards = 1;
};
// The stack chosen by `--net`: the host's sockets, or Fata's own over network(context, 0) and up.
// `-D ipv6=false` omits IPv6, `-D dhcp=true` adds DHCP, `-D cards=2` adds a second interface.
Stack default_stack(const Context& context, StackOptions options = {},
                    Where where = Where::current());
// One stack over several interfaces, up to 8: parameters --ipv4-1, --ipv6-1, --vlan-1 for the
// second and so on, and --route, accepted up to 16 times. `-D` applies as with default_stack().
Stack stack(const Context& context, const std::vector<Device<NetDevice>>& nics,
            StackOptions options = {}, Where where = Where::current());

// A disk of the target. On linux a file or block device named by the parameter --NAME (`FILE`,
// `FILE,ro`, `FILE,direct`, `FILE,sector=4096`); on a kernel the machine's nth block device
// (virtio-blk on kvm) for the nth disk made by config.cpp. `fata run --disk FILE` supplies them in
// that order on every target.
Device<Block> default_block(const Context& context, std::string_view name = "disk",
                            Where where = Where::current());

}  // namespace fata::config
