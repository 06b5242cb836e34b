#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "commands.hpp"
#include "error.hpp"
#include "files.hpp"
#include "progress.hpp"
#include "templates.hpp"

namespace fata::tool {
namespace {

constexpr std::size_t kLongestName = 63;
// Targets that CMake creates in every build; config refuses them as well.
constexpr std::array<std::string_view, 5> kTaken{"all", "clean", "help", "install", "preinstall"};
// The names of devices in the templates.
constexpr std::array<std::string_view, 6> kDeviceNames{"Console", "Udp",  "Tcp",
                                                       "Flow",    "Disk", "Template"};

void check_name(const std::string& given, const std::string& name) {
  const auto refuse = [&](const std::string& why) {
    throw UsageError("fata new '" + given + "': " + why);
  };
  const bool word = !name.empty() && name.front() >= 'a' && name.front() <= 'z' &&
                    std::ranges::all_of(name, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                    });
  const std::string whose = given == name ? "a name is" : "its name '" + name + "' must be";
  if (!word) refuse(whose + " lower case letters, digits and hyphens");
  if (name.ends_with('-') || name.contains("--"))
    refuse("a name neither ends in a hyphen nor has two in a row");
  if (name.size() > kLongestName)
    refuse("a name has at most " + std::to_string(kLongestName) + " characters");
  if (std::ranges::contains(kTaken, name)) refuse("CMake uses this name itself; choose another");
}

std::string camel(const std::string& name) {
  std::string out;
  bool upper = true;
  for (const char c : name) {
    if (c != '-') out += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = c == '-';
  }
  return std::ranges::contains(kDeviceNames, out) ? out + "Job" : out;
}

std::string filled_in(std::string_view text, const std::string& name) {
  std::string space = name;
  std::ranges::replace(space, '-', '_');
  std::string out(text);
  for (const auto& [place, value] : {std::pair<std::string, std::string>{"@NAME@", name},
                                     {"@SPACE@", space + "_app"},
                                     {"@JOB@", camel(name)}}) {
    for (std::size_t at = 0; (at = out.find(place, at)) != out.npos; at += value.size())
      out.replace(at, place.size(), value);
  }
  return out;
}

const Template& find_template(const std::string& wanted) {
  const auto found = std::ranges::find(templates(), wanted, &Template::name);
  if (found != templates().end()) return *found;
  std::string known;
  for (const Template& one : templates())
    known += (known.empty() ? "" : ", ") + std::string(one.name);
  throw UsageError("fata new --template " + wanted + ": the templates are " + known);
}

// Adds the line unless it is there.
void ignore_builds(const fs::path& file) {
  std::string text = files::exists(file) ? read_file(file) : "";
  if (("\n" + text).contains("\n.fata/\n")) return;
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  write_if_changed(file, text + ".fata/\n");
}

}  // namespace

void create(const std::string& given, const std::string& kind) {
  const Template& chosen = find_template(kind);
  const bool here = given == ".";
  fs::path folder = given;
  if (!folder.has_filename() && folder.has_relative_path())
    folder = folder.parent_path();  // "a/" is a
  const std::string name =
      here ? fs::current_path().filename().string() : folder.filename().string();
  check_name(given, name);
  std::error_code error;
  if (!here && fs::exists(fs::symlink_status(folder, error)))
    throw UsageError("fata new " + given + ": " + folder.string() +
                     " exists already; choose another name");
  for (const fs::path& file : {fs::path("config.cpp"), fs::path(name + ".hpp")}) {
    if (here && files::exists(file))
      throw UsageError("fata new .: " + file.string() + " exists already; nothing was written");
  }
  const bool hidden = error == std::errc::permission_denied;
  if (!here && !hidden && folder.has_parent_path() && !files::is_folder(folder.parent_path()))
    throw UsageError("fata new " + given + ": there is no folder " + folder.parent_path().string());

  error.clear();
  if (!here) fs::create_directory(folder, error);
  if (error)
    throw UsageError("fata new " + given + ": " + folder.string() +
                     " cannot be made: " + error.message());
  write_if_changed(folder / "config.cpp", filled_in(chosen.config, name));
  write_if_changed(folder / (name + ".hpp"), filled_in(chosen.source, name));
  ignore_builds(folder / ".gitignore");
  const std::string shown = folder.lexically_normal().string();
  std::string try_it(chosen.try_it);
  const std::string what = here ? "fata run" : "fata run " + shell_line({shown});
  const std::size_t at = try_it.find("fata run @NAME@");
  try_it.replace(at, std::string_view("fata run @NAME@").size(), what);
  say("made " + (here ? "config.cpp and " + name + ".hpp" : shown + "/") + "; try: " + try_it);
}

}  // namespace fata::tool
