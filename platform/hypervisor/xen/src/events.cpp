#include "fata/bus/xen.hpp"

#include <array>

#include "fata/base/panic.hpp"
#include "fata/bus/xen/errors.hpp"
#include "hypercall.hpp"
#include "idle.hpp"

namespace fata::xen {
namespace {

constinit shared_info_t* shared = nullptr;
constinit std::array<Port, kMaxPorts> watched{};
constinit unsigned watched_count = 0;

constexpr std::size_t kBits = sizeof(xen_ulong_t) * 8;

}  // namespace

void use_shared_info(shared_info_t& page) noexcept {
  shared = &page;
  // Upcalls are never enabled.
  for (xen_ulong_t& word : page.evtchn_mask) word = ~xen_ulong_t{0};
}

void forget_ports() noexcept { watched_count = 0; }

void watch_port(Port port) noexcept {
  check(watched_count < kMaxPorts, "more event channels than one call can wait for");
  watched[watched_count++] = port;
}

std::span<Port> watched_ports() noexcept { return std::span(watched).first(watched_count); }

void wait_for_event(std::span<Port> ports, std::uint64_t until) noexcept {
  sched_poll_t poll{};
  poll.ports.p = ports.data();
  poll.nr_ports = static_cast<unsigned>(ports.size());
  poll.timeout = until;
  call(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll);
}

}  // namespace fata::xen

namespace fata::bus::xen {
using namespace fata::xen;
namespace {

Result<Port> opened(long status, Port port) {
  if (status != 0) return fail(Errc::kRefused, static_cast<std::uint32_t>(-status));
  if (watched_count == kMaxPorts) {
    close_port(port);
    return fail(Errc::kRefused, 0);
  }
  watch_port(port);
  return port;
}

}  // namespace

Result<Port> open_port(Domain remote) noexcept {
  evtchn_alloc_unbound_t request{DOMID_SELF, remote, 0};
  const long status = call(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &request);
  return opened(status, request.port);
}

Result<Port> connect_port(Domain remote, Port remote_port) noexcept {
  evtchn_bind_interdomain_t request{remote, remote_port, 0};
  const long status = call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &request);
  return opened(status, request.local_port);
}

void close_port(Port port) noexcept {
  for (unsigned i = 0; i < watched_count; ++i) {
    if (watched[i] != port) continue;
    watched[i] = watched[--watched_count];
    break;
  }
  evtchn_close_t request{port};
  call(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &request);
}

bool is_connected(Port port) noexcept {
  evtchn_status_t request{};
  request.dom = DOMID_SELF;
  request.port = port;
  return call(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &request) == 0 &&
         request.status == EVTCHNSTAT_interdomain;
}

void notify(Port port) noexcept {
  evtchn_send_t request{port};
  call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &request);
}

bool take_event(Port port) noexcept {
  if (shared == nullptr || port / kBits >= std::size(shared->evtchn_pending)) return false;
  xen_ulong_t& word = shared->evtchn_pending[port / kBits];
  const xen_ulong_t bit = xen_ulong_t{1} << port % kBits;
  if ((__atomic_load_n(&word, __ATOMIC_ACQUIRE) & bit) == 0) return false;
  __atomic_fetch_and(&word, ~bit, __ATOMIC_SEQ_CST);
  return true;
}

}  // namespace fata::bus::xen
