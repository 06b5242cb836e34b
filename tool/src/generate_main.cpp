#include <algorithm>
#include <format>
#include <set>

#include "generate.hpp"
#include "paths.hpp"

namespace fata::tool {
namespace {

// Text with a line count, to restore the line number after `#line`.
class Lines {
 public:
  void add(std::string_view line) {
    text_ += line;
    text_ += '\n';
    ++count_;
  }
  void blank() { add(""); }
  void from(const plan::Place& place, const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
      add("#line " + std::to_string(place.line) + " \"" + place.file + "\"");
      add(line);
    }
    add("#line " + std::to_string(count_ + 2) + " \"main.cpp\"");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::size_t count_ = 0;
};

void includes(Lines& out, const Plan& plan) {
  std::set<std::string> fata{"fata/async/assemble.hpp", "fata/async/image.hpp",
                             "fata/base/address.hpp", "fata/base/parameters.hpp"};
  std::vector<std::string> own;
  const auto add = [&](const std::string& header) {
    if (header.starts_with("fata/")) {
      fata.insert(header);
    } else if (!std::ranges::contains(own, header)) {
      own.push_back(header);
    }
  };
  for (const plan::Device& d : plan.devices) {
    if (!d.concept_header.empty()) add(d.concept_header);
    for (const std::string& header : d.headers) add(header);
  }
  for (const plan::Parameter& p : plan.parameters) {
    for (const std::string& header : p.headers) add(header);
  }
  if (plan.target == "linux") {
    add("fata/linux/sandbox.hpp");
    out.add("#include <sys/syscall.h>");
    out.blank();
  }
  for (const char* header : {"array", "cstdint", "memory", "optional", "string_view", "utility"}) {
    out.add("#include <" + std::string(header) + ">");
  }
  out.blank();
  for (const std::string& header : fata) out.add("#include <" + header + ">");
  if (!own.empty()) out.blank();
  for (const std::string& header : own) out.add("#include \"" + header + "\"");
  out.blank();
}

void types(Lines& out, const Plan& plan) {
  for (const plan::Device& d : plan.devices) {
    std::string type = d.type;
    if (d.form == Form::kMember) {
      const plan::Device& owner = plan.devices[d.arguments.front().device];
      type = "std::remove_reference_t<decltype(std::declval<" + owner.type_name() + "&>()." +
             d.member + "())>";
    } else {
      std::string list;
      for (const plan::Argument& a : d.arguments) {
        if (a.kind == plan::Argument::Kind::kDevice) {
          list += (list.empty() ? "" : ", ") + plan.devices[a.device].type_name();
        }
      }
      if (!list.empty()) type += "<" + list + ">";
    }
    std::vector<std::string> lines{"using " + d.type_name() + " = " + type + ";"};
    if (!d.concept_name.empty()) {
      lines.push_back("static_assert(" + d.concept_name + "<" + d.type_name() + ">, " +
                      cpp_string("the device made here does not model " + d.concept_name) + ");");
    }
    out.from(d.where, lines);
  }
  out.blank();
  for (const plan::Device& d : plan.devices) {
    if (!d.data_folder.empty())
      out.add("const fata::crunch::Table& " + d.name + "_table();  // of " +
              cpp_string(d.data_folder));
  }
}

void parameters(Lines& out, const Plan& plan) {
  out.add("struct Parameters {");
  for (const plan::Parameter& p : plan.parameters)
    out.add("  " + p.cpp_type + " " + identifier(p.name) + "{};");
  out.add("};");
  out.blank();
}

std::string arguments(const Plan& plan, const plan::Device& d) {
  std::string list;
  for (const plan::Argument& a : d.arguments) {
    list += ", ";
    switch (a.kind) {
      case plan::Argument::Kind::kDevice:
        list += plan.devices[a.device].name;
        break;
      case plan::Argument::Kind::kParameter:
        list += "parameters." + identifier(a.text);
        break;
      case plan::Argument::Kind::kLiteral:
        list += a.text;
        break;
    }
  }
  if (!d.data_folder.empty()) list += ", " + d.name + "_table()";
  return list;
}

// "the folder (--zones)": the name of a device in error messages, with the parameters that select
// it.
std::string called_with_parameters(const plan::Device& d) {
  std::vector<std::string> names = d.chosen_by.value_or(std::vector<std::string>{});
  for (const plan::Argument& a : d.arguments) {
    if (!d.chosen_by && a.kind == plan::Argument::Kind::kParameter) names.push_back(a.text);
  }
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? " (--" : ", --") + name;
  return d.called + (list.empty() ? "" : list + ")");
}

// ", parameters.disk": the host's file or folder of a device, for error messages.
std::string named_file(const Plan& plan, const plan::Device& d) {
  if (plan.target != "linux" || (d.tag != "Block" && d.tag != "KeyValue")) return {};
  for (const plan::Argument& a : d.arguments) {
    if (a.kind == plan::Argument::Kind::kParameter &&
        plan.parameter(a.text).cpp_type == "std::string_view")
      return ", parameters." + identifier(a.text);
  }
  return {};
}

void construction(Lines& out, const Plan& plan) {
  for (const plan::Device& d : plan.devices) {
    const std::string type = d.type_name();
    if (d.form == Form::kMember) {
      out.from(d.where, {"  auto& " + d.name + " = " +
                         plan.devices[d.arguments.front().device].name + "." + d.member + "();"});
    } else if (d.form == Form::kConnect) {
      out.from(d.where, {"  auto " + d.name + "_connected = co_await " + type +
                         "::connect(context" + arguments(plan, d) + ");"});
      out.add("  if (!" + d.name + "_connected) {");
      out.add("    co_return fata::cannot_set_up(context, " + cpp_string(plan.name) + ", " +
              cpp_string(called_with_parameters(d)) + ", " + d.name + "_connected.error()" +
              named_file(plan, d) + ");");
      out.add("  }");
      out.add("  [[maybe_unused]] " + type + "& " + d.name + " = **" + d.name + "_connected;");
    } else {
      const std::string maker = d.form == Form::kJob ? "make_job" : "make_device";
      out.from(d.where, {"  [[maybe_unused]] " + type + " " + d.name + " = fata::async::" + maker +
                         "<" + type + ">(context" + arguments(plan, d) + ");"});
    }
  }
  out.blank();
}

// ", {SYS_getrusage}": the system calls that config.cpp declares.
std::string declared(const std::vector<std::string>& calls) {
  std::string list;
  for (const std::string& call : calls) list += (list.empty() ? ", {SYS_" : ", SYS_") + call;
  return list + (list.empty() ? "" : "}");
}

// After this point, the process has only the files that the devices have opened or may still open.
void sandbox(Lines& out, const Plan& plan) {
  out.add("  if (parameters.sandbox) {");
  out.add("    const std::array needs{");
  for (const plan::Device& d : plan.devices) {
    if (d.form == Form::kMember) continue;
    out.add("        fata::linux::needs_of(" + cpp_string(d.called) + ", " + d.name +
            declared(d.system_calls) + "),");
  }
  for (const plan::ThirdParty& library : plan.third_party()) {
    if (library.system_calls.empty()) continue;
    out.add("        fata::linux::needs_of_calls(" + cpp_string("the library " + library.name) +
            declared(library.system_calls) + "),");
  }
  out.add("    };");
  out.add("    fata::linux::enter_sandbox(context, needs);");
  out.add("  }");
  out.blank();
}

}  // namespace

std::string cpp_string(std::string_view text) {
  const bool utf8 = is_utf8(text);
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8)) {
      out += std::format("\\{:03o}", byte);  // three digits, so that a digit may follow
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string image_namespace(const Plan& plan) {
  std::string name = "image_" + plan.name;
  std::ranges::replace(name, '-', '_');
  return name;
}

std::string generate_main(const Plan& plan) {
  Lines out;
  out.add("// The main of " + plan.name + " for " + plan.target + " (net: " + plan.net +
          "), written by `fata configure` from config.cpp. Changes here are lost.");
  includes(out, plan);
  const std::string space = image_namespace(plan);
  out.add("namespace " + space + " {");
  out.blank();
  types(out, plan);
  parameters(out, plan);
  out.add("fata::async::Task<int> run(fata::async::Context& context) {");
  out.add("  Parameters parameters;");
  out.add("  const std::array table{");
  for (const plan::Parameter& p : plan.parameters) {
    out.add("      fata::Parameter(" + cpp_string(p.name) + ", " + cpp_string(p.help) + ", " +
            (p.has_default ? cpp_string(p.default_text) : "std::nullopt") + ", parameters." +
            identifier(p.name) + "),");
  }
  out.add("  };");
  out.add("  if (const auto status = fata::start_parameters(" + cpp_string(plan.name) +
          ", table, parameters.log)) co_return *status;");
  out.add("  context.log_rules = parameters.log;");
  if (plan.jobs.size() > 1) {
    out.add(
        "  fata::async::CancelSource stop_all(context.stop);  // a job that fails stops the "
        "others");
    out.add("  context.stop = stop_all.token();");
  }
  out.blank();
  construction(out, plan);
  if (plan.target == "linux") sandbox(out, plan);
  std::string jobs;
  for (const std::size_t job : plan.jobs)
    jobs += (jobs.empty() ? "" : ", ") + plan.devices[job].name;
  if (plan.jobs.size() == 1) {
    out.add("  co_return co_await " + jobs + ".start();");
  } else {
    out.add("  co_return co_await fata::async::run_jobs(stop_all, " + jobs + ");");
  }
  out.add("}");
  out.blank();
  out.add("}  // namespace " + space);
  out.blank();
  // A program that simulates images calls run() itself.
  if (plan.target == "sim") return out.take();
  out.add("fata::async::Task<int> fata::image_main(fata::async::Context& context) { return " +
          space + "::run(context); }");
  return out.take();
}

std::string generate_alone(const Plan& plan) {
  const std::string run = image_namespace(plan) + "::run";
  return "// The program with which `fata run -t sim` runs " + plan.name +
         " alone, written by `fata configure`. Changes here are lost.\n"
         "#include <fata/sim/alone.hpp>\n\nnamespace " +
         image_namespace(plan) +
         " {\nfata::async::Task<int> run(fata::async::Context& context);\n}\n\n"
         "int main(int count, char** words) { return fata::sim::run_alone(" +
         run + ", count, words); }\n";
}

}  // namespace fata::tool
