#include "fata/base/counter.hpp"

namespace fata {

void write_counters(TextWriter& out, std::span<const Counter> counters) {
  bool any = false;
  for (const Counter& counter : counters) {
    if (counter.value == 0) continue;
    print(out, any ? ", " : "", counter.name, ' ', counter.value);
    any = true;
  }
  if (!any) out.put("nothing");
}

}  // namespace fata
