// Looks up a name and prints its addresses or the records of a type, one on each line.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/dns/types.hpp>
#include <fata/sig/console.hpp>
#include <fata/sig/resolver.hpp>

#include <string_view>

namespace lookup_example {

template <fata::sig::Resolver Resolver, fata::sig::Console Console>
class Lookup {
 public:
  Lookup(fata::async::Context& context, Resolver& resolver, Console& console, std::string_view name,
         std::string_view type, fata::Duration timeout)
      : stop_(context.stop),
        log_(context.logger("lookup")),
        resolver_(resolver),
        console_(console),
        name_(name),
        type_(type),
        timeout_(timeout) {}

  // Returns 0 if there is an address or a record, 1 if not, 64 if --type is unknown.
  fata::async::Task<int> start() {
    const auto wait = fata::async::Wait::at_most(timeout_, stop_);
    if (type_.empty()) {
      const auto addresses = co_await resolver_.resolve(name_, wait);
      if (!addresses) co_return failed(addresses.error());
      for (const fata::IpAddress& each : *addresses) say(each);
      co_return 0;
    }
    const auto type = fata::dns::type_from_text(type_);
    if (!type) {
      log_.error("--type takes a record type such as A, MX or TYPE65, not '", type_, "'");
      co_return 64;
    }
    const auto records = co_await resolver_.query(name_, static_cast<std::uint16_t>(*type), wait);
    if (!records) co_return failed(records.error());
    fata::sig::RecordReader reader(*records);
    for (fata::Bytes rdata; reader.next(rdata);) print(*type, rdata);
    co_return 0;
  }

 private:
  int failed(const fata::Error& error) {
    log_.error(name_, ": ", error);
    return 1;
  }
  // Addresses as text; everything else as RFC 3597 section 5 writes unknown types.
  void print(fata::dns::Type type, fata::Bytes rdata) {
    if (type == fata::dns::Type::kA || type == fata::dns::Type::kAaaa)
      return say(fata::IpAddress::of_octets(rdata));
    console_.write(fata::Text<20>(std::in_place, "\\# ", rdata.size(), " ").view());
    for (const std::byte each : rdata)
      console_.write(fata::Text<4>(std::in_place, fata::Hex{static_cast<std::uint64_t>(each), 2})
                         .view()
                         .substr(2));
    console_.write("\n");
  }
  void say(const auto& address) {
    console_.write(fata::Text<80>(std::in_place, address, "\n").view());
  }

  fata::async::CancelToken stop_;
  fata::Logger log_;
  Resolver& resolver_;
  Console& console_;
  std::string_view name_, type_;
  fata::Duration timeout_;
};

}  // namespace lookup_example
