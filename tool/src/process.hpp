// Child processes and files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fata::tool {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

struct Outcome {
  int status = 0;  // exit status, or 128 + signal
  std::string output;
};

// Runs a program to its end and returns its standard output and standard error.
Outcome capture(const Words& words, const fs::path& folder = {});

// Replaces this process. Returns only by throwing.
[[noreturn]] void replace(const Words& words);

// Writes all of the text, or as much as possible before an error.
void write_all(int to, std::string_view text);

// The words as one line, quoted for a shell.
std::string shell_line(const Words& words);

std::string read_file(const fs::path& path);
// Leaves the file and its time unchanged if it already holds the text. Returns true if it was
// written.
bool write_if_changed(const fs::path& path, std::string_view text);

// A file in memory, which child programs can read by its path during its lifetime.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const;

 private:
  int file_;
};

// The program's path, or empty.
fs::path find_program(std::string_view name);

// Locks a build folder, so that two commands do not build there at the same time.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_ = -1;
};

}  // namespace fata::tool
