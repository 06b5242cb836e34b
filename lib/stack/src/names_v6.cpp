// A separate file, so that an image without IPv6 links none of it.
#include "fata/ip/ipv6/engine.hpp"
#include "fata/stack/names.hpp"

namespace fata::stack {

std::size_t router_name_servers(const ip::ipv6::Engine& v6, std::span<IpAddress> out, Instant now) {
  std::size_t count = 0;
  for (const ip::ipv6::Engine::DnsServer& each : v6.dns_servers()) {
    if (now < each.until && count < out.size()) out[count++] = each.address;
  }
  return count;
}

// Converts from wire format; stops at the first invalid label.
void write_router_domain(const ip::ipv6::Engine& v6, TextWriter& out) {
  ByteReader in(v6.search_domain());
  for (bool first = true;; first = false) {
    const std::uint8_t length = in.u8();
    const Bytes label = in.take(length);
    if (!in.ok() || length == 0) return;
    if (!first) out.put('.');
    for (const std::byte each : label) {
      const char c = static_cast<char>(each);
      out.put(c > ' ' && c < 0x7f ? c : '?');
    }
  }
}

}  // namespace fata::stack
