// The plan written by a config program, as values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "process.hpp"

namespace fata::tool {

struct Place {
  std::string file;
  unsigned line = 0;
};

struct PlanKey {
  std::string name, type, value, default_value, help;
};

struct PlanParameter {
  std::string name, help, cpp_type, default_text;
  bool has_default = true;
  std::vector<std::string> headers;
  Place where;
};

struct PlanArgument {
  enum class Kind { kDevice, kParameter, kLiteral } kind;
  std::size_t device = 0;  // kDevice
  std::string text;        // the parameter's name, or C++ source
};

struct PlanThirdParty {
  std::string name, package;
  std::vector<std::string> headers, system_calls;
};

struct PlanDevice {
  std::string name;  // of its variable in the generated main
  std::string tag, concept_name, concept_header, type, form, called, member, data_folder;
  std::vector<PlanArgument> arguments;
  std::vector<std::string> headers, libraries, local_libraries, system_calls;
  std::vector<PlanThirdParty> third_party;
  // Parameters that a message about the device names; all if absent.
  std::optional<std::vector<std::string>> chosen_by;
  Place where;

  std::string type_name() const;  // "net_device" -> "NetDevice"
};

struct PlanForward {
  std::string protocol, parameter;
};

struct Plan {
  std::string name, target, net, arch;
  unsigned memory_mib = 0;
  std::vector<PlanKey> keys;
  std::vector<PlanParameter> parameters;
  std::vector<PlanDevice> devices;  // each after its arguments
  std::vector<std::size_t> jobs;
  std::vector<PlanForward> forwards;
  std::string forwarded_clients;   // the parameter that lists trusted clients; empty if none
  std::vector<std::string> disks;  // their names, in the order of `fata run --disk`

  static Plan read(const fs::path& file);

  const PlanParameter& parameter(std::string_view name) const;
  std::vector<std::string> libraries() const;        // Fata's, sorted, each once
  std::vector<std::string> local_libraries() const;  // sorted, each once
  std::vector<PlanThirdParty> third_party() const;   // each once
  std::vector<std::string> packages() const;         // of Debian, sorted, each once
};

// "ipv4-gateway" -> "ipv4_gateway"
std::string identifier(std::string_view parameter);

}  // namespace fata::tool
