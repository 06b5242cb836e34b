#include "fata/resolver/setup.hpp"

#include <optional>

namespace fata::resolver {

namespace {

// Removes and returns the text before the first `separator`, or all of it.
std::string_view take_before(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return taken;
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint64_t port = 0;
  if (!parse_unsigned(text, 65535, port) || port == 0) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

std::optional<Endpoint> endpoint_of(std::string_view text) {
  if (const auto v6 = IpAddress::parse_v6(text)) return Endpoint{*v6, kPort};
  std::uint16_t port = kPort;
  const bool bracket = text.starts_with('[');
  const std::size_t end = text.find(bracket ? ']' : ':');
  const std::string_view host = text.substr(bracket ? 1 : 0, bracket ? end - 1 : end);
  if (bracket && end == std::string_view::npos) return std::nullopt;
  std::string_view rest = end == std::string_view::npos ? "" : text.substr(end + bracket);
  if (!rest.empty()) {
    const auto given = rest.starts_with(':') ? port_of(rest.substr(1)) : std::nullopt;
    if (!given) return std::nullopt;
    port = *given;
  }
  if (bracket) {
    const auto v6 = IpAddress::parse_v6(host);
    return v6 ? std::optional(Endpoint{*v6, port}) : std::nullopt;
  }
  const auto v4 = Ipv4Address::parse(host);
  return v4 ? std::optional(Endpoint{*v4, port}) : std::nullopt;
}

}  // namespace

bool parse_parameter(std::string_view text, NameServers& out) {
  out = {};
  if (text == "network") return true;
  if (text.ends_with(',')) return false;
  do {
    const auto server = endpoint_of(take_before(text, ','));
    if (!server || out.count_ == out.servers_.size()) return false;
    out.servers_[out.count_++] = *server;
  } while (!text.empty());
  return true;
}

std::string_view parameter_expects(const NameServers&) {
  return "network, or up to 8 addresses such as 192.0.2.1,192.0.2.2:5353,[2001:db8::1]:53";
}

std::size_t read_domains(std::string_view text, std::span<dns::Name> out) {
  static constexpr dns::Name kRoot;
  std::size_t count = 0;
  while (!text.empty() && count < out.size()) {
    const auto name = dns::Name::from_text(take_before(text, ' '), &kRoot);
    if (name && !name->is_root()) out[count++] = *name;
  }
  return count;
}

}  // namespace fata::resolver
