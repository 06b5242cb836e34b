#include "landlock.hpp"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "fata/linux/fd.hpp"
#include "fata/linux/os_error.hpp"

namespace fata::linux {

namespace {

// From linux/landlock.h; the installed header may be older than the kernel.
struct RulesetAttributes {
  std::uint64_t handled_files = 0;
  std::uint64_t handled_ports = 0;  // since version 4
  std::uint64_t scoped = 0;         // since version 6
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed = 0;
  std::int32_t folder = -1;
};
constexpr unsigned kQueryVersion = 1;
constexpr int kRulePathBeneath = 1;
constexpr std::uint64_t kReadFile = 1 << 2, kReadFolder = 1 << 3;
constexpr std::uint64_t kBindTcp = 1 << 0, kConnectTcp = 1 << 1;
constexpr std::uint64_t kAbstractSockets = 1 << 0, kSignals = 1 << 1;

// Every file right that a version of landlock has. Rights that are not handled are allowed.
std::uint64_t rights_over_files(long version) {
  constexpr unsigned kFirst = 13;           // in version 1
  const unsigned more = version >= 5   ? 3  // REFER, TRUNCATE, IOCTL_DEV
                        : version >= 3 ? 2  // REFER, TRUNCATE
                        : version == 2 ? 1  // REFER
                                       : 0;
  return (std::uint64_t{1} << (kFirst + more)) - 1;
}

RulesetAttributes attributes_of(std::span<const SandboxNeeds> needs, long version) {
  RulesetAttributes attributes{.handled_files = rights_over_files(version)};
  if (version >= 4) {
    if (!std::ranges::any_of(needs, &SandboxNeeds::binds_tcp)) attributes.handled_ports |= kBindTcp;
    if (!std::ranges::any_of(needs, &SandboxNeeds::connects_tcp))
      attributes.handled_ports |= kConnectTcp;
  }
  if (version >= 6) attributes.scoped = kAbstractSockets | kSignals;
  return attributes;
}

}  // namespace

Result<bool> enter_landlock(std::span<const SandboxNeeds> needs) {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kQueryVersion);
  if (version < 1) return false;  // not built in, disabled, or refused by a container
  const RulesetAttributes attributes = attributes_of(needs, version);
  const std::size_t size = version >= 6   ? sizeof attributes
                           : version >= 4 ? 2 * sizeof(std::uint64_t)
                                          : sizeof(std::uint64_t);
  const Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!ruleset) return os_fail();
  for (const SandboxNeeds& each : needs) {
    for (const int folder : each.folders) {
      const PathBeneath rule{.allowed = kReadFile | kReadFolder, .folder = folder};
      if (::syscall(SYS_landlock_add_rule, ruleset.get(), kRulePathBeneath, &rule, 0) != 0)
        return os_fail();
    }
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return os_fail();
  return true;
}

}  // namespace fata::linux
