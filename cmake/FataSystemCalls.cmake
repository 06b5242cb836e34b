# Writes FATA_SYSTEM_CALLS/system_call_table.hpp: number and name of each system call in the C
# library's headers, for messages and for checks of names.
set(FATA_SYSTEM_CALLS ${CMAKE_BINARY_DIR}/generated)
file(WRITE ${FATA_SYSTEM_CALLS}/system_calls.c "#include <sys/syscall.h>\n")
execute_process(COMMAND ${CMAKE_C_COMPILER} -E -dM ${FATA_SYSTEM_CALLS}/system_calls.c
  OUTPUT_VARIABLE macros RESULT_VARIABLE failed)
string(REGEX MATCHALL "#define __NR_[a-z0-9_]+ [0-9]+" macros "${macros}")
if(failed OR NOT macros)
  message(FATAL_ERROR "sys/syscall.h cannot be read; install libc6-dev")
endif()
list(SORT macros)
list(TRANSFORM macros REPLACE "#define __NR_([a-z0-9_]+) ([0-9]+)" "{\\2, \"\\1\"},")
list(JOIN macros "\n" names)
file(CONFIGURE OUTPUT ${FATA_SYSTEM_CALLS}/system_call_table.hpp CONTENT "#pragma once

#include <cstdint>
#include <string_view>

namespace fata {

struct SystemCallName {
  std::uint32_t number;
  std::string_view name;
};
inline constexpr SystemCallName kSystemCallNames[] = {
@names@
};

}  // namespace fata
" @ONLY)
