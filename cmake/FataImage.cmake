# fata_image(NAME SOURCES ... DEPS ...)
# The image of an application for FATA_TARGET: on linux an executable NAME. DEPS are Fata's libraries; the platform
# is added. NAME.map lists what is in it.
function(fata_image name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  foreach(dep ${arg_DEPS})
    target_link_libraries(${name} PRIVATE fata::${dep})
  endforeach()
  target_link_libraries(${name} PRIVATE fata::platform_linux)
  target_link_options(${name} PRIVATE -Wl,-Map=${name}.map)
endfunction()
