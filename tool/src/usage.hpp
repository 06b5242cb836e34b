// What the command says about words that it does not know, and which options do something for which
// target.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "commands.hpp"

namespace fata::tool {

// The one of `known` that `word` was probably meant to be; empty if none is near.
std::string nearest(const std::string& word, const std::vector<std::string>& known);

std::vector<std::string> command_names(const CLI::App& app);

// Throws UsageError if there is no such command.
void check_command(const CLI::App& app, const std::string& word);

// After the parser has found words that it does not know.
[[noreturn]] void explain_extras(const CLI::App& app, const std::vector<std::string>& extras,
                                 const Choice& choice);

// Throws UsageError if an option of `fata run` was given that does nothing for the target.
void check_options(const Choice& choice, const RunChoice& run);

}  // namespace fata::tool
