// How the command ends when it cannot do what it was asked.
#pragma once

#include <stdexcept>
#include <string>

namespace fata::tool {

// What the user can fix: one line that says what, where and how. Exit status 64.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Something that ran for us failed, and has said why itself. Exit with its status.
struct Failed {
  int status = 1;
};

}  // namespace fata::tool
