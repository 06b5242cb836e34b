#include "fata/config/plan.hpp"

#include <algorithm>
#include <cctype>
#include <format>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "fata/config/keywords.hpp"
#include "fata/config/where.hpp"
#include "names.hpp"
#include "system_call_table.hpp"

namespace fata::config {
namespace {

using detail::Node;
using detail::NodePtr;
using Json = nlohmann::ordered_json;
using SpecPtr = std::shared_ptr<const ParameterSpec>;

Json place(const std::source_location& where) {
  return {{"file", where.file_name()}, {"line", where.line()}};
}

constexpr std::size_t kMaxParameters = 64;  // as fata::kMaxParameters

std::string_view form_name(Form form) {
  switch (form) {
    case Form::kValue:
      return "value";
    case Form::kConnect:
      return "connect";
    case Form::kJob:
      return "job";
    case Form::kMember:
      return "member";
  }
  return "value";
}

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
    for (const NodePtr& earlier : node->after) add(earlier);
    Json arguments = Json::array();
    for (const detail::Argument& argument : node->arguments)
      arguments.push_back(argument_json(argument));

    Json device{{"id", devices_.size()},
                {"name", unique_name(*node)},
                {"tag", node->tag},
                {"concept", node->concept_name},
                {"concept_header", node->concept_header},
                {"type", spec.type},
                {"form", form_name(spec.form)},
                {"called", spec.called.empty() ? spec.type : spec.called},
                {"arguments", std::move(arguments)},
                {"member", node->member},
                {"data_folder", node->data_folder},
                {"headers", spec.headers},
                {"libraries", spec.libraries},
                {"local_libraries", spec.local_libraries},
                {"where", place(spec.where)}};
    check_system_calls(spec.system_calls, spec.where);
    device["system_calls"] = spec.system_calls;
    Json third_party = Json::array();
    for (const ThirdParty& t : spec.third_party) {
      check_system_calls(t.system_calls, spec.where);
      third_party.push_back({{"name", t.name},
                             {"package", t.package},
                             {"headers", t.headers},
                             {"system_calls", t.system_calls}});
    }
    device["third_party"] = std::move(third_party);
    if (spec.chosen_by) device["chosen_by"] = *spec.chosen_by;
    const std::size_t id = devices_.size();
    devices_.push_back(std::move(device));
    ids_.emplace(node.get(), id);
    return id;
  }

  Json devices() { return std::move(devices_); }
  Json parameters() const {
    Json list = Json::array();
    for (const SpecPtr& p : parameters_) {
      list.push_back({{"name", p->name},
                      {"help", p->help},
                      {"cpp_type", p->cpp_type},
                      {"default", p->default_text},
                      {"has_default", p->has_default},
                      {"headers", p->headers},
                      {"where", place(p->where)}});
    }
    return list;
  }

 private:
  Json argument_json(const detail::Argument& argument) {
    if (const NodePtr* node = std::get_if<NodePtr>(&argument)) return {{"device", add(*node)}};
    if (const SpecPtr* spec = std::get_if<SpecPtr>(&argument)) {
      add(*spec);
      return {{"parameter", (*spec)->name}};
    }
    return {{"literal", std::get<detail::Literal>(argument).text}};
  }

  std::string unique_name(const Node& node) {
    const std::string base = variable_name(node.spec.type);
    std::string name = base;
    for (int n = 2; is_keyword(name) || !names_.insert(plain(name)).second; ++n)
      name = base + "_" + std::to_string(n);
    return name;
  }
  // Type names must differ too: both "net_2" and "net2" would become "Net2".
  static std::string plain(std::string name) {
    std::erase(name, '_');
    return name;
  }

  const Context& context_;
  Json devices_ = Json::array();
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

void Plan::write(std::ostream& out, const Context& context) const {
  if (jobs_.empty())
    throw ConfigError(at(where_) + "the plan has no job; give it one with plan.run(...)");

  Gatherer gatherer(context);
  Json jobs = Json::array();
  for (const NodePtr& job : jobs_) jobs.push_back(gatherer.add(job));
  Json forwards = Json::array();
  for (const Forward& forward : forwards_) {
    gatherer.add(forward.port);
    forwards.push_back({{"protocol", forward.protocol == Protocol::kUdp ? "udp" : "tcp"},
                        {"parameter", forward.port->name}});
  }
  if (forwarded_clients_) gatherer.add(forwarded_clients_);
  gatherer.add(parameter("log", LogRules{"*:info"},
                         "what to log: levels off, error, warning, info, debug, by source", where_)
                   .spec());
  if (context.is(Target::kLinux)) {
    gatherer.add(
        parameter("sandbox", true, "let the kernel refuse all that the devices do not need", where_)
            .spec());
  }

  const std::size_t parameters = gatherer.parameters().size();
  if (parameters > kMaxParameters) {
    throw ConfigError(at(where_) + "the plan has " + std::to_string(parameters) +
                      " parameters, and an image takes at most " + std::to_string(kMaxParameters));
  }

  Json keys = Json::array();
  for (const Key& key : context.keys()) {
    keys.push_back({{"name", key.name},
                    {"type", key.type},
                    {"value", key.value},
                    {"default", key.default_value},
                    {"help", key.help}});
  }
  out << Json{{"version", kPlanVersion},
              {"name", name_},
              {"target", name(context.target())},
              {"net", name(context.net())},
              {"arch", context.arch()},
              {"memory_mib", memory_},
              {"keys", std::move(keys)},
              {"parameters", gatherer.parameters()},
              {"devices", gatherer.devices()},
              {"jobs", std::move(jobs)},
              {"forwards", std::move(forwards)},
              {"disks", context.disks()},
              {"forwarded_clients", forwarded_clients_ ? forwarded_clients_->name : ""}}
             .dump(2)
      << '\n';
}

}  // namespace fata::config
