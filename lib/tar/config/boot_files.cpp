#include "fata/config/boot_files.hpp"

#include "fata/config/provided.hpp"

namespace fata::config {

Device<KeyValue> boot_files(const Context& context, Where where) {
  const Request request{.where = where};
  const auto archive = Provides<BootArchive>::of(context.target());
  if (archive == nullptr) return provided<KeyValue>(context, "boot files", request);
  return device<KeyValue>({.type = "fata::tar::from_boot::BootFiles",
                           .headers = {"fata/tar/boot_files.hpp"},
                           .libraries = {"tar"},
                           .form = Form::kConnect,
                           .called = "the boot files",
                           .where = where},
                          archive(context, request));
}

}  // namespace fata::config
