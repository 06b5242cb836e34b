// The configuration's target, and the application's own configure-time keys.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fata::config {

// A Linux process, a kernel for KVM or Xen, or an image that a simulator runs.
enum class Target { kLinux, kKvm, kXen, kSim };
enum class Net { kHost, kDirect };  // the host's sockets, or Fata's own stack

std::string_view name(Target target);
std::string_view name(Net net);

// A configuration error: one line with the problem, its location and how to fix it. The program
// exits with status 64.
struct ConfigError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A configure-time key that the application queried, as listed by `fata query keys`.
struct Key {
  std::string name, type, value, default_value, help;
};

class Context {
 public:
  Context(Target target, Net net, std::string arch, std::map<std::string, std::string> given)
      : target_(target), net_(net), arch_(std::move(arch)), given_(std::move(given)) {}

  Target target() const { return target_; }
  Net net() const { return net_; }
  std::string_view arch() const { return arch_; }  // the processor, as uname names it
  bool is(Target target) const { return target_ == target; }
  bool is_kernel() const { return is(Target::kKvm) || is(Target::kXen); }
  bool is(Net net) const { return net_ == net; }

  // A choice between two values of one type, such as devices. A plain `if` works as well.
  template <class T>
  T if_target(Target target, T then, T otherwise) const {
    return is(target) ? then : otherwise;
  }

  // An application-defined key, set by `-D name=value` at configure time; T is bool, int or
  // std::string.
  template <class T>
  T key(std::string_view name, T otherwise, std::string_view help) const;

  // Registers a disk and returns its number, from 0 in the order of these calls; `fata run --disk`
  // assigns files in the same order. Throws ConfigError if the name is not a word or already
  // registered.
  std::size_t disk(std::string_view name) const;

  const std::vector<Key>& keys() const { return keys_; }
  const std::vector<std::string>& disks() const { return disks_; }
  // Throws ConfigError if `-D` set a key that the application never queried.
  void check_all_used() const;

 private:
  const std::string* given(std::string_view name) const;

  Target target_;
  Net net_;
  std::string arch_;
  std::map<std::string, std::string> given_;
  mutable std::vector<Key> keys_;
  mutable std::vector<std::string> disks_;
};

template <>
bool Context::key(std::string_view name, bool otherwise, std::string_view help) const;
template <>
int Context::key(std::string_view name, int otherwise, std::string_view help) const;
template <>
std::string Context::key(std::string_view name, std::string otherwise, std::string_view help) const;

}  // namespace fata::config
