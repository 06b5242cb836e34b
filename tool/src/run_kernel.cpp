#include "commands.hpp"
#include "error.hpp"

namespace fata::tool {

int run_kernel(Project&, const RunChoice&) { throw UsageError("-t kvm: cannot be run yet"); }

}  // namespace fata::tool
