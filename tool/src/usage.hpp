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

// After the parser has found anything else wrong.
[[noreturn]] void explain_error(const CLI::ParseError& error);

// Throws UsageError if an option or a word was given that is empty.
void check_values(const CLI::App& app);

// Throws UsageError if an option of `fata run` has a wrong value, or was given that does nothing
// for the target.
void check_options(const Choice& choice, const RunChoice& run);

// Throws UsageError if a guest of the target cannot start with so little. `where`: what asks for
// it.
void check_memory(const std::string& target, unsigned mebibytes, const std::string& where);

}  // namespace fata::tool
