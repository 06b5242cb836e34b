#include "fata/config/provided.hpp"
#include "fata/config/sig/net.hpp"

namespace fata::config {

namespace {
Device<ReportRequests> console_input(const Context& context, const Request& request) {
  return device<ReportRequests>(
      {.type = "fata::kernel::ConsoleInput",
       .headers = {"fata/kernel/console_input.hpp"},
       .libraries = {"kernel"},
       .only_on = context.target(),
       .where = request.where},
      parameter("netstat", false,
                "print the state of the network when n and Enter are typed on the console",
                request.where));
}

const Provides<ReportRequests> kKvm(Target::kKvm, console_input);
const Provides<ReportRequests> kXen(Target::kXen, console_input);
}  // namespace

}  // namespace fata::config
