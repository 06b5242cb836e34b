#include "fata/config/context.hpp"

#include <algorithm>
#include <charconv>

#include "names.hpp"

namespace fata::config {

std::string_view name(Target target) {
  switch (target) {
    case Target::kLinux:
      return "linux";
    case Target::kKvm:
      return "kvm";
    case Target::kXen:
      return "xen";
    case Target::kSim:
      return "sim";
  }
  return {};
}
std::string_view name(Net net) { return net == Net::kDirect ? "direct" : "host"; }

const std::string* Context::given(std::string_view name) const {
  const auto found = given_.find(std::string(name));
  return found == given_.end() ? nullptr : &found->second;
}

template <>
bool Context::key(std::string_view name, bool otherwise, std::string_view help) const {
  bool value = otherwise;
  if (const std::string* text = given(name)) {
    if (*text != "true" && *text != "false") {
      throw ConfigError("-D " + std::string(name) + "=" + *text + ": this key is true or false");
    }
    value = *text == "true";
  }
  keys_.push_back({std::string(name), "bool", value ? "true" : "false",
                   otherwise ? "true" : "false", std::string(help)});
  return value;
}

template <>
int Context::key(std::string_view name, int otherwise, std::string_view help) const {
  int value = otherwise;
  if (const std::string* text = given(name)) {
    const char* end = text->data() + text->size();
    const auto [stopped, error] = std::from_chars(text->data(), end, value);
    if (error != std::errc{} || stopped != end) {
      throw ConfigError("-D " + std::string(name) + "=" + *text + ": this key is a whole number");
    }
  }
  keys_.push_back({std::string(name), "int", std::to_string(value), std::to_string(otherwise),
                   std::string(help)});
  return value;
}

template <>
std::string Context::key(std::string_view name, std::string otherwise,
                         std::string_view help) const {
  const std::string* text = given(name);
  const std::string value = text != nullptr ? *text : otherwise;
  keys_.push_back({std::string(name), "string", value, otherwise, std::string(help)});
  return value;
}

std::size_t Context::disk(std::string_view name) const {
  if (!is_word(name)) {
    throw ConfigError("'" + std::string(name) +
                      "' cannot be a disk's name: lower case letters, digits and hyphens");
  }
  if (std::ranges::contains(disks_, name)) {
    throw ConfigError("the disk '" + std::string(name) +
                      "' is made twice; make it once and pass it to both, or name another");
  }
  disks_.emplace_back(name);
  return disks_.size() - 1;
}

void Context::check_all_used() const {
  for (const auto& [name, value] : given_) {
    if (std::ranges::contains(keys_, name, &Key::name)) continue;
    std::string known;
    for (const Key& key : keys_) known += (known.empty() ? "" : ", ") + key.name;
    throw ConfigError("-D " + name + "=" + value + ": config.cpp has no key '" + name + "'; " +
                      (known.empty() ? "it has none at all" : "its keys: " + known));
  }
}

}  // namespace fata::config
