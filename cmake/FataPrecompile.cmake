# Headers that most sources include, precompiled in the trees of processes: in the tests' tree,
# where they halve a cold build, and in the tree of the fata command, which a newcomer waits for.
# The trees of kernels and of benchmarks compile without them, and so reveal missing includes.
set(FATA_COMMON_HEADERS <algorithm> <array> <bit> <chrono> <concepts> <coroutine> <cstddef>
  <cstdint> <cstring> <deque> <expected>
  <functional> <map> <memory> <optional> <set> <span> <string> <string_view> <tuple> <type_traits>
  <unordered_map> <utility>
    <variant> <vector>)
# CMake would also include the header by its absolute path, which ccache takes for a difference.
set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -Xclang -include-pch -Xclang <PCH_FILE>)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/headers.cpp CONTENT "int main() { return 0; }\n")

# fata_precompiled_headers(NAME [PROGRAM] HEADER ... [OPTIONS ...])
#
# The common headers and these ones, for target_precompile_headers(... REUSE_FROM NAME) in targets
# of the same OPTIONS. Programs and libraries differ in code addressing; PROGRAM is for programs.
# With -fno-pch-timestamp, ccache reuses a precompiled header if its inputs have not changed,
# whatever their times.
function(fata_precompiled_headers name)
  cmake_parse_arguments(arg "PROGRAM" "" "OPTIONS" ${ARGN})
  if(arg_PROGRAM)
    add_executable(${name} EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/headers.cpp)
  else()
    add_library(${name} OBJECT EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/headers.cpp)
  endif()
  target_compile_options(${name} PRIVATE ${arg_OPTIONS} "SHELL:-Xclang -fno-pch-timestamp")
  if(FATA_CCACHE)
    set_target_properties(${name} PROPERTIES CXX_COMPILER_LAUNCHER
      "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/precompile.sh;${CMAKE_CXX_COMPILER_LAUNCHER}")
  endif()
  target_precompile_headers(${name} PRIVATE ${FATA_COMMON_HEADERS} ${arg_UNPARSED_ARGUMENTS})
endfunction()

# Simulations run millions of events through the libraries, and -O1 does not slow compilation.
fata_precompiled_headers(fata_library_headers OPTIONS $<$<BOOL:${FATA_TESTS}>:-O1>)
