// Properties of standard error: cursor movement and colours.
#pragma once

#include <string>

namespace fata::tool {

// True if a line on standard error can be overwritten: a terminal other than a dumb one.
bool has_moving_cursor();

// True on a terminal, unless TERM=dumb or a non-empty NO_COLOR disables colours. CLICOLOR_FORCE
// (neither empty nor "0") enables them anywhere. See no-color.org and bixense.com/clicolors.
bool wants_colour();

// The line without its escape sequences (ECMA-48 control sequences).
std::string without_colour(const std::string& line);

}  // namespace fata::tool
