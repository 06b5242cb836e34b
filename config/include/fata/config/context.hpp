// What an application is configured for, and the application's own configure-time keys.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fata::config {

enum class Target { kLinux, kKvm, kXen };  // a process, and kernels
enum class Net { kHost, kDirect };         // the host's sockets, Fata's own stack

std::string_view name(Target target);
std::string_view name(Net net);

// A wrong configuration: one line that says what, where and how to mend it. The program ends with
// status 64.
struct ConfigError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A configure-time key that the application asked for, as listed by `fata query keys`.
struct Key {
  std::string name, type, value, default_value, help;
};

class Context {
 public:
  Context(Target target, Net net, std::string arch, std::map<std::string, std::string> given)
      : target_(target), net_(net), arch_(std::move(arch)), given_(std::move(given)) {}

  Target target() const { return target_; }
  Net net() const { return net_; }
  std::string_view arch() const { return arch_; }  // "x86_64"
  bool is(Target target) const { return target_ == target; }
  bool is_kernel() const { return !is(Target::kLinux); }
  bool is(Net net) const { return net_ == net; }

  // A choice between two devices (or anything else) of one type. A plain `if` does as well.
  template <class T>
  T if_target(Target target, T then, T otherwise) const {
    return is(target) ? then : otherwise;
  }

  // A key of the application's own, set by `-D name=value` when it is configured; T is bool, int or
  // std::string.
  template <class T>
  T key(std::string_view name, T otherwise, std::string_view help) const;

  // The number of a disk of that name, from 0 on in the order in which config.cpp asks for them:
  // `fata run --disk` gives files in the same order. Throws ConfigError if the name is no word, or
  // was asked for before.
  std::size_t disk(std::string_view name) const;

  const std::vector<Key>& keys() const { return keys_; }
  const std::vector<std::string>& disks() const { return disks_; }
  // Throws ConfigError if `-D` gave a key that the application never asked for.
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
