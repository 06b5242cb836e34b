# Cross-compiles for a freestanding x86-64 image: no operating system, libc++'s headers with our own
# configuration, musl's headers and archive (Debian: clang-19 lld-19 llvm-19 libc++-19-dev
# libclang-rt-19-dev musl-dev).
#   cmake -S . -B build/kernel-x86_64 -G Ninja --toolchain cmake/toolchain-kernel-x86_64.cmake
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(FATA_PLATFORM kernel CACHE STRING "process or kernel")
set(FATA_ARCH x86_64 CACHE STRING "The processor, as CMake names it")

foreach(lang C CXX ASM)
  set(CMAKE_${lang}_COMPILER_TARGET x86_64-unknown-none-elf)
endforeach()
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_ASM_COMPILER clang-19)
set(CMAKE_AR llvm-ar-19)
set(CMAKE_RANLIB llvm-ranlib-19)
find_program(FATA_LLD ld.lld-19 REQUIRED)
find_program(FATA_OBJCOPY llvm-objcopy-19 REQUIRED)

# The libc++ configuration is in platform/libc of the source tree; in an install, beside this file.
set(FATA_LIBCXX_CONFIG ${CMAKE_CURRENT_LIST_DIR}/../platform/libc/libcxx)
if(NOT EXISTS ${FATA_LIBCXX_CONFIG})
  set(FATA_LIBCXX_CONFIG ${CMAKE_CURRENT_LIST_DIR}/libcxx)
endif()
cmake_path(NORMAL_PATH FATA_LIBCXX_CONFIG)
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH FATA_SOURCE_ROOT)
string(APPEND FATA_SOURCE_ROOT "/")
set(FATA_LIBCXX_HEADERS /usr/lib/llvm-19/include/c++/v1)
set(FATA_MUSL_HEADERS /usr/include/x86_64-linux-musl)
set(FATA_MUSL_ARCHIVE /usr/lib/x86_64-linux-musl/libc.a)
# 128-bit division
set(FATA_BUILTINS_ARCHIVE /usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.builtins-x86_64.a)

# -fPIE -fdirect-access-external-data: the image is position independent and contains every symbol,
# so accesses need no address table.
# -mno-red-zone: an interrupt runs on the stack of the code that idles.
# -fstack-protector-strong: for this target clang reads the global __stack_chk_guard (and ignores
# -mstack-protector-guard=), which the start code puts on a read-only page. Debian's prebuilt
# archives read %fs:0x28; the start code fills both.
# -fstack-clash-protection: probes in large frames, so that none steps over a guard area. clang's
# driver ignores the flag for a target without a system, the compiler itself does not.
# No unwind tables: backtraces follow frame pointers.
# Flags that name one of our folders are in FataOptions.cmake: these flags are text, in which a
# space would end a word.
string(JOIN " " flags
  -nostdlibinc -fPIE -fdirect-access-external-data -mno-red-zone
  -fstack-protector-strong "-Xclang -fstack-clash-protection"
  -fno-asynchronous-unwind-tables -fno-unwind-tables)
set(CMAKE_C_FLAGS_INIT "${flags} -idirafter ${FATA_MUSL_HEADERS}")
set(CMAKE_CXX_FLAGS_INIT
  "${flags} -nostdinc++ -fno-threadsafe-statics -idirafter ${FATA_MUSL_HEADERS}")

# The linker is called directly: clang's driver for a target without a system would link with gcc.
set(CMAKE_CXX_LINK_EXECUTABLE
  "${FATA_LLD} <LINK_FLAGS> <OBJECTS> -o <TARGET> --start-group <LINK_LIBRARIES> --end-group")
set(CMAKE_C_LINK_EXECUTABLE "${CMAKE_CXX_LINK_EXECUTABLE}")
set(CMAKE_CXX_LINKER_WRAPPER_FLAG "")
set(CMAKE_C_LINKER_WRAPPER_FLAG "")

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
