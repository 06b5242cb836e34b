# googletest, built from Debian's packaged sources so that it uses libc++ and our flags.
if(FATA_TESTS)
  set(BUILD_GMOCK ON CACHE BOOL "" FORCE)
  set(INSTALL_GTEST OFF CACHE BOOL "" FORCE)
  add_subdirectory(/usr/src/googletest ${CMAKE_BINARY_DIR}/googletest EXCLUDE_FROM_ALL SYSTEM)
  foreach(t gtest gtest_main gmock gmock_main)
    target_compile_options(${t} PRIVATE -Wno-error)
  endforeach()
endif()

# The tests' tree precompiles common headers, which halves its cold build. Every other tree compiles
# the libraries without them, and so reveals missing includes. Programs and libraries differ in
# code addressing, so each has its own precompiled header. With -fno-pch-timestamp, ccache reuses a
# precompiled header if its inputs have not changed, whatever their times.
set(FATA_COMMON_HEADERS <algorithm> <array> <bit> <chrono> <concepts> <coroutine> <cstddef>
  <cstdint> <cstring> <deque> <expected>
  <functional> <map> <memory> <optional> <set> <span> <string> <string_view> <tuple> <type_traits>
  <unordered_map> <utility>
    <variant> <vector>)
if(FATA_TESTS)
  # CMake would also include the header by its absolute path, which ccache takes for a difference.
  set(CMAKE_CXX_COMPILE_OPTIONS_USE_PCH -Xclang -include-pch -Xclang <PCH_FILE>)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/headers.cpp CONTENT "int main() { return 0; }\n")
  add_library(fata_library_headers OBJECT ${CMAKE_BINARY_DIR}/headers.cpp)
  target_compile_options(fata_library_headers PRIVATE -O1 "SHELL:-Xclang -fno-pch-timestamp")
  add_executable(fata_test_headers EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/headers.cpp)
  target_link_libraries(fata_test_headers PRIVATE GTest::gmock_main)
  target_compile_options(fata_test_headers PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  if(FATA_CCACHE)
    set_target_properties(fata_library_headers fata_test_headers PROPERTIES CXX_COMPILER_LAUNCHER
      "${CMAKE_CURRENT_LIST_DIR}/precompile.sh;${CMAKE_CXX_COMPILER_LAUNCHER}")
  endif()
  target_precompile_headers(fata_library_headers PRIVATE ${FATA_COMMON_HEADERS})
  target_precompile_headers(fata_test_headers PRIVATE ${FATA_COMMON_HEADERS} <gmock/gmock.h>
    <gtest/gtest.h>)
  if(NOT FATA_FUZZ)
    add_library(fata_replay OBJECT ${CMAKE_SOURCE_DIR}/fuzz/replay_main.cpp)
  endif()
endif()

# fata_test(NAME SOURCES ... DEPS ... [PLATFORM linux|sim])
# One googletest executable, one ctest entry. The default is the simulated platform (virtual clock).
function(fata_test name)
  cmake_parse_arguments(arg "" "PLATFORM" "SOURCES;DEPS" ${ARGN})
  if(NOT arg_PLATFORM)
    set(arg_PLATFORM sim)
  endif()
  add_executable(${name} ${arg_SOURCES})
  foreach(dep ${arg_DEPS})
    target_link_libraries(${name} PRIVATE fata_${dep})
  endforeach()
  target_link_libraries(${name} PRIVATE fata_platform_${arg_PLATFORM} GTest::gmock_main)
  target_precompile_headers(${name} REUSE_FROM fata_test_headers)
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES TIMEOUT 900)
endfunction()

# fata_fuzzer(NAME SOURCE file CORPUS folder DEPS ...)
# With FATA_FUZZ, this is a libFuzzer executable; with FATA_TESTS, a plain test that replays every
# file of the corpus.
function(fata_fuzzer name)
  cmake_parse_arguments(arg "" "SOURCE;CORPUS" "DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCE})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/fuzz)
  foreach(dep ${arg_DEPS})
    target_link_libraries(${name} PRIVATE fata_${dep})
  endforeach()
  target_link_libraries(${name} PRIVATE fata_platform_sim)
  if(FATA_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(${name} PRIVATE -l:libstdc++.so.6)
  else()
    target_link_libraries(${name} PRIVATE fata_replay)
    add_test(NAME ${name}_corpus COMMAND ${name} ${CMAKE_CURRENT_SOURCE_DIR}/${arg_CORPUS})
    set_tests_properties(${name}_corpus PROPERTIES TIMEOUT 360)
  endif()
endfunction()
