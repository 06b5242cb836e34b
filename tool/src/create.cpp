#include <algorithm>
#include <cctype>

#include "commands.hpp"
#include "error.hpp"
#include "progress.hpp"

namespace fata::tool {

namespace {
std::string camel(const std::string& name) {
  std::string out;
  bool upper = true;
  for (const char c : name) {
    if (c == '-') {
      upper = true;
      continue;
    }
    out += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return out;
}
}  // namespace

void create(const std::string& name) {
  const bool word =
      !name.empty() && name.front() >= 'a' && name.front() <= 'z' && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
      });
  if (!word) throw UsageError("fata new '" + name + "': a name is lower case letters, digits and hyphens");
  if (fs::exists(name))
    throw UsageError("fata new " + name + ": " + name + " exists already; choose another name");

  std::string space = name;
  std::ranges::replace(space, '-', '_');
  space += "_app";
  const std::string job = camel(name);
  const fs::path folder = name;
  fs::create_directories(folder);
  write_if_changed(folder / "config.cpp", R"(#include <fata/config.hpp>
using namespace fata::config;

Plan plan(const Context&) {
  auto greeting = parameter("greeting", "Hello", "how to greet");
  auto job = functor<Job(Console)>(")" + space +
                                              "::" + job + R"(", ")" + name + R"(.hpp");

  Plan plan(")" + name + R"(");
  plan.run(job(default_console(), greeting));
  return plan;
}
)");
  write_if_changed(folder / (name + ".hpp"), R"(#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/sig/console.hpp>

#include <string_view>

namespace )" + space + R"( {

template <fata::sig::Console Console>
class )" + job + R"( {
 public:
  )" + job + R"((fata::async::Context&, Console& console, std::string_view greeting)
      : console_(console), greeting_(greeting) {}

  fata::async::Task<int> start() {
    console_.write(greeting_);
    console_.write(" from )" + name + R"(!\n");
    co_return 0;
  }

 private:
  Console& console_;
  std::string_view greeting_;
};

}  // namespace )" + space + R"(
)");
  write_if_changed(folder / ".gitignore", ".fata/\n");
  say("made " + name + "/; try: fata run " + name + " -- --greeting=Hi");
}

}  // namespace fata::tool
