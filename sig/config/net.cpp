#include "fata/config/sig/net.hpp"

namespace fata::config {

namespace {
template <Tag T>
Device<T> absent(std::string_view type, std::string_view header, Where where) {
  return device<T>({.type = "fata::sig::" + std::string(type),
                    .headers = {"fata/sig/" + std::string(header)},
                    .libraries = {"sig"},
                    .where = where});
}
}  // namespace

Device<Tcp> no_tcp(Where where) { return absent<Tcp>("NoTcp", "flow.hpp", where); }
Device<Ping> no_ping(Where where) { return absent<Ping>("NoPing", "ping.hpp", where); }
Device<Names> no_names(Where where) { return absent<Names>("NoNames", "names.hpp", where); }
Device<Resolver> no_resolver(Where where) {
  return absent<Resolver>("NoResolver", "resolver.hpp", where);
}

}  // namespace fata::config
