# What find_package(fata) finds: in this build tree for the fata command, and after an install for everybody. Both are the
# same file, fataConfig.cmake, beside one export a target.
set(FATA_PACKAGE_DIR lib/cmake/fata)
set(FATA_CMAKE_FILES FataOptions.cmake FataImage.cmake FataApplication.cmake)

include(CMakePackageConfigHelpers)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/fataConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
configure_file(${CMAKE_SOURCE_DIR}/cmake/fataConfig.cmake.in ${CMAKE_BINARY_DIR}/fataConfig.cmake @ONLY)
foreach(file ${FATA_CMAKE_FILES})
  configure_file(${CMAKE_SOURCE_DIR}/cmake/${file} ${CMAKE_BINARY_DIR}/${file} COPYONLY)
  install(FILES ${CMAKE_SOURCE_DIR}/cmake/${file} DESTINATION ${FATA_PACKAGE_DIR})
endforeach()
export(EXPORT fata-${FATA_TARGET} NAMESPACE fata:: FILE ${CMAKE_BINARY_DIR}/fata-${FATA_TARGET}.cmake)
install(EXPORT fata-${FATA_TARGET} NAMESPACE fata:: DESTINATION ${FATA_PACKAGE_DIR})
install(FILES ${CMAKE_BINARY_DIR}/fataConfig.cmake ${CMAKE_BINARY_DIR}/fataConfigVersion.cmake
  DESTINATION ${FATA_PACKAGE_DIR})
