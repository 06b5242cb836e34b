// A child whose output (both streams, one pipe) is read line by line.
#pragma once

#include <sys/types.h>

#include <string>

#include "process.hpp"

namespace fata::tool {

class Child {
 public:
  // `environment`: one additional "NAME=VALUE", or nullptr. It must outlive the constructor.
  Child(const Words& words, const fs::path& folder, const char* environment = nullptr);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  int output() const { return output_; }
  // False at the end of the output. The last line may lack its newline.
  bool read_line(std::string& line);
  // Call after the end of the output. Returns the exit status, or 128 + signal. Throws UsageError
  // if the program could not be started.
  int wait();

 private:
  std::string name_;
  pid_t pid_ = -1;
  int output_ = -1;
  std::string pending_;
};

}  // namespace fata::tool
