#include "fata/config/plan.hpp"

#include <algorithm>
#include <cctype>
#include <format>
#include <map>
#include <set>

#include "fata/config/where.hpp"
#include "fata/plan/keywords.hpp"
#include "fata/plan/plan.hpp"
#include "names.hpp"
#include "system_call_table.hpp"

namespace fata::config {
namespace {

using detail::Node;
using detail::NodePtr;
using SpecPtr = std::shared_ptr<const ParameterSpec>;

plan::Place place(const std::source_location& where) { return {where.file_name(), where.line()}; }

constexpr std::size_t kMaxParameters = 64;  // as fata::kMaxParameters

// "fata::linux::NetDevice" and "net_device" both become "net_device".
std::string variable_name(std::string_view type) {
  if (const auto colon = type.rfind(':'); colon != type.npos) type.remove_prefix(colon + 1);
  std::string name;
  bool previous_lower = false;
  for (const char c : type) {
    if (c == '<') break;
    const bool upper = std::isupper(static_cast<unsigned char>(c)) != 0;
    if (upper && previous_lower) name += '_';
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    previous_lower = !upper && c != '_';
  }
  return name;
}

void check_system_calls(const std::vector<std::string>& calls, const std::source_location& where) {
  for (const std::string& call : calls) {
    if (!std::ranges::contains(kSystemCallNames, call, &SystemCallName::name))
      throw ConfigError(at(where) + "'" + call + "' is no system call of Linux");
  }
}

// Collects the graph below the jobs: each device once, in dependency order; parameters in order of
// first use.
class Gatherer {
 public:
  explicit Gatherer(const Context& context) : context_(context) {}

  void add(const SpecPtr& spec) {
    const auto [found, is_new] = by_name_.try_emplace(spec->name, spec);
    if (is_new) {
      parameters_.push_back(spec);
    } else if (found->second != spec) {
      throw ConfigError(at(spec->where) + "the parameter --" + spec->name +
                        " was already made at " + found->second->where.file_name() + ":" +
                        std::to_string(found->second->where.line()) +
                        "; make it once and pass it to both");
    }
  }

  std::size_t add(const NodePtr& node) {
    if (const auto found = ids_.find(node.get()); found != ids_.end()) return found->second;
    const DeviceSpec& spec = node->spec;
    if (spec.only_on && !context_.is(*spec.only_on)) {
      throw ConfigError(at(spec.where) + (spec.called.empty() ? spec.type : spec.called) +
                        " exists only on the target " + std::string(name(*spec.only_on)) +
                        "; choose another device for " + std::string(name(context_.target())) +
                        ", as default_stack(context) does");
    }
    std::vector<std::size_t> after;
    for (const NodePtr& earlier : node->after) after.push_back(add(earlier));
    std::vector<plan::Argument> arguments;
    for (const detail::Argument& argument : node->arguments) arguments.push_back(added(argument));
    check_system_calls(spec.system_calls, spec.where);
    std::vector<plan::ThirdParty> third_party;
    for (const ThirdParty& t : spec.third_party) {
      check_system_calls(t.system_calls, spec.where);
      third_party.push_back({t.name, t.package, t.headers, t.system_calls});
    }
    const std::size_t id = devices_.size();
    devices_.push_back({.name = unique_name(*node),
                        .tag = node->tag,
                        .concept_name = node->concept_name,
                        .concept_header = node->concept_header,
                        .type = spec.type,
                        .form = spec.form,
                        .is_boot_files = spec.is_boot_files,
                        .is_nic = spec.is_nic,
                        .called = spec.called.empty() ? spec.type : spec.called,
                        .member = node->member,
                        .data_folder = node->data_folder,
                        .arguments = std::move(arguments),
                        .after = std::move(after),
                        .headers = spec.headers,
                        .libraries = spec.libraries,
                        .local_libraries = spec.local_libraries,
                        .system_calls = spec.system_calls,
                        .third_party = std::move(third_party),
                        .chosen_by = spec.chosen_by,
                        .where = place(spec.where)});
    ids_.emplace(node.get(), id);
    return id;
  }

  std::vector<plan::Device> devices() { return std::move(devices_); }
  std::vector<plan::Parameter> parameters() const {
    std::vector<plan::Parameter> list;
    for (const SpecPtr& p : parameters_) {
      list.push_back({p->name, p->help, p->cpp_type, p->default_text, p->has_default, p->headers,
                      place(p->where)});
    }
    return list;
  }

 private:
  plan::Argument added(const detail::Argument& argument) {
    using Kind = plan::Argument::Kind;
    if (const NodePtr* node = std::get_if<NodePtr>(&argument)) {
      return {.kind = Kind::kDevice, .device = add(*node)};
    }
    if (const SpecPtr* spec = std::get_if<SpecPtr>(&argument)) {
      add(*spec);
      return {.kind = Kind::kParameter, .text = (*spec)->name};
    }
    return {.kind = Kind::kLiteral, .text = std::get<detail::Literal>(argument).text};
  }

  std::string unique_name(const Node& node) {
    const std::string base = variable_name(node.spec.type);
    std::string name = base;
    for (int n = 2; plan::is_keyword(name) || !names_.insert(plain(name)).second; ++n)
      name = base + "_" + std::to_string(n);
    return name;
  }
  // Type names must differ too: both "net_2" and "net2" would become "Net2".
  static std::string plain(std::string name) {
    std::erase(name, '_');
    return name;
  }

  const Context& context_;
  std::vector<plan::Device> devices_;
  std::map<const Node*, std::size_t> ids_;
  // Names used by the generated main itself, as plain() returns them.
  std::set<std::string> names_{"context", "parameters", "jobs",    "fata",  "std",
                               "table",   "status",     "stopall", "image", "run"};
  std::vector<SpecPtr> parameters_;
  std::map<std::string, SpecPtr> by_name_;
};

}  // namespace

detail::Literal detail::quote(std::string_view text) {
  std::string out = "std::string_view(\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7f) {
      out += std::format("\\{:03o}", byte);  // three digits, so that a digit may follow
    } else {
      out += c;
    }
  }
  return {out + "\")"};
}

Plan::Plan(std::string_view name, std::source_location where) : name_(name), where_(where) {
  if (!is_word(name)) {
    throw ConfigError(at(where) + "'" + name_ +
                      "' cannot be an image's name: lower case letters, digits and hyphens");
  }
  // Targets that CMake defines in every build.
  for (const std::string_view taken : {"all", "clean", "help", "install", "preinstall"}) {
    if (name == taken)
      throw ConfigError(at(where) + "'" + name_ +
                        "' cannot be an image's name: CMake uses it itself");
  }
}

std::string Plan::to_json(const Context& context) const {
  if (jobs_.empty())
    throw ConfigError(at(where_) + "the plan has no job; give it one with plan.run(...)");

  plan::Plan plan{.name = name_,
                  .target = std::string(name(context.target())),
                  .net = std::string(name(context.net())),
                  .arch = std::string(context.arch()),
                  .memory_mib = memory_,
                  .disks = context.disks()};
  Gatherer gatherer(context);
  for (const NodePtr& job : jobs_) plan.jobs.push_back(gatherer.add(job));
  for (const Forward& forward : forwards_) {
    gatherer.add(forward.port);
    plan.forwards.push_back({forward.protocol, forward.port->name});
  }
  if (forwarded_clients_) {
    gatherer.add(forwarded_clients_);
    plan.forwarded_clients = forwarded_clients_->name;
  }
  gatherer.add(parameter("log", LogRules{"*:info"},
                         "what to log: levels off, error, warning, info, debug, by source", where_)
                   .spec());
  if (context.is(Target::kLinux)) {
    gatherer.add(
        parameter("sandbox", true, "let the kernel refuse all that the devices do not need", where_)
            .spec());
  }

  plan.parameters = gatherer.parameters();
  if (plan.parameters.size() > kMaxParameters) {
    throw ConfigError(at(where_) + "the plan has " + std::to_string(plan.parameters.size()) +
                      " parameters, and an image takes at most " + std::to_string(kMaxParameters));
  }
  plan.devices = gatherer.devices();
  for (const Key& key : context.keys())
    plan.keys.push_back({key.name, key.type, key.value, key.default_value, key.help});
  return plan::to_json(plan);
}

}  // namespace fata::config
