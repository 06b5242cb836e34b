# cmake -DSOURCE=... -DARCH=... -DBUILD=... -DPACK=... [-DCFI=ON] [-DTARGETS=...]
# -P build.cmake: configures (once) and builds the images of the e2e tests.
if(NOT TARGETS)
  set(TARGETS e2e_images)
endif()
if(NOT CFI)
  set(CFI OFF)
endif()
set(known)
if(EXISTS ${BUILD}/build.ninja)
  file(STRINGS ${BUILD}/CMakeCache.txt known REGEX "FATA_PACK:[A-Z]+=${PACK}$")
endif()
if(NOT known)
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${BUILD} -G Ninja
    --toolchain ${SOURCE}/cmake/toolchain-kernel-${ARCH}.cmake -DFATA_E2E_IMAGES=ON
    -DFATA_PACK=${PACK} -DFATA_CFI=${CFI}
    COMMAND_ERROR_IS_FATAL ANY)
endif()
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD} --target ${TARGETS} COMMAND_ERROR_IS_FATAL
  ANY)
