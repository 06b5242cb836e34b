# cmake -DSOURCE=... -DARCH=... -DBUILD=... -DPACK=... -P build.cmake: configures (once) and builds
# the images of the e2e tests.
set(known)
if(EXISTS ${BUILD}/build.ninja)
  file(STRINGS ${BUILD}/CMakeCache.txt known REGEX "FATA_PACK:[A-Z]+=${PACK}$")
endif()
if(NOT known)
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${BUILD} -G Ninja
    --toolchain ${SOURCE}/cmake/toolchain-kernel-${ARCH}.cmake -DFATA_E2E_IMAGES=ON
    -DFATA_PACK=${PACK}
    COMMAND_ERROR_IS_FATAL ANY)
endif()
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD} --target e2e_images
  COMMAND_ERROR_IS_FATAL ANY)
