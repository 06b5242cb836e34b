// An image that may read one folder and tries to read more.
#pragma once

#include <fata/async/context.hpp>
#include <fata/sig/key_value.hpp>

#include "attacks.hpp"

namespace sandbox_probe {

template <fata::sig::KeyValueReader Folder>
class FolderProbe {
 public:
  FolderProbe(fata::async::Context& context, Folder& folder, std::string_view attack)
      : log_(context.logger("probe")), folder_(folder), attack_(attack) {}

  fata::async::Task<int> start() {
    const auto entries = co_await folder_.list("", fata::async::Wait{});
    if (!entries) co_return 1;
    for (const fata::sig::KeyEntry& entry : *entries) {
      const auto text = co_await folder_.get(entry.name, fata::async::Wait{});
      if (text) log_.info("read ", entry.name, ", ", text->size(), " bytes");
    }
    log_.info(attack_, ": ", try_attack(attack_));
    co_return 0;
  }

 private:
  fata::Logger log_;
  Folder& folder_;
  std::string_view attack_;
};

}  // namespace sandbox_probe
