// What standard error is connected to: may it be moved about on, and coloured?
#pragma once

#include <string>

namespace fata::tool {

// Whether a line on standard error can be overwritten: a terminal that is not a dumb one.
bool has_moving_cursor();

// A terminal, unless TERM=dumb or NO_COLOR (any text but the empty one) forbids it. CLICOLOR_FORCE
// (neither empty nor "0") wants colours anywhere. See no-color.org and bixense.com/clicolors.
bool wants_colour();

// The line without its escape sequences (ECMA-48 control sequences).
std::string without_colour(const std::string& line);

}  // namespace fata::tool
