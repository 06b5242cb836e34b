// The name servers and search domains of the Linux host, from resolv.conf(5). Models sig::Names.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "fata/async/context.hpp"
#include "fata/async/task.hpp"
#include "fata/sig/names.hpp"

namespace fata::linux {

// The file is read once, before the sandbox starts.
class HostNames {
 public:
  static constexpr std::size_t kMaxServers = 8;
  static constexpr std::size_t kMaxFile = 64 << 10;  // what is beyond is ignored

  explicit HostNames(std::string_view file);
  // Without the file, there are no servers.
  static async::Task<Result<std::unique_ptr<HostNames>>> connect(async::Context& context);

  std::size_t name_servers(std::span<IpAddress> out) const;
  void write_domain(TextWriter& out) const { out.put(domains_); }
  // The file names none.
  std::size_t time_servers(std::span<IpAddress>) const { return 0; }

 private:
  std::array<IpAddress, kMaxServers> servers_{};
  std::size_t count_ = 0;
  std::string domains_;  // separated by spaces
};
static_assert(sig::Names<HostNames>);

}  // namespace fata::linux
