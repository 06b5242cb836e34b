// configure, build, clean, describe and query: the commands that print information about a project.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "error.hpp"
#include "files.hpp"
#include "progress.hpp"
#include "sizes.hpp"
#include "stamp.hpp"

namespace fata::tool {

using Json = nlohmann::ordered_json;

void configure(Project& project) {
  project.configure();
  std::printf("%s\n", project.folder().c_str());
}

void build(Project& project, bool map) {
  project.configure();
  project.build();
  if (project.simulated()) {
    std::printf("%s\n", project.image().c_str());
    return;
  }
  const Sizes sizes = measure(project);
  std::printf("%s\n", project.image().c_str());
  const auto bytes = [](std::uint64_t size, const char* what) {
    std::printf("%9llu bytes, %s\n", static_cast<unsigned long long>(size), what);
  };
  const bool packed = sizes.stripped < sizes.unpacked;
  bytes(sizes.stripped, packed ? "packed" : "stripped");
  if (packed) bytes(sizes.unpacked, "unpacked");
  if (!map) return;
  const auto list = [](const char* title, const auto& entries) {
    std::printf("%s\n", title);
    for (const auto& [name, size] : entries) {
      std::printf("%9llu  %s\n", static_cast<unsigned long long>(size), name.c_str());
    }
  };
  list("by section:", sizes.sections);
  list("by library:", sizes.libraries);
}

void clean(const Project& project, bool everything) {
  if (everything && project.choice().build_dir.empty()) {
    files::remove_all(project.folder().parent_path());
    return;
  }
  // A folder named by mistake must not be removed.
  const fs::path& folder = project.folder();
  if (files::exists(folder) && !was_claimed(folder) && !files::is_empty_folder(folder)) {
    throw UsageError(folder.string() + ": is not a build folder of fata; nothing was removed");
  }
  files::remove_all(folder);
}

namespace {

void describe_device(const Plan& plan, std::size_t id, const std::string& indent,
                     std::vector<bool>& shown) {
  const plan::Device& d = plan.devices[id];
  std::printf("%s%s: %s", indent.c_str(), d.name.c_str(), d.tag.c_str());
  if (d.form != Form::kMember) std::printf(" = %s", d.type.c_str());
  if (!d.data_folder.empty()) std::printf(" of %s/", d.data_folder.c_str());
  if (shown[id]) {
    std::printf(" (the same)\n");
    return;
  }
  shown[id] = true;
  std::printf("  [%s:%u]\n", d.where.file.c_str(), d.where.line);
  for (const plan::Argument& a : d.arguments) {
    if (a.kind == plan::Argument::Kind::kDevice) {
      describe_device(plan, a.device, indent + "  ", shown);
    } else if (a.kind == plan::Argument::Kind::kParameter) {
      std::printf("%s  --%s\n", indent.c_str(), a.text.c_str());
    } else {
      std::printf("%s  %s\n", indent.c_str(), a.text.c_str());
    }
  }
  for (const std::size_t earlier : d.after) {
    if (!shown[earlier]) describe_device(plan, earlier, indent + "  after ", shown);
  }
}

// The label of an edge from the device: "Console"; "Stack" for a stack, which only its members use.
std::string edge_label(const plan::Device& device) {
  return device.tag == "Bundle" ? "Stack" : device.tag;
}

void describe_dot(const Plan& plan) {
  std::printf("digraph \"%s\" {\n  rankdir=BT;\n  node [shape=box];\n", plan.name.c_str());
  for (std::size_t i = 0; i < plan.devices.size(); ++i) {
    const plan::Device& d = plan.devices[i];
    const std::string kind = d.form == Form::kMember ? d.tag : d.type;
    std::printf("  d%zu [label=\"%s\\n%s\"%s];\n", i, d.name.c_str(), kind.c_str(),
                d.tag == "Job" ? ", style=bold" : "");
    for (const std::size_t earlier : d.after)
      std::printf("  d%zu -> d%zu [style=dashed];\n", earlier, i);
    for (const plan::Argument& a : d.arguments) {
      if (a.kind == plan::Argument::Kind::kDevice) {
        std::printf("  d%zu -> d%zu [label=\"%s\"];\n", a.device, i,
                    edge_label(plan.devices[a.device]).c_str());
      } else if (a.kind == plan::Argument::Kind::kParameter) {
        std::printf("  \"--%s\" [shape=ellipse];\n  \"--%s\" -> d%zu;\n", a.text.c_str(),
                    a.text.c_str(), i);
      }
    }
  }
  std::printf("}\n");
}

std::string parameter_line(const plan::Parameter& p) {
  return "--" + p.name + (p.has_default ? "=" + p.default_text : "") + "  " + p.help;
}

Json pairs(const std::vector<std::pair<std::string, std::uint64_t>>& list) {
  Json object = Json::object();
  for (const auto& [name, size] : list) object[name] = size;
  return object;
}

Json parameters_json(const Plan& plan) {
  Json list = Json::array();
  for (const plan::Parameter& p : plan.parameters) {
    list.push_back({{"name", p.name},
                    {"type", p.cpp_type},
                    {"default", p.has_default ? Json(p.default_text) : Json()},
                    {"help", p.help},
                    {"text", parameter_line(p)}});
  }
  return list;
}

Json keys_json(const Plan& plan) {
  Json list = Json::array();
  for (const plan::Key& k : plan.keys) {
    list.push_back({{"name", k.name},
                    {"type", k.type},
                    {"value", k.value},
                    {"default", k.default_value},
                    {"help", k.help},
                    {"text", k.name + "=" + k.value + "  " + k.help}});
  }
  return list;
}

// The graph: the arguments of a device refer to other devices by their "name".
Json describe_json(const Plan& plan) {
  Json devices = Json::array();
  for (const plan::Device& d : plan.devices) {
    Json arguments = Json::array();
    for (const plan::Argument& a : d.arguments) {
      arguments.push_back(a.kind == plan::Argument::Kind::kDevice
                              ? Json{{"device", plan.devices[a.device].name}}
                          : a.kind == plan::Argument::Kind::kParameter ? Json{{"parameter", a.text}}
                                                                       : Json{{"value", a.text}});
    }
    devices.push_back({{"name", d.name},
                       {"kind", d.tag},
                       {"type", d.form == Form::kMember ? Json() : Json(d.type)},
                       {"member", d.form == Form::kMember ? Json(d.member) : Json()},
                       {"folder", d.data_folder.empty() ? Json() : Json(d.data_folder)},
                       {"arguments", std::move(arguments)},
                       {"file", d.where.file},
                       {"line", d.where.line}});
  }
  Json jobs = Json::array();
  for (const std::size_t job : plan.jobs) jobs.push_back(plan.devices[job].name);
  return {{"name", plan.name},
          {"target", plan.target},
          {"net", plan.net},
          {"jobs", std::move(jobs)},
          {"devices", std::move(devices)},
          {"parameters", parameters_json(plan)},
          {"keys", keys_json(plan)}};
}

struct Fact {
  const char* word;
  std::function<Json(Project&)> value;
  // True if the fact needs a build; such facts are omitted when all facts are printed.
  bool costly = false;
};

const std::vector<Fact>& facts() {
  static const std::vector<Fact> list{
      {"name", [](Project& p) -> Json { return p.plan().name; }},
      {"target", [](Project& p) -> Json { return p.plan().target; }},
      {"net", [](Project& p) -> Json { return p.plan().net; }},
      {"arch", [](Project& p) -> Json { return p.plan().arch; }},
      {"image", [](Project& p) -> Json { return p.image().string(); }},
      // `fata build` makes no program that runs a simulated image alone.
      {"elf", [](Project& p) -> Json { return (p.simulated() ? p.image() : p.elf()).string(); }},
      {"build-dir", [](Project& p) -> Json { return p.folder().string(); }},
      {"memory", [](Project& p) -> Json { return p.plan().memory_mib; }},
      {"packages", [](Project& p) -> Json { return p.plan().packages(); }},
      {"libraries", [](Project& p) -> Json { return p.plan().libraries(); }},
      {"parameters", [](Project& p) { return parameters_json(p.plan()); }},
      {"keys", [](Project& p) { return keys_json(p.plan()); }},
      {"forwards",
       [](Project& p) {
         Json list = Json::array();
         for (const plan::Forward& f : p.plan().forwards) {
           list.push_back({{"protocol", plan::word(f.protocol)},
                           {"parameter", f.parameter},
                           {"text", std::string(plan::word(f.protocol)) + " --" + f.parameter}});
         }
         return list;
       }},
      {"disks", [](Project& p) { return Json(p.plan().disks); }},
      {"size",
       [](Project& p) {
         p.build();
         const Sizes sizes = measure(p);
         return Json{{"stripped", sizes.stripped},
                     {"unpacked", sizes.unpacked},
                     {"sections", pairs(sizes.sections)},
                     {"libraries", pairs(sizes.libraries)}};
       },
       true}};
  return list;
}

// One line per item; an object with a "text" is printed as that text.
void print_plain(const Json& value, const std::string& indent = "") {
  if (value.is_array()) {
    for (const Json& item : value) print_plain(item, indent);
  } else if (value.is_object() && value.contains("text")) {
    print_plain(value["text"], indent);
  } else if (value.is_object()) {
    for (const auto& [name, item] : value.items()) {
      if (item.is_object()) {
        std::printf("%s%s\n", indent.c_str(), name.c_str());
        print_plain(item, indent + "  ");
      } else {
        std::printf("%s%s %s\n", indent.c_str(), name.c_str(), item.dump().c_str());
      }
    }
  } else {
    std::printf("%s%s\n", indent.c_str(),
                value.is_string() ? value.get<std::string>().c_str() : value.dump().c_str());
  }
}

}  // namespace

void describe(Project& project, DescribeAs form) {
  project.configure();
  const Plan& plan = project.plan();
  if (form == DescribeAs::kDot) {
    describe_dot(plan);
    return;
  }
  if (form == DescribeAs::kJson) {
    std::printf("%s\n", describe_json(plan).dump(2).c_str());
    return;
  }
  std::printf("%s for %s, net %s\n", plan.name.c_str(), plan.target.c_str(), plan.net.c_str());
  std::vector<bool> shown(plan.devices.size());
  for (const std::size_t job : plan.jobs) describe_device(plan, job, "  ", shown);
  std::printf("parameters\n");
  for (const plan::Parameter& p : plan.parameters) std::printf("  %s\n", parameter_line(p).c_str());
  if (!plan.keys.empty()) std::printf("keys\n");
  for (const plan::Key& k : plan.keys)
    std::printf("  %s=%s  %s\n", k.name.c_str(), k.value.c_str(), k.help.c_str());
}

bool is_query_word(const std::string& word) {
  return std::ranges::any_of(facts(), [&](const Fact& fact) { return word == fact.word; });
}

void query(Project& project, const std::string& word, bool json) {
  if (!word.empty() && !is_query_word(word)) {
    std::string known;
    for (const Fact& fact : facts()) known += (known.empty() ? "" : ", ") + std::string(fact.word);
    throw UsageError("fata query: no word '" + word + "'; the words: " + known);
  }
  project.configure();
  Json all = Json::object();
  for (const Fact& fact : facts()) {
    if (word == fact.word || (word.empty() && !fact.costly)) all[fact.word] = fact.value(project);
  }
  if (!word.empty()) all = Json(all[word]);
  if (json) {
    std::printf("%s\n", all.dump(2).c_str());
  } else if (word.empty()) {
    for (const auto& [name, value] : all.items()) {
      std::printf("%s:%s", name.c_str(), value.is_array() ? "\n" : " ");
      print_plain(value, value.is_array() ? "  " : "");
    }
  } else {
    print_plain(all);
  }
}

}  // namespace fata::tool
