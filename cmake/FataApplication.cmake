# fata_application(NAME [TARGETS linux kvm xen] [NET host|direct] [KEYS name=value ...])
# Builds the application of this folder (its config.cpp) with the fata command, once for each
# target, into NAME-TARGET/ of the build folder. In an out-of-tree project:
#
#   cmake_minimum_required(VERSION 3.25)
#   project(site LANGUAGES CXX)
#   find_package(fata CONFIG REQUIRED)
#   fata_application(site TARGETS linux kvm)
find_program(FATA_COMMAND fata REQUIRED NO_DEFAULT_PATH
  PATHS ${CMAKE_CURRENT_LIST_DIR}/../../../bin ${CMAKE_CURRENT_LIST_DIR}/..)
function(fata_application name)
  cmake_parse_arguments(arg "" "NET" "TARGETS;KEYS" ${ARGN})
  if(NOT arg_TARGETS)
    set(arg_TARGETS linux)
  endif()
  set(options)
  if(arg_NET)
    list(APPEND options --net ${arg_NET})
  endif()
  foreach(key ${arg_KEYS})
    list(APPEND options -D ${key})
  endforeach()
  foreach(target ${arg_TARGETS})
    add_custom_target(${name}-${target} ALL
      COMMAND ${FATA_COMMAND} build ${CMAKE_CURRENT_SOURCE_DIR} -t ${target} ${options}
              --build-dir ${CMAKE_CURRENT_BINARY_DIR}/${name}-${target}
      USES_TERMINAL VERBATIM COMMENT "fata build ${name} for ${target}")
  endforeach()
endfunction()
