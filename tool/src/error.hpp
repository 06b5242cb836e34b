// The command's exceptions.
#pragma once

#include <stdexcept>
#include <string>

namespace fata::tool {

// An error that the user can fix: one line that says what is wrong, where, and how to fix it. Exit
// status 64.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A program that the command ran has failed and has reported the reason itself. Exit with its
// status.
struct Failed {
  int status = 1;
};

}  // namespace fata::tool
