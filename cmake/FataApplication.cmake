# fata_application(NAME [TARGETS linux kvm xen] [NET host|direct] [KEYS name=value ...])
# Builds the application of this folder (its config.cpp) with the fata command, once for each
# target, into NAME-TARGET/ of the build folder. In an out-of-tree project:
#
#   cmake_minimum_required(VERSION 3.25)
#   project(site LANGUAGES CXX)
#   find_package(fata CONFIG REQUIRED)
#   fata_application(site TARGETS linux kvm)
find_program(FATA_COMMAND fata REQUIRED NO_DEFAULT_PATH
  PATHS ${CMAKE_CURRENT_LIST_DIR}/.. ${CMAKE_CURRENT_LIST_DIR}/../../../bin)
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

# fata_simulation(NAME SOURCES ... APPLICATIONS folder ... [KEYS name=value ...])
# A program that runs these applications in sim::Simulator: SOURCES contain its main, which starts
# image_APPLICATION::run. The compiler must be clang++-19.
function(fata_simulation name)
  cmake_parse_arguments(arg "" "" "SOURCES;APPLICATIONS;KEYS" ${ARGN})
  set(options)
  foreach(key ${arg_KEYS})
    list(APPEND options -D ${key})
  endforeach()
  set(folders)
  set(images)
  foreach(application ${arg_APPLICATIONS})
    cmake_path(ABSOLUTE_PATH application NORMALIZE)
    cmake_path(GET application FILENAME folder)
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/${folder}-sim)
    execute_process(COMMAND ${FATA_COMMAND} build ${application} -t sim ${options}
      --build-dir ${folder} OUTPUT_VARIABLE library OUTPUT_STRIP_TRAILING_WHITESPACE
      COMMAND_ERROR_IS_FATAL ANY)
    cmake_path(GET library STEM image)
    string(REGEX REPLACE "^lib" "" image ${image})
    list(APPEND images ${image})
    list(APPEND folders ${folder})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${application}/config.cpp)
  endforeach()

  # The libraries of simulated images, as in the project of each image.
  set(FATA_GENERATED ON)
  set(FATA_PLATFORM process)
  set(FATA_ARCH ${CMAKE_HOST_SYSTEM_PROCESSOR})
  find_package(fata CONFIG REQUIRED)
  foreach(folder ${folders})
    add_subdirectory(${folder} ${folder}/linked EXCLUDE_FROM_ALL)
  endforeach()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${images})
endfunction()
