// The plan of an image: the jobs, their devices, the parameters. As values, and as the JSON that a
// config program writes and the fata command reads. Host only.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "fata/plan/form.hpp"

namespace fata::plan {

inline constexpr int kVersion = 6;

// Text that is no plan, or that of another version. The message is for people.
struct Invalid : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A line of config.cpp.
struct Place {
  std::string file;
  unsigned line = 0;
};

// A configure-time key that config.cpp has queried.
struct Key {
  std::string name, type, value, default_value, help;
};

struct Parameter {
  std::string name{}, help{}, cpp_type{}, default_text{};
  bool has_default = true;
  std::vector<std::string> headers{};
  Place where{};
};

// An argument of a device's constructor.
struct Argument {
  enum class Kind { kDevice, kParameter, kLiteral };
  Kind kind = Kind::kLiteral;
  std::size_t device = 0;  // kDevice: its index in the plan
  std::string text{};      // the parameter's name, or C++ source
};

// A C library from a Debian package.
struct ThirdParty {
  std::string name{}, package{};
  std::vector<std::string> headers{}, system_calls{};
};

struct Device {
  std::string name{};  // of its variable in the generated main
  std::string tag{}, concept_name{}, concept_header{}, type{};
  Form form = Form::kValue;
  bool is_boot_files = false;  // the source of the boot files: `fata run --files`
  bool is_nic = false;  // a network interface of the machine or of the host, which has one --link
  std::string called{}, member{}, data_folder{};
  std::vector<Argument> arguments{};
  std::vector<std::size_t> after{};  // devices that are made before it, but that it does not use
  std::vector<std::string> headers{}, libraries{}, local_libraries{}, system_calls{};
  std::vector<ThirdParty> third_party{};
  // Parameters that a message about the device names; all if absent.
  std::optional<std::vector<std::string>> chosen_by{};
  Place where{};

  std::string type_name() const;  // "net_device" -> "NetDevice"
};

// A port that the image serves: `fata run` forwards the host's port of that number.
struct Forward {
  Protocol protocol = Protocol::kUdp;
  std::string parameter{};
};

struct Plan {
  std::string name{}, target{}, net{}, arch{};
  unsigned memory_mib = 0;
  std::vector<Key> keys{};
  std::vector<Parameter> parameters{};
  std::vector<Device> devices{};  // each after those it uses or follows
  std::vector<std::size_t> jobs{};
  std::vector<Forward> forwards{};
  std::vector<std::string> disks{};  // their names, in the order of `fata run --disk`
  std::string forwarded_clients{};   // the parameter that lists trusted clients; empty if none

  // Throws Invalid if there is none of this name.
  const Parameter& parameter(std::string_view name) const;
  std::size_t nics() const;
  std::vector<std::string> libraries() const;        // Fata's, sorted, each once
  std::vector<std::string> local_libraries() const;  // sorted, each once
  std::vector<ThirdParty> third_party() const;       // each once
  std::vector<std::string> packages() const;         // of Debian, sorted, each once
};

std::string_view word(Protocol protocol);  // "udp"

std::string to_json(const Plan& plan);
// Throws Invalid.
Plan from_json(std::string_view text);

}  // namespace fata::plan
