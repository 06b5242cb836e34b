#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "error.hpp"
#include "files.hpp"
#include "paths.hpp"
#include "spawn.hpp"

namespace fata::tool {

namespace {
std::vector<char*> pointers(const Words& words) {
  std::vector<char*> list;
  list.reserve(words.size() + 1);
  for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}
}  // namespace

Child::Child(const Words& words, const fs::path& folder, const char* environment)
    : name_(words.front()) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("cannot make a pipe: " + std::string(std::strerror(errno)));
  const std::vector<char*> list = pointers(words);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(ends[1], 1);
    ::dup2(ends[1], 2);
    if (!folder.empty() && ::chdir(folder.c_str()) != 0) ::_exit(126);
    if (environment != nullptr) ::putenv(const_cast<char*>(environment));
    ::execvp(list[0], list.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  output_ = ends[0];
  if (pid_ < 0) throw std::runtime_error("cannot start " + name_ + ": " + std::strerror(errno));
}

Child::~Child() {
  if (output_ >= 0) ::close(output_);
  if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
}

bool Child::read_line(std::string& line) {
  for (;;) {
    if (const std::size_t end = pending_.find('\n'); end != pending_.npos) {
      line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return true;
    }
    std::array<char, 4096> some{};
    const ssize_t n = ::read(output_, some.data(), some.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      line = std::exchange(pending_, {});
      return !line.empty();
    }
    pending_.append(some.data(), static_cast<std::size_t>(n));
  }
}

int Child::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  if (code == 127) throw UsageError(name_ + " cannot be started; ./fata installs what is missing");
  return code;
}

Outcome capture(const Words& words, const fs::path& folder) {
  Child child(words, folder);
  Outcome outcome;
  for (std::string line; child.read_line(line);) outcome.output += line + '\n';
  outcome.status = child.wait();
  return outcome;
}

void replace(const Words& words) {
  const std::vector<char*> list = pointers(words);
  ::execvp(list[0], list.data());
  throw UsageError(words.front() + " cannot be started: " + std::strerror(errno));
}

MemoryFile::MemoryFile(std::string_view content) : file_(::memfd_create("fata", 0)) {
  if (file_ < 0) throw UsageError(std::string("no memory for a file: ") + std::strerror(errno));
  write_all(file_, content);
}

MemoryFile::~MemoryFile() { ::close(file_); }

std::string MemoryFile::path() const { return "/proc/self/fd/" + std::to_string(file_); }

void write_all(int to, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(to, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string shell_line(const Words& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    const bool plain =
        !word.empty() && word.find_first_of(" \t\n\"'\\$`*?[]{}()<>|&;#~!") == word.npos;
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) throw UsageError(path.string() + ": cannot be read");
  return text.str();
}

bool write_if_changed(const fs::path& path, std::string_view text) {
  if (files::exists(path) && read_file(path) == text) return false;
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw UsageError(why_not_writable(path));
  return true;
}

fs::path find_program(std::string_view name) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/usr/bin:/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path candidate = fs::path(folder) / name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

FolderLock::FolderLock(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  errno = error.value();
  const fs::path path = folder / ".lock";
  if (error) throw UsageError(why_not_writable(folder));
  file_ = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
  if (file_ < 0) throw UsageError(why_not_writable(folder));
  while (::flock(file_, LOCK_EX) != 0 && errno == EINTR) {
  }
}

FolderLock::~FolderLock() { ::close(file_); }

}  // namespace fata::tool
