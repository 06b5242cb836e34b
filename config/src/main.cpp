// The main of every config program: parses the `fata` command's arguments, calls plan(), writes the
// plan.
//   config TARGET NET ARCH OUTPUT [NAME=VALUE...]
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <span>
#include <string>

#include "fata/config/plan.hpp"

int main(int argc, char** argv) {
  using namespace fata::config;
  try {
    const std::span<char*> words(argv, static_cast<std::size_t>(argc));
    if (words.size() < 5) throw ConfigError("this program is run by the fata command");
    std::map<std::string, std::string> keys;
    for (const std::string word : words.subspan(5)) {
      const std::size_t equals = word.find('=');
      if (equals == word.npos || equals == 0)
        throw ConfigError("-D " + word + ": write -D name=value");
      keys[word.substr(0, equals)] = word.substr(equals + 1);
    }
    const std::string target = words[1];
    const Context context(target == "kvm"   ? Target::kKvm
                          : target == "xen" ? Target::kXen
                          : target == "sim" ? Target::kSim
                                            : Target::kLinux,
                          std::string(words[2]) == "direct" ? Net::kDirect : Net::kHost, words[3],
                          std::move(keys));
    const Plan made = ::plan(context);
    context.check_all_used();
    std::ofstream out(words[4]);
    out << made.to_json(context);
    out.close();
    if (!out) throw ConfigError(std::string(words[4]) + ": cannot be written");
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fata: %s\n", error.what());
    return 64;
  }
}
