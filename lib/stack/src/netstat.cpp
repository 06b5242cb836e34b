#include "fata/stack/netstat.hpp"

namespace fata::stack {

bool Netstat::write_part(TextWriter& out, std::size_t room, const Part* parts, Instant now) {
  static constexpr std::array<Section, 10> kSections{
      &Netstat::heading,   &Netstat::interfaces,    &Netstat::parts,         &Netstat::connections,
      &Netstat::ports,     &Netstat::neighbours_v4, &Netstat::neighbours_v6, &Netstat::routes_v4,
      &Netstat::routes_v6, &Netstat::counters};
  now_ = now;
  parts_ = parts;
  while (section_ < kSections.size()) {
    if (out.size() > room / 2) return true;
    if ((this->*kSections[section_])(out, index_)) {
      ++index_;
    } else {
      ++section_;
      index_ = 0;
    }
  }
  return false;
}

bool Netstat::heading(TextWriter& out, std::size_t index) {
  if (index != 0) return false;
  print(out, "--- network after ", Duration{now_.ns}, "\n");
  return true;
}

bool Netstat::interfaces(TextWriter& out, std::size_t index) {
  const ip::Host& host = *host_;
  if (index >= host.interface_count()) return false;
  const ip::Interface& on = host.interface(index);
  print(out, "interface ", index, " ", on.mac(), " mtu ", on.mtu());
  if (on.vlan() != 0) print(out, " vlan ", on.vlan());
  out.put('\n');
  return true;
}

namespace {
const Part* nth_part(const Part* each, std::size_t index) {
  for (; each != nullptr && index != 0; --index) each = each->next();
  return each;
}
}  // namespace

bool Netstat::parts(TextWriter& out, std::size_t index) {
  const Part* const found = nth_part(parts_, index);
  if (found == nullptr) return false;
  found->write(out, now_);
  out.put('\n');
  return true;
}

bool Netstat::connections(TextWriter& out, std::size_t index) {
  return write_tcp_ != nullptr && write_tcp_(*tcp_, out, index);
}

bool Netstat::ports(TextWriter& out, std::size_t index) {
  return udp_->for_each_in(index, [&out](const udp::Port& port) {
    print(out, "udp ", port.local());
    if (port.remote().port != 0) print(out, " ", port.remote());
    if (port.dropped() != 0) print(out, " dropped ", port.dropped());
    out.put('\n');
  });
}

namespace {
bool write_entry(const ip::Protocol* engine, TextWriter& out, std::string_view what,
                 std::size_t index, bool (ip::Protocol::*write)(TextWriter&, std::size_t) const) {
  [[clang::uninitialized]] Text<160> line;
  if (engine == nullptr || !(engine->*write)(line, index)) return false;
  if (line.size() != 0) print(out, what, line.view(), "\n");
  return true;
}
}  // namespace

bool Netstat::neighbours_v4(TextWriter& out, std::size_t index) {
  return write_entry(host_->v4(), out, "neighbour ", index, &ip::Protocol::write_neighbour);
}
bool Netstat::neighbours_v6(TextWriter& out, std::size_t index) {
  return write_entry(host_->v6(), out, "neighbour ", index, &ip::Protocol::write_neighbour);
}
bool Netstat::routes_v4(TextWriter& out, std::size_t index) {
  return write_entry(host_->v4(), out, "route ", index, &ip::Protocol::write_route);
}
bool Netstat::routes_v6(TextWriter& out, std::size_t index) {
  return write_entry(host_->v6(), out, "route ", index, &ip::Protocol::write_route);
}

bool Netstat::counters(TextWriter& out, std::size_t index) {
  const ip::Host& host = *host_;
  const auto put = [&out](std::string_view name, std::span<const Counter> counters) {
    print(out, "counters ", name, ": ");
    write_counters(out, counters);
    out.put('\n');
    return true;
  };
  const std::size_t links = host.interface_count();
  if (index < links) return put("link", host.interface(index).counters());
  if (index < 2 * links) return put("device", host.interface(index - links).device_counters());
  switch (index - 2 * links) {
    case 0:
      return host.v4() == nullptr || put("ipv4", host.v4()->counters());
    case 1:
      return host.v6() == nullptr || put("ipv6", host.v6()->counters());
    case 2:
      return put("udp", udp_->counters());
    case 3:
      return tcp_ == nullptr || put("tcp", tcp_->table().counters());
    default:
      break;
  }
  const Part* const found = nth_part(parts_, index - 2 * links - 4);
  return found != nullptr && put("dhcp", found->counters());
}

}  // namespace fata::stack
