#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context&) {
  // Everything under files/ is linked into the image.
  auto reader = functor<Job(KeyValue, Console)>("kv_ro::Reader", "reader.hpp");

  Plan plan("kv-ro");
  plan.run(reader(crunch("files"), default_console(),
                  parameter("key", "", "file to print; lists all if empty")));
  return plan;
}
