# cmake -DSOURCE=... -DARCH=... -DBUILD=... -P headers_kernel.cmake: compiles every public header
# that kernels use alone, for them. It configures (once) a tree of its own and builds no library in
# it: a build in the kernels' own tree would hold its lock while other tests build applications.
if(NOT EXISTS ${BUILD}/build.ninja)
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${BUILD} -G Ninja
    --toolchain ${SOURCE}/cmake/toolchain-kernel-${ARCH}.cmake -DCMAKE_BUILD_TYPE=Release
    COMMAND_ERROR_IS_FATAL ANY)
endif()
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD} --target
  all_verify_interface_header_sets COMMAND_ERROR_IS_FATAL ANY)
