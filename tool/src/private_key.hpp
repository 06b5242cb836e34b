#pragma once

#include <string_view>

namespace fata::tool {

// True if the content holds a private key in one of the usual formats: text of PEM, OpenSSH, SSH2,
// OpenPGP, PuTTY, age, WireGuard, DNSSEC (BIND) or a JSON Web Key; DER of PKCS #1, #8, #12 or
// SEC 1. A key in another format, or within an archive, is not recognised.
bool holds_private_key(std::string_view content);

}  // namespace fata::tool
