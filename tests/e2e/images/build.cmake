# cmake -DSOURCE=... -DARCH=... -DBUILD=... -DPACK=... -P build.cmake: configures (once) and builds
# the images of the e2e tests, with the libraries of the clone's own kernel tree.
set(tree ${SOURCE}/build/kernel-${ARCH})
set(configure ${CMAKE_COMMAND} -G Ninja --toolchain ${SOURCE}/cmake/toolchain-kernel-${ARCH}.cmake
  -DCMAKE_BUILD_TYPE=Release)
# The command, which other tests run at the same time, takes this lock to build in the tree.
file(MAKE_DIRECTORY ${tree})
set(locked flock ${tree}/.lock)
if(NOT EXISTS ${tree}/build.ninja)
  execute_process(COMMAND ${locked} ${configure} -S ${SOURCE} -B ${tree}
    COMMAND_ERROR_IS_FATAL ANY)
endif()
execute_process(COMMAND ${locked} ${CMAKE_COMMAND} --build ${tree} --target with_platform_kvm
  with_platform_xen with_virtio COMMAND_ERROR_IS_FATAL ANY)

set(known)
if(EXISTS ${BUILD}/build.ninja)
  file(STRINGS ${BUILD}/CMakeCache.txt known REGEX "FATA_PACK:[A-Z]+=${PACK}$")
endif()
if(NOT known)
  execute_process(COMMAND ${configure} --fresh -S ${CMAKE_CURRENT_LIST_DIR} -B ${BUILD}
    -Dfata_DIR=${tree} -DFATA_PACK=${PACK} COMMAND_ERROR_IS_FATAL ANY)
endif()
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD} COMMAND_ERROR_IS_FATAL ANY)
