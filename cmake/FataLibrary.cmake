# fata_hot_sources(FILE ...): these are built for speed even if the rest is built for size. Mark
# their functions that run once or rarely with [[clang::minsize]].
function(fata_hot_sources)
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Release>:-O2>)
endfunction()

# fata_warm_sources(FILE ...): between the two, for code that runs often but gains little from -O2
# for its size.
function(fata_warm_sources)
  if(NOT FATA_PLATFORM STREQUAL "process")
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Release>:-Os>)
  endif()
endfunction()

# fata_small_accessor_sources(FILE ...): as fata_small_accessors(), for some sources of a library.
function(fata_small_accessor_sources)
  if(NOT FATA_PLATFORM STREQUAL "process")
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "-mllvm;-inline-threshold=40")
  endif()
endfunction()

# fata_small_accessors(NAME [MORE FILE ...] [MOST FILE ...]): for a library of many one-line
# accessors, which -Oz alone would call instead of inlining. MORE, MOST: files that become even
# smaller if larger functions are inlined, because most of these functions have one caller. Call it
# after fata_hot_sources and fata_warm_sources, which replace a file's options.
function(fata_small_accessors name)
  if(FATA_PLATFORM STREQUAL "process")
    return()
  endif()
  cmake_parse_arguments(arg "" "" "MORE;MOST" ${ARGN})
  get_target_property(sources fata_${name} SOURCES)
  foreach(source ${sources})
    set(threshold 40)
    if(source IN_LIST arg_MORE)
      set(threshold 120)
    elseif(source IN_LIST arg_MOST)
      set(threshold 300)
    endif()
    set_property(SOURCE ${source} APPEND PROPERTY COMPILE_OPTIONS -mllvm
      -inline-threshold=${threshold})
  endforeach()
endfunction()

# fata_unzeroed_sources(FILE ...): sources that run before an image serves clients: they read the
# operator's own text or connect a device. In a kernel, their variables are not zeroed. Call it
# after fata_hot_sources and fata_warm_sources, which replace a file's options.
function(fata_unzeroed_sources)
  if(NOT FATA_PLATFORM STREQUAL "process")
    set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS
      -ftrivial-auto-var-init=uninitialized)
  endif()
endfunction()

# fata_machine_code(NAME): compiles the library to machine code even if an image is optimized as a
# whole (FATA_CFI). Use it for code that runs before the image is relocated, and for functions to
# which the compiler itself generates calls.
function(fata_machine_code name)
  if(FATA_CFI)
    set(machine_code -fno-sanitize=cfi -fno-whole-program-vtables -fno-lto)
    target_compile_options(fata_${name} PRIVATE "$<$<COMPILE_LANGUAGE:C,CXX>:${machine_code}>")
  endif()
endfunction()

# The install folders of libraries and headers. The headers have their own folder: as
# `-isystem /usr/include` they would bring the host's headers into a kernel, before its own.
set(FATA_ARCHIVE_DIR lib/fata/${FATA_TREE})
set(FATA_HEADER_DIR include/fata-image)

# fata_library(NAME SOURCES ... DEPS ... TESTS ... TEST_DEPS ... [INCLUDES folder ...])
#
# One folder, one library: `fata_NAME` (alias fata::NAME), public headers under include/ (and
# INCLUDES). Each header compiles alone: it is the first include of a source, or it is verified with
# the others of the file set `alone`. DEPS are the fata libraries it may include. TESTS become one
# executable `NAME_test`. A library without SOURCES is header-only.
function(fata_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;TESTS;TEST_DEPS;INCLUDES" ${ARGN})
  set(target fata_${name})
  # A clone has no empty folders, and CMake refuses folders that do not exist.
  set(bases)
  foreach(folder include ${arg_INCLUDES})
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder})
      list(APPEND bases ${CMAKE_CURRENT_SOURCE_DIR}/${folder})
    endif()
  endforeach()
  set(headers)
  foreach(base ${bases})
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${base}/*.hpp)
    list(APPEND headers ${found})
  endforeach()
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(fata::${name} ALIAS ${target})
  set(proven)
  foreach(source ${arg_SOURCES})
    file(STRINGS ${source} first REGEX "^#include" LIMIT_COUNT 1)
    string(REGEX REPLACE "^#include [<\"](.*)[>\"].*" "\\1" first "${first}")
    foreach(base ${bases})
      list(APPEND proven ${base}/${first})
    endforeach()
  endforeach()
  set(alone ${headers})
  list(REMOVE_ITEM alone ${proven})
  list(REMOVE_ITEM headers ${alone})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  if(alone)  # otherwise CMake makes no target to verify them
    set_property(GLOBAL APPEND PROPERTY FATA_VERIFIED ${target})
  endif()
  set(installed_headers)
  if(bases)
    set(installed_headers FILE_SET HEADERS DESTINATION ${FATA_HEADER_DIR}
      FILE_SET alone DESTINATION ${FATA_HEADER_DIR})
    target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS ${bases} FILES ${headers})
    target_sources(${target} ${scope} FILE_SET alone TYPE HEADERS BASE_DIRS ${bases}
      FILES ${alone})
    set_target_properties(${target} PROPERTIES
      VERIFY_INTERFACE_HEADER_SETS ON INTERFACE_HEADER_SETS_TO_VERIFY alone)
  endif()
  target_compile_features(${target} ${scope} cxx_std_23)
  foreach(dep ${arg_DEPS})
    target_link_libraries(${target} ${scope} fata_${dep})
  endforeach()
  # Relative to this tree, so that a clone in a folder called `base`, or an application's own `lib`,
  # does not match.
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY
    "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/.."
             OUTPUT_VARIABLE in_tree)
  if(arg_SOURCES AND in_tree MATCHES "^(lib|base|async|sig)(/|$)")
    target_compile_options(${target} PRIVATE -Wunsafe-buffer-usage)
  endif()
  if(arg_SOURCES AND FATA_PRECOMPILE)
    target_compile_options(${target} PRIVATE $<$<BOOL:${FATA_TESTS}>:-O1>)
    target_precompile_headers(${target} REUSE_FROM fata_library_headers)
  endif()
  # `ninja with_NAME` builds the library and all its dependencies, even if it is header-only and has
  # nothing to build itself.
  add_custom_target(with_${name})
  add_dependencies(with_${name} ${target})
  foreach(dep ${arg_DEPS})
    add_dependencies(with_${name} with_${dep})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY FATA_LIBRARIES ${target})
  install(TARGETS ${target} EXPORT fata-${FATA_TREE}
    ARCHIVE DESTINATION ${FATA_ARCHIVE_DIR} ${installed_headers})

  if(FATA_TESTS AND arg_TESTS)
    fata_test(${name}_test SOURCES ${arg_TESTS} DEPS ${name} ${arg_TEST_DEPS})
  endif()
endfunction()
