// Names and texts that are resolved without a server.
#pragma once

#include <optional>
#include <string_view>

#include "fata/base/address.hpp"
#include "fata/dns/name.hpp"
#include "fata/resolver/lookup.hpp"

namespace fata::resolver {

// True if the last label is a number: a mistyped IPv4 address, which no top-level domain resembles
// (RFC 3696 section 2).
bool ends_in_number(const dns::Name& name);

// Fills the part of a special name: localhost and below are the loopback addresses (RFC 6761
// section 6.3); invalid and onion do not exist (RFC 6761 section 6.4, RFC 7686). False for other
// names.
bool resolve_special(const dns::LowerName& name, Part& part);

// Fills the part with the address if its type is that of the address's family, else with kNoData.
void fill_address(Part& part, const IpAddress& address);

}  // namespace fata::resolver
