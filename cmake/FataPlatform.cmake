# The axes of a build tree: FATA_PLATFORM and FATA_ARCH. One tree serves one pair, and board and
# hypervisor are chosen when an image is linked (fata_image). Sets FATA_TREE, the pair's name.
#   process   the libraries for Linux processes; with FATA_TOOL, the host tool
#   kernel    the libraries for kernels on every hypervisor; needs the processor's toolchain file
if(DEFINED FATA_TARGET)
  # A tree that an earlier version configured for processes is still right: its cache has the
  # description of the former option, which one from the command line lacks.
  get_property(description CACHE FATA_TARGET PROPERTY HELPSTRING)
  if(NOT FATA_TARGET STREQUAL "linux" OR NOT description STREQUAL "linux or kvm")
    message(FATAL_ERROR "FATA_TARGET has become two options: use -DFATA_PLATFORM=process in place "
      "of linux, and -DFATA_PLATFORM=kernel -DFATA_ARCH=PROCESSOR in place of kvm. A kernel's "
      "toolchain file sets both.")
  endif()
  unset(FATA_TARGET CACHE)
endif()

set(FATA_PLATFORM process CACHE STRING "process or kernel")
set(FATA_ARCH ${CMAKE_SYSTEM_PROCESSOR} CACHE STRING "The processor, as CMake names it")
file(GLOB toolchains RELATIVE ${CMAKE_CURRENT_LIST_DIR}
  ${CMAKE_CURRENT_LIST_DIR}/toolchain-kernel-*.cmake)
set(toolchain toolchain-kernel-${FATA_ARCH}.cmake)
if(NOT FATA_PLATFORM MATCHES "^(process|kernel)$")
  message(FATAL_ERROR "FATA_PLATFORM is process or kernel, not ${FATA_PLATFORM}")
elseif(FATA_PLATFORM STREQUAL "kernel" AND NOT toolchain IN_LIST toolchains)
  message(FATAL_ERROR "There are no kernels for the processor ${FATA_ARCH}; cmake/ holds "
    "${toolchains}")
elseif(FATA_PLATFORM STREQUAL "kernel" AND NOT CMAKE_TOOLCHAIN_FILE MATCHES "/${toolchain}$")
  message(FATAL_ERROR "Kernels need --toolchain cmake/${toolchain}")
elseif(FATA_PLATFORM STREQUAL "process" AND NOT FATA_ARCH STREQUAL CMAKE_SYSTEM_PROCESSOR)
  message(FATAL_ERROR "This toolchain compiles for ${CMAKE_SYSTEM_PROCESSOR}, not ${FATA_ARCH}")
endif()
set(FATA_TREE ${FATA_PLATFORM}-${FATA_ARCH})
