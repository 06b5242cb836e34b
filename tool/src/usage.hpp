// The command's messages about unknown words, and the options that each target supports.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "commands.hpp"

namespace fata::tool {

// The entry of `known` that `word` was probably meant to be; empty if none is near.
std::string nearest(const std::string& word, const std::vector<std::string>& known);

std::vector<std::string> command_names(const CLI::App& app);

// Throws UsageError if `word` is not a command.
void check_command(const CLI::App& app, const std::string& word);

// Throws UsageError for the unknown words that the parser has found.
[[noreturn]] void explain_extras(const CLI::App& app, const std::vector<std::string>& extras,
                                 const Choice& choice);

// Throws UsageError for any other error of the parser.
[[noreturn]] void explain_error(const CLI::ParseError& error);

// Throws UsageError if an option's value or the application is empty.
void check_values(const CLI::App& app);

// Throws UsageError if an option of `fata run` has an invalid value, or has no effect for the
// target.
void check_options(const Choice& choice, const RunChoice& run);

// Throws UsageError if a guest of the target cannot start with this little memory. `where`: the
// option or setting, for the message.
void check_memory(const std::string& target, unsigned mebibytes, const std::string& where);

}  // namespace fata::tool
