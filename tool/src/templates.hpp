// The templates of `fata new`: one small application for each kind of device.
#pragma once

#include <span>
#include <string_view>

namespace fata::tool {

// In the texts, @NAME@ stands for the application's name, @SPACE@ for its namespace and @JOB@ for
// its class.
struct Template {
  std::string_view name, config, source;
  std::string_view try_it;  // one or more commands
};

// The first one is the default.
std::span<const Template> templates();

}  // namespace fata::tool
