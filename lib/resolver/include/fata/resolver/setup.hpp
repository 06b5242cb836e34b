// The value of an image's parameter --dns-servers, and the search list as text.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "fata/base/address.hpp"
#include "fata/dns/name.hpp"
#include "fata/resolver/servers.hpp"

namespace fata::resolver {

inline constexpr std::uint16_t kPort = 53;

// "192.0.2.1", "192.0.2.1:5353,[2001:db8::1]:53,2001:db8::1"; "network" stands for those that the
// network announces.
class NameServers {
 public:
  std::span<const Endpoint> all() const { return std::span(servers_).first(count_); }

 private:
  friend bool parse_parameter(std::string_view text, NameServers& out);

  std::array<Endpoint, kMaxServers> servers_{};
  std::size_t count_ = 0;
};
bool parse_parameter(std::string_view text, NameServers& out);
std::string_view parameter_expects(const NameServers&);

// Reads domains separated by spaces; ignores what is no name. Returns the count.
std::size_t read_domains(std::string_view text, std::span<dns::Name> out);

}  // namespace fata::resolver
