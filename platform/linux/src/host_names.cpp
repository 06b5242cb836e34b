#include "fata/linux/host_names.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "fata/linux/fd.hpp"

namespace fata::linux {

namespace {

// Removes and returns the next word; empty if there is none.
std::string_view take_word(std::string_view& line) {
  const std::size_t start = std::min(line.find_first_not_of(" \t\r"), line.size());
  line.remove_prefix(start);
  const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

HostNames::HostNames(std::string_view file) {
  while (!file.empty()) {
    const std::size_t end = std::min(file.find('\n'), file.size());
    std::string_view line = file.substr(0, end);
    file.remove_prefix(std::min(end + 1, file.size()));
    const std::string_view word = take_word(line);
    if (word == "nameserver") {
      const auto address = IpAddress::parse(take_word(line));
      if (address && count_ < servers_.size()) servers_[count_++] = *address;
    } else if (word == "search" || word == "domain") {
      domains_.clear();  // the last line counts
      for (std::string_view each = take_word(line); !each.empty(); each = take_word(line))
        domains_ += (domains_.empty() ? "" : " ") + std::string(each);
    }
  }
}

async::Task<Result<std::unique_ptr<HostNames>>> HostNames::connect(async::Context&) {
  std::string text(kMaxFile, '\0');
  std::size_t size = 0;
  const Fd fd(::open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC));
  while (fd && size < text.size()) {
    const ssize_t got = ::read(fd.get(), &text[size], text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return async::ready(Result<std::unique_ptr<HostNames>>(std::make_unique<HostNames>(text)));
}

std::size_t HostNames::name_servers(std::span<IpAddress> out) const {
  const std::size_t count = std::min(out.size(), count_);
  std::ranges::copy(std::span(servers_).first(count), out.begin());
  return count;
}

}  // namespace fata::linux
