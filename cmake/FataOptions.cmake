# Compile options shared by every library of every target. Options of one target are in its
# toolchain file.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(FATA_PLATFORM STREQUAL "process")
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)  # an image is one: its toolchain file says how
endif()
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# A kernel is built for size; code that runs for every packet or query selects speed by
# fata_hot_sources() or fata_warm_sources().
if(FATA_PLATFORM STREQUAL "process")
  set(FATA_OPTIMIZE -O2)
else()
  set(FATA_OPTIMIZE -Oz)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "${FATA_OPTIMIZE} -g1")
set(CMAKE_C_FLAGS_RELEASE "${FATA_OPTIMIZE} -g1")

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "Fata needs clang++-19: configure with -DCMAKE_CXX_COMPILER=clang++-19")
endif()

add_compile_options(-Wall -Wextra -Werror -fno-omit-frame-pointer -ffunction-sections
  -fdata-sections
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions> $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>)
if(FATA_PLATFORM STREQUAL "process")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-stdlib=libc++> -fstack-protector-strong
    -fstack-clash-protection)
  # Relocated constants, virtual function tables included, are read-only after startup.
  add_link_options(-stdlib=libc++ -fuse-ld=lld-19 -static-libstdc++
    -Wl,--gc-sections,-z,relro,-z,now)
  if(NOT FATA_SANITIZE)  # it needs optimization, and sanitizers check what it does
    add_compile_options($<$<CONFIG:Release>:-U_FORTIFY_SOURCE>
      $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=3>)
  endif()
  set(hardening _LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_FAST)
  add_compile_definitions($<$<COMPILE_LANGUAGE:CXX>:${hardening}>)
endif()
# An uninitialized variable holds no data of an earlier call. [[clang::uninitialized]] exempts
# variables that are set before they are read, where zeroes cost much. In a kernel, the variables of
# an application's own sources are not zeroed: that would bring the name server to 200,000 bytes.
# See docs/decisions/what-hardening-costs.md.
if(FATA_PLATFORM STREQUAL "process" OR NOT FATA_GENERATED)
  add_compile_options($<$<COMPILE_LANGUAGE:C,CXX>:-ftrivial-auto-var-init=zero>)
endif()
if(FATA_SOURCE_NAME)
  # For a package: the name of the source folder in debug information does not depend on the build
  # folder.
  add_compile_options("-ffile-prefix-map=${CMAKE_SOURCE_DIR}=${FATA_SOURCE_NAME}")
endif()
if(FATA_PLATFORM STREQUAL "kernel")
  # File names in an image are short and independent of the build folder.
  add_compile_options("-fmacro-prefix-map=${FATA_SOURCE_ROOT}="
    -fmacro-prefix-map=${FATA_LIBCXX_HEADERS}/=)
  foreach(headers "${FATA_LIBCXX_CONFIG}" "${FATA_LIBCXX_HEADERS}")
    string(REPLACE ">" "$<ANGLE-R>" headers "${headers}")
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-isystem${headers}>")
  endforeach()
endif()
# Checks of indirect calls: by the type of the object (cfi-vcall), by the type of the function
# (cfi-icall). They need the whole image, so compiled code is LLVM bitcode until the image is
# linked, and it is optimized as a whole. See docs/decisions/what-hardening-costs.md.
if(FATA_PLATFORM STREQUAL "kernel")
  # The cache of a tree that an earlier version configured holds that version's default, OFF.
  get_property(description CACHE FATA_CFI PROPERTY HELPSTRING)
  if(description STREQUAL "Kernels trap at a forged virtual call or function pointer")
    unset(FATA_CFI CACHE)
  endif()
  option(FATA_CFI "Trap at a forged virtual call or function pointer" ON)
endif()
if(FATA_CFI)
  if(FATA_PLATFORM STREQUAL "process")
    message(FATAL_ERROR
      "FATA_CFI is for kernels: use -DFATA_PLATFORM=kernel and its toolchain file")
  endif()
  # Debug information for profiling has the whole names of inlined functions, for backtraces.
  set(FATA_CFI_OPTIONS -flto -fvisibility=hidden -fwhole-program-vtables
    -fsanitize=cfi-vcall,cfi-icall -fsanitize-trap=cfi -fdebug-info-for-profiling)
  add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:${FATA_CFI_OPTIONS}>")
  # The compiler has inlined what is fast. The linker inlines only what makes the image smaller.
  set(FATA_CFI_LINK_OPTIONS "SHELL:-mllvm -inline-threshold=0")
endif()
if(FATA_SANITIZE)
  add_compile_options(-fsanitize=address,undefined,local-bounds,implicit-integer-truncation
    -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined,implicit-integer-truncation)
endif()
if(FATA_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(FATA_CCACHE ccache)
if(FATA_CCACHE)
  # Two build folders of one tree compile the same kernels, with absolute source paths, so the hash
  # ignores the folder (NOHASHDIR). Precompiled headers are known by their checksums
  # (precompile.sh). The tests' tree has its sources by their paths in the clone, so that clones
  # share results. Other trees have no base folder, whatever the user's configuration: with one,
  # ccache can return dependencies of another clone, and once that is gone, ninja builds again each
  # time.
  set(base)
  if(FATA_TESTS)
    set(base ${CMAKE_SOURCE_DIR})
  endif()
  set(settings CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=${base})
  if(FATA_PRECOMPILE)
    list(APPEND settings CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_PCH_EXTSUM=1)
  endif()
  set(CMAKE_C_COMPILER_LAUNCHER env ${settings} ${FATA_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()
