# The files that find_package(fata) finds: in this build tree for the fata command, and after an
# install for all users. Both are fataConfig.cmake beside one export and one file of options per
# tree; they differ in the location of Fata's other CMake files.
set(package_dir lib/cmake/fata)
set(options ${CMAKE_BINARY_DIR}/fata-${FATA_TREE}-options.cmake)
file(CONFIGURE OUTPUT ${options} CONTENT "set(FATA_CFI \"@FATA_CFI@\")\n" @ONLY)
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/fataConfigVersion.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)

string(REPLACE "$" "\\$" FATA_CMAKE_DIR "${CMAKE_SOURCE_DIR}/cmake")
configure_file(${CMAKE_SOURCE_DIR}/cmake/fataConfig.cmake.in ${CMAKE_BINARY_DIR}/fataConfig.cmake
  @ONLY)
export(EXPORT fata-${FATA_TREE} NAMESPACE fata:: FILE
  ${CMAKE_BINARY_DIR}/fata-${FATA_TREE}.cmake)

set(FATA_CMAKE_DIR "\${CMAKE_CURRENT_LIST_DIR}")
configure_file(${CMAKE_SOURCE_DIR}/cmake/fataConfig.cmake.in
  ${CMAKE_BINARY_DIR}/install/fataConfig.cmake @ONLY)
install(EXPORT fata-${FATA_TREE} NAMESPACE fata:: DESTINATION ${package_dir})
install(FILES ${CMAKE_BINARY_DIR}/install/fataConfig.cmake ${options}
  ${CMAKE_BINARY_DIR}/fataConfigVersion.cmake
  cmake/FataOptions.cmake cmake/FataImage.cmake cmake/FataApplication.cmake DESTINATION
  ${package_dir})
if(FATA_PLATFORM STREQUAL "kernel")
  install(FILES ${CMAKE_TOOLCHAIN_FILE} DESTINATION ${package_dir})
  install(FILES platform/arch/${FATA_ARCH}/image.ld DESTINATION ${package_dir}/${FATA_ARCH})
  # The toolchain file looks for it beside itself.
  install(DIRECTORY platform/libc/libcxx DESTINATION ${package_dir})
else()
  # `fata run -t xen --lab`
  install(DIRECTORY tool/lab/ DESTINATION share/fata/lab PATTERN __pycache__ EXCLUDE
    PATTERN README.md EXCLUDE)
endif()
