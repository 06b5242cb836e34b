#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context& context) {
  // Everything under files/ is linked into the image; with `-D files=boot`, the image gets its
  // files at its start instead: fata run examples/devices/kv-ro -D files=boot --files FOLDER
  const std::string where =
      context.key("files", std::string("linked"), "where the files are: linked or boot");
  if (where != "linked" && where != "boot")
    throw ConfigError("-D files=" + where + ": files are linked or boot");
  auto reader = functor<Job(KeyValue, Console)>("kv_ro::Reader", "reader.hpp");

  Plan plan("kv-ro");
  plan.run(reader(where == "boot" ? boot_files(context) : crunch("files"), default_console(),
                  parameter("key", "", "file to print; lists all if empty")));
  return plan;
}
