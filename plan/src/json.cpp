// Both directions of the plan's JSON. fields() lists the members of each struct once; the writer
// and the reader are both applied to that list.
#include <algorithm>
#include <array>
#include <concepts>
#include <nlohmann/json.hpp>
#include <utility>

#include "fata/plan/plan.hpp"

namespace fata::plan {
namespace {

using Json = nlohmann::ordered_json;

// Either a T to read into, or a const T to write.
template <class T, class Wanted>
concept Is = std::same_as<std::remove_const_t<T>, Wanted>;

void fields(auto& visit, Is<Place> auto& place) {
  visit("file", place.file);
  visit("line", place.line);
}
void fields(auto& visit, Is<Key> auto& key) {
  visit("name", key.name);
  visit("type", key.type);
  visit("value", key.value);
  visit("default", key.default_value);
  visit("help", key.help);
}
void fields(auto& visit, Is<Parameter> auto& parameter) {
  visit("name", parameter.name);
  visit("help", parameter.help);
  visit("cpp_type", parameter.cpp_type);
  visit("default", parameter.default_text);
  visit("has_default", parameter.has_default);
  visit("headers", parameter.headers);
  visit("where", parameter.where);
}
void fields(auto& visit, Is<Argument> auto& argument) {
  visit("kind", argument.kind);
  visit("device", argument.device);
  visit("text", argument.text);
}
void fields(auto& visit, Is<ThirdParty> auto& library) {
  visit("name", library.name);
  visit("package", library.package);
  visit("headers", library.headers);
  visit("system_calls", library.system_calls);
}
void fields(auto& visit, Is<Device> auto& device) {
  visit("name", device.name);
  visit("tag", device.tag);
  visit("concept", device.concept_name);
  visit("concept_header", device.concept_header);
  visit("type", device.type);
  visit("form", device.form);
  visit("is_nic", device.is_nic);
  visit("is_boot_files", device.is_boot_files);
  visit("called", device.called);
  visit("arguments", device.arguments);
  visit("after", device.after);
  visit("member", device.member);
  visit("data_folder", device.data_folder);
  visit("headers", device.headers);
  visit("libraries", device.libraries);
  visit("local_libraries", device.local_libraries);
  visit("system_calls", device.system_calls);
  visit("third_party", device.third_party);
  visit("chosen_by", device.chosen_by);
  visit("where", device.where);
}
void fields(auto& visit, Is<Forward> auto& forward) {
  visit("protocol", forward.protocol);
  visit("parameter", forward.parameter);
}
void fields(auto& visit, Is<Plan> auto& plan) {
  visit("name", plan.name);
  visit("target", plan.target);
  visit("net", plan.net);
  visit("arch", plan.arch);
  visit("memory_mib", plan.memory_mib);
  visit("keys", plan.keys);
  visit("parameters", plan.parameters);
  visit("devices", plan.devices);
  visit("jobs", plan.jobs);
  visit("forwards", plan.forwards);
  visit("disks", plan.disks);
  visit("forwarded_clients", plan.forwarded_clients);
}

// The words of each enum, in the order of its values.
constexpr auto words(Form) { return std::to_array({"value", "connect", "job", "member"}); }
constexpr auto words(Protocol) { return std::to_array({"udp", "tcp"}); }
constexpr auto words(Argument::Kind) { return std::to_array({"device", "parameter", "literal"}); }

template <class T>
concept Word = requires(T value) { words(value); };
template <class T>
concept Plain = std::same_as<T, std::string> || std::integral<T>;
template <class T>
concept List = requires(T& list) { list.emplace_back(); } && !Plain<T>;

template <class T>
Json write(const T& value);

struct Writer {
  Json json = Json::object();
  void operator()(const char* name, const auto& value) { json[name] = write(value); }
  // An absent value is not written.
  template <class T>
  void operator()(const char* name, const std::optional<T>& value) {
    if (value) json[name] = write(*value);
  }
};

template <class T>
Json write(const T& value) {
  if constexpr (Plain<T>) {
    return value;
  } else if constexpr (Word<T>) {
    return words(value).at(static_cast<std::size_t>(value));
  } else if constexpr (List<T>) {
    Json list = Json::array();
    for (const auto& one : value) list.push_back(write(one));
    return list;
  } else {
    Writer writer;
    fields(writer, value);
    return std::move(writer.json);
  }
}

template <class T>
void read(const Json& json, T& value);

struct Reader {
  const Json& json;
  void operator()(const char* name, auto& value) const { read(json.at(name), value); }
  template <class T>
  void operator()(const char* name, std::optional<T>& value) const {
    if (json.contains(name)) read(json.at(name), value.emplace());
  }
};

template <class T>
void read(const Json& json, T& value) {
  if constexpr (Plain<T>) {
    json.get_to(value);
  } else if constexpr (Word<T>) {
    const auto& all = words(value);
    const auto found = std::ranges::find(all, json.get<std::string>());
    if (found == all.end()) throw Invalid("'" + json.get<std::string>() + "' is unknown");
    value = static_cast<T>(found - all.begin());
  } else if constexpr (List<T>) {
    for (const Json& one : json) read(one, value.emplace_back());
  } else {
    const Reader reader{json};
    fields(reader, value);
  }
}
}  // namespace

std::string_view word(Protocol protocol) {
  return words(protocol).at(static_cast<std::size_t>(protocol));
}

std::string to_json(const Plan& plan) {
  Writer writer;
  writer("version", kVersion);
  fields(writer, plan);
  return writer.json.dump(2) + '\n';
}

Plan from_json(std::string_view text) try {
  const Json json = Json::parse(text);
  if (json.at("version") != kVersion) throw Invalid("a plan of another version of Fata");
  Plan plan;
  read(json, plan);
  return plan;
} catch (const Json::exception& error) {
  throw Invalid(std::string("not a plan (") + error.what() + ")");
}

}  // namespace fata::plan
