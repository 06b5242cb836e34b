// The files that `fata configure` generates from a plan: the image's main, its data files, its
// build description.
#pragma once

#include <string>
#include <vector>

#include "home.hpp"
#include "plan.hpp"

namespace fata::tool {

// The namespace of an image's main, of which a program may link several: "image_my_app".
std::string image_namespace(const Plan& plan);

// The image's main: includes, `using` lines in order of dependency, parameters, construction.
// `#line` directives map compiler errors about mismatched devices to config.cpp.
std::string generate_main(const Plan& plan);
// The main of the program with which `fata run -t sim` runs the image alone.
std::string generate_alone(const Plan& plan);

// A source file that embeds every file under the device's folder (of the application `app`), with
// its lookup table, in the namespace of the image. Files whose names #embed does not accept get
// links in the build folder. Prints a warning if a file holds a private key.
std::string generate_crunch(std::string_view space, const plan::Device& device, const fs::path& app,
                            const fs::path& build);

// The text as a C++ string literal; it may hold any bytes.
std::string cpp_string(std::string_view text);

// The CMakeLists.txt that builds the image with find_package(fata), packed or unpacked.
std::string generate_cmake(const Plan& plan, const Home& home, const fs::path& app,
                           const fs::path& build, bool packed);

// The sources of a folder, sorted.
std::vector<fs::path> sources_in(const fs::path& folder, bool recursive);

}  // namespace fata::tool
