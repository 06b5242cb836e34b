# fata_image(NAME [CPU_ENTROPY_ONLY] SOURCES ... DEPS ...)
#
# One unikernel: SOURCES define `fata::image_main` (fata/async/image.hpp); DEPS are the fata
# libraries that it uses.
#   process   the executable NAME; with FATA_SIMULATED, a static library for a program that runs
#             images in sim::Simulator
#   kernel    for the hypervisor FATA_HYPERVISOR (kvm, or xen): NAME.elf, the kernel with symbols
#             (for a symboliser or a debugger), and beside it NAME.img, the same kernel stripped
#             (for a hypervisor to boot). If FATA_PACK names the program fata-pack, NAME.img unpacks
#             itself, if that makes it smaller
# CPU_ENTROPY_ONLY omits the driver of virtio-rng (some 7 KB): such a kernel starts only with RDRAND
# or RDSEED. The property FATA_IMAGE of the target NAME holds the path of the file to run.
set(FATA_IMAGE_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/../platform/arch/${FATA_ARCH}/image.ld)
if(NOT EXISTS ${FATA_IMAGE_SCRIPT})
  set(FATA_IMAGE_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/${FATA_ARCH}/image.ld)
endif()
cmake_path(NORMAL_PATH FATA_IMAGE_SCRIPT)

function(fata_image name)
  cmake_parse_arguments(arg "CPU_ENTROPY_ONLY" "" "SOURCES;DEPS" ${ARGN})
  if(FATA_SIMULATED)
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PUBLIC fata::platform_sim)
  else()
    add_executable(${name} ${arg_SOURCES})
  endif()
  foreach(dep ${arg_DEPS})
    target_link_libraries(${name} PRIVATE fata::${dep})
  endforeach()
  if(FATA_SIMULATED)
    return()
  endif()
  if(FATA_PLATFORM STREQUAL "process")
    target_link_libraries(${name} PRIVATE fata::platform_linux_main)
    set_target_properties(${name} PROPERTIES FATA_IMAGE ${CMAKE_CURRENT_BINARY_DIR}/${name})
    return()
  endif()

  if(NOT FATA_HYPERVISOR)
    set(FATA_HYPERVISOR kvm)
  endif()
  target_link_libraries(${name} PRIVATE fata::platform_${FATA_HYPERVISOR})
  if(FATA_HYPERVISOR STREQUAL "kvm" AND TARGET fata::virtio AND NOT arg_CPU_ENTROPY_ONLY)
    # Only a weak reference leads to the driver of virtio-rng, and a weak reference alone links
    # nothing from an archive.
    target_link_libraries(${name} PRIVATE fata::virtio)
    target_link_options(${name} PRIVATE "SHELL:-u fata_gather_boot_entropy")
  endif()
  # Relative to the folder in which ninja links: CMake escapes a $ in a link option's path twice.
  configure_file(${FATA_IMAGE_SCRIPT} ${CMAKE_CURRENT_BINARY_DIR}/image.ld COPYONLY)
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_BINARY_DIR BASE_DIRECTORY ${CMAKE_BINARY_DIR}
    OUTPUT_VARIABLE here)
  target_link_options(${name} PRIVATE
    "--script=${here}/image.ld" -pie --no-dynamic-linker "SHELL:-z text" --pack-dyn-relocs=relr
    --gc-sections --icf=all --no-dependent-libraries "SHELL:-z max-page-size=4096"
    "SHELL:-u fata_start"
    "--Map=${here}/${name}.map" ${FATA_CFI_LINK_OPTIONS})
  set_target_properties(${name} PROPERTIES SUFFIX .elf LINK_DEPENDS
    "${CMAKE_CURRENT_BINARY_DIR}/image.ld;${FATA_PACK}"
    FATA_IMAGE ${CMAKE_CURRENT_BINARY_DIR}/${name}.img)
  set(pack)
  if(FATA_PACK)
    set(pack COMMAND ${FATA_PACK} ${name}.img ${name}.img)
  endif()
  add_custom_command(TARGET ${name} POST_BUILD
    COMMAND ${FATA_OBJCOPY} --strip-all --strip-sections ${name}.elf ${name}.img ${pack}
    WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR} BYPRODUCTS ${name}.img VERBATIM)
endfunction()
