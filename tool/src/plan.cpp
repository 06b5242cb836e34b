#include "plan.hpp"

#include <fata/config/keywords.hpp>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>

#include "error.hpp"

namespace fata::tool {

using Json = nlohmann::json;

namespace {
Place place(const Json& json) { return {json.at("file"), json.at("line")}; }

PlanArgument argument(const Json& json) {
  using Kind = PlanArgument::Kind;
  if (json.contains("device"))
    return {.kind = Kind::kDevice, .device = json.at("device"), .text = {}};
  if (json.contains("parameter")) return {.kind = Kind::kParameter, .text = json.at("parameter")};
  return {.kind = Kind::kLiteral, .text = json.at("literal")};
}

PlanDevice device(const Json& json) {
  PlanDevice d{.name = json.at("name"),
               .tag = json.at("tag"),
               .concept_name = json.at("concept"),
               .concept_header = json.at("concept_header"),
               .type = json.at("type"),
               .form = json.at("form"),
               .called = json.at("called"),
               .member = json.at("member"),
               .data_folder = json.at("data_folder"),
               .arguments = {},
               .headers = json.at("headers"),
               .libraries = json.at("libraries"),
               .local_libraries = json.at("local_libraries"),
               .system_calls = json.at("system_calls"),
               .third_party = {},
               .chosen_by = {},
               .where = place(json.at("where"))};
  if (json.contains("chosen_by"))
    d.chosen_by = json.at("chosen_by").get<std::vector<std::string>>();
  for (const Json& a : json.at("arguments")) d.arguments.push_back(argument(a));
  for (const Json& t : json.at("third_party")) {
    d.third_party.push_back({.name = t.at("name"),
                             .package = t.at("package"),
                             .headers = t.at("headers"),
                             .system_calls = t.at("system_calls")});
  }
  return d;
}
}  // namespace

Plan Plan::read(const fs::path& file) try {
  const Json json = Json::parse(read_file(file));
  if (json.at("version") != 3) {
    throw UsageError(file.string() +
                     ": a plan of another version of Fata; run `fata clean` and try again");
  }
  Plan plan{.name = json.at("name"),
            .target = json.at("target"),
            .net = json.at("net"),
            .arch = json.at("arch"),
            .memory_mib = json.at("memory_mib"),
            .keys = {},
            .parameters = {},
            .devices = {},
            .jobs = json.at("jobs"),
            .forwards = {},
            .forwarded_clients = json.value("forwarded_clients", ""),
            .disks = json.at("disks")};
  for (const Json& k : json.at("keys")) {
    plan.keys.push_back({.name = k.at("name"),
                         .type = k.at("type"),
                         .value = k.at("value"),
                         .default_value = k.at("default"),
                         .help = k.at("help")});
  }
  for (const Json& p : json.at("parameters")) {
    plan.parameters.push_back({.name = p.at("name"),
                               .help = p.at("help"),
                               .cpp_type = p.at("cpp_type"),
                               .default_text = p.at("default"),
                               .has_default = p.at("has_default"),
                               .headers = p.at("headers"),
                               .where = place(p.at("where"))});
  }
  for (const Json& d : json.at("devices")) plan.devices.push_back(device(d));
  for (const Json& f : json.at("forwards")) {
    plan.forwards.push_back({.protocol = f.at("protocol"), .parameter = f.at("parameter")});
  }
  return plan;
} catch (const Json::exception& error) {
  throw UsageError(file.string() + ": not a plan (" + error.what() +
                   "); run `fata clean` and try again");
}

std::string PlanDevice::type_name() const {
  std::string out;
  bool upper = true;
  for (const char c : name) {
    if (c == '_') {
      upper = true;
      continue;
    }
    out += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return out;
}

const PlanParameter& Plan::parameter(std::string_view wanted) const {
  const auto found = std::ranges::find(parameters, wanted, &PlanParameter::name);
  if (found == parameters.end())
    throw UsageError("the plan has no parameter --" + std::string(wanted));
  return *found;
}

std::vector<std::string> Plan::libraries() const {
  std::set<std::string> names{"base", "async", "sig"};
  for (const PlanDevice& d : devices) names.insert(d.libraries.begin(), d.libraries.end());
  return {names.begin(), names.end()};
}

std::vector<std::string> Plan::local_libraries() const {
  std::set<std::string> names;
  for (const PlanDevice& d : devices)
    names.insert(d.local_libraries.begin(), d.local_libraries.end());
  return {names.begin(), names.end()};
}

std::vector<PlanThirdParty> Plan::third_party() const {
  std::vector<PlanThirdParty> list;
  for (const PlanDevice& d : devices) {
    for (const PlanThirdParty& t : d.third_party) {
      if (!std::ranges::contains(list, t.name, &PlanThirdParty::name)) list.push_back(t);
    }
  }
  return list;
}

std::vector<std::string> Plan::packages() const {
  std::set<std::string> names;
  for (const PlanThirdParty& t : third_party()) names.insert(t.package);
  return {names.begin(), names.end()};
}

std::string identifier(std::string_view parameter) {
  std::string name(parameter);
  std::ranges::replace(name, '-', '_');
  return config::is_keyword(name) ? name + "_" : name;
}

}  // namespace fata::tool
