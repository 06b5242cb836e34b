// Attacks one guard of the machine, chosen by the first parameter. Each attack must end in a report
// that names the violation. An image that survives logs this and ends with status 1.
#include <array>
#include <coroutine>
#include <cstring>
#include <new>
#include <span>
#include <vector>

#include "fata/async/image.hpp"
#include "fata/async/wait.hpp"
#include "fata/base/danger.hpp"
#include "fata/base/log.hpp"
#include "fata/base/platform.hpp"

namespace fata {
namespace {

// Hides a value from the optimizer, which would otherwise detect and remove the faulty access.
template <class T>
[[gnu::noinline]] T hidden(T value) {
  asm volatile("" : "+r"(value)::"memory");
  return value;
}

constexpr char kReturn = static_cast<char>(0xc3);
constinit char data_code[64] = {kReturn};
constexpr std::uint64_t kConstants[4]{1, 2, 3, 4};

// Exempt from FATA_CFI's checks, because this attack tests the page protections.
[[gnu::noinline, clang::no_sanitize("cfi-icall")]] void call(const void* code) {
  reinterpret_cast<void (*)()>(reinterpret_cast<std::uintptr_t>(hidden(code)))();
}

void write_to_code() {
  *reinterpret_cast<volatile char*>(hidden(reinterpret_cast<std::uintptr_t>(&call))) = kReturn;
}
void write_to_constants() { const_cast<volatile std::uint64_t*>(hidden(&kConstants[0]))[1] = 5; }
void execute_data() { call(data_code); }
void execute_heap() {
  char* const code = hidden(new char[64]);
  code[0] = kReturn;
  call(code);
}
void execute_stack() {
  char code[64];
  std::memset(hidden(&code[0]), kReturn, sizeof(code));
  call(code);
}
void read_null() { (void)*reinterpret_cast<volatile int*>(hidden<std::uintptr_t>(0)); }
void write_null() { *reinterpret_cast<volatile int*>(hidden<std::uintptr_t>(0x128)) = 1; }
void call_null() { call(nullptr); }
[[gnu::noinline]] int recurse(int depth) {
  volatile char frame[512];
  frame[0] = static_cast<char>(depth);
  return hidden(depth) < 0 ? 0 : recurse(depth + 1) + frame[0];
}
void overrun_stack() { (void)recurse(0); }
[[gnu::noinline]] void smash_canary() {
  char buffer[16];
  std::memset(hidden(&buffer[0]), 'A', hidden<std::size_t>(64));
  asm volatile("" ::"r"(&buffer) : "memory");
}
void index_out_of_bounds() {
  std::array<int, 4> numbers{};
  const std::span<int> view(numbers);
  view[hidden<std::size_t>(4)] = 1;
}
void exhaust_heap() {
  for (;;) std::memset(hidden(new char[65536]), 1, 65536);
}
void free_twice() {
  char* const memory = hidden(new char[64]);
  delete[] memory;
  delete[] hidden(memory);
}
void overrun_heap() {
  char* const memory = hidden(new char[32]);
  char* const next = hidden(new char[32]);
  // 96 bytes reach past any slack of the block: it may be a reused block that is larger than
  // requested.
  std::memset(memory + 32, 0, hidden<std::size_t>(96));
  delete[] memory;
  delete[] next;
}
// Overwrites the next pointer of the second freed block with an array's address. The heap must
// never return that array.
void write_to_freed() {
  alignas(16) static char array[64];
  char* const first = hidden(new char[40]);
  char* const wall = hidden(new char[40]);
  char* const second = hidden(new char[40]);
  char* const wall_too = hidden(new char[40]);
  delete[] first;
  delete[] second;
  char* const target = hidden(&array[0]);
  std::memcpy(second, &target, sizeof target);
  for (unsigned i = 0; i < 2; ++i) {
    if (hidden(new char[40]) == target + 16) return;
  }
  delete[] wall;
  delete[] wall_too;
}
std::uint64_t tables() {
  std::uint64_t root;
  asm volatile("mov %%cr3, %0" : "=r"(root));
  return root;
}
void write_to_tables() { *reinterpret_cast<volatile std::uint64_t*>(hidden(tables())) = 3; }
void read_tables() { (void)*reinterpret_cast<volatile std::uint64_t*>(hidden(tables() + 0x800)); }
// A frame larger than the gap between the stack and other memory. Only its far end is written.
[[gnu::noinline]] char leap_frame(std::size_t far) {
  volatile char frame[0x60000];
  frame[hidden<std::size_t>(far)] = 1;
  return frame[hidden<std::size_t>(far)];
}
void leap_over_guard() { (void)hidden(leap_frame(0)); }
void divide_by_zero() { (void)hidden(hidden(7) / hidden(0)); }
void fail_a_check() { check(hidden(false), "the check that fails"); }
void use_unmapped() {
  (void)*reinterpret_cast<volatile int*>(hidden<std::uintptr_t>(0x123456789000));
}
void use_non_canonical() {
  (void)*reinterpret_cast<volatile int*>(hidden<std::uintptr_t>(0x8000123456789000));
}

// Forward edges: indirect calls. This function is the attacker's target; no code calls it.
[[gnu::noinline]] void run_for_the_attacker() { panic("code of the attacker's choice ran"); }
using Code = void (*)();
// An address in the middle of code, where no function begins.
extern "C" const char fata_guards_middle[];
asm(R"(
  .pushsection .text.fata_guards_function, "ax"
  ret
  .globl fata_guards_middle
fata_guards_middle:
  jmp *%rsi
  .popsection
)");

class Device {
 public:
  virtual ~Device() = default;
  virtual void poll(Code code) { polled_ = code; }

 private:
  Code polled_ = nullptr;
};
class OtherDevice final : public Device {
 public:
  void poll(Code) override {}
};
// A virtual call on an object with an overwritten vtable pointer. All entries of the forged table
// point to `code`.
[[gnu::noinline]] void forge_table(const void* code) {
  static constinit const void* table[8];
  for (const void*& entry : table) entry = hidden(code);
  Device* const device =
      hidden(hidden(1) == 0 ? static_cast<Device*>(new OtherDevice) : new Device);
  const void* const forged = &table[2];
  std::memcpy(hidden(static_cast<void*>(device)), &forged, sizeof forged);
  hidden(device)->poll(hidden(&run_for_the_attacker));
}
const void* address_of(Code function) { return reinterpret_cast<const void*>(function); }
void forge_table_to_data() { forge_table(data_code); }
void forge_table_to_function() { forge_table(address_of(&run_for_the_attacker)); }
void forge_table_to_middle() { forge_table(fata_guards_middle); }
void write_to_table() {
  Device* const device = hidden<Device*>(new Device);
  void** table = nullptr;
  std::memcpy(&table, static_cast<void*>(device), sizeof table);
  *const_cast<void* volatile*>(hidden(table)) = nullptr;
}

// A function pointer, overwritten with a function of another type.
void forge_pointer() {
  int (*pointer)(int) = nullptr;
  const void* const forged = address_of(&run_for_the_attacker);
  std::memcpy(hidden(static_cast<void*>(&pointer)), &forged, sizeof forged);
  (void)hidden(hidden(pointer)(1));
}
// A function pointer, overwritten with another function of the same type, which no type check can
// detect.
void forge_pointer_of_its_type() {
  Code pointer = nullptr;
  const void* const forged = address_of(&run_for_the_attacker);
  std::memcpy(hidden(static_cast<void*>(&pointer)), &forged, sizeof forged);
  hidden(pointer)();
}

// A suspended coroutine. Its frame begins with the address at which it resumes.
struct Waiting {
  struct promise_type {
    Waiting get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
  std::coroutine_handle<> handle;
};
Waiting wait_once() {
  (void)hidden(1);
  co_return;
}
[[gnu::noinline]] void forge_frame(const void* code) {
  void* const frame = hidden(wait_once().handle.address());
  std::memcpy(frame, &code, sizeof code);
  std::coroutine_handle<>::from_address(hidden(frame)).resume();
}
void forge_frame_to_data() { forge_frame(data_code); }
void forge_frame_to_function() { forge_frame(address_of(&run_for_the_attacker)); }

struct Attack {
  std::string_view name;
  void (*run)();
};
constexpr Attack kAttacks[]{
    {"write-code", write_to_code},
    {"write-constants", write_to_constants},
    {"execute-data", execute_data},
    {"execute-heap", execute_heap},
    {"execute-stack", execute_stack},
    {"read-null", read_null},
    {"write-null", write_null},
    {"call-null", call_null},
    {"overrun-stack", overrun_stack},
    {"smash-canary", smash_canary},
    {"bounds", index_out_of_bounds},
    {"exhaust-heap", exhaust_heap},
    {"free-twice", free_twice},
    {"overrun-heap", overrun_heap},
    {"divide-by-zero", divide_by_zero},
    {"check", fail_a_check},
    {"unmapped", use_unmapped},
    {"non-canonical", use_non_canonical},
    {"write-freed", write_to_freed},
    {"write-tables", write_to_tables},
    {"read-tables", read_tables},
    {"leap-over-guard", leap_over_guard},
    {"write-vtable", write_to_table},
    {"forge-pointer", forge_pointer},
    {"forge-pointer-of-its-type", forge_pointer_of_its_type},
    {"forge-vtable-to-data", forge_table_to_data},
    {"forge-vtable-to-function", forge_table_to_function},
    {"forge-vtable-to-middle", forge_table_to_middle},
    {"forge-frame-to-data", forge_frame_to_data},
    {"forge-frame-to-function", forge_frame_to_function},
};

// A read of an unset variable: counts the octets of a secret that an earlier call left at the same
// place on the stack.
constexpr unsigned char kSecret = 0xa7;
struct Octets {
  unsigned char octets[256];
};
[[gnu::noinline]] void keep_secret() {
  Octets secret;
  std::memset(hidden(&secret.octets[0]), kSecret, sizeof secret);
  asm volatile("" ::"r"(&secret) : "memory");
}
std::size_t count_secret(const Octets& seen) {
  std::size_t count = 0;
  for (const unsigned char octet : seen.octets) count += octet == kSecret ? 1 : 0;
  return count;
}
[[gnu::noinline]] std::size_t read_unset() {
  Octets seen;
  asm volatile("" ::"r"(&seen) : "memory");
  return count_secret(seen);
}
// Exempt from automatic initialization: proves that the secret is still there.
[[gnu::noinline]] std::size_t read_unset_exempt() {
  [[clang::uninitialized]] Octets seen;
  asm volatile("" ::"r"(&seen) : "memory");
  return count_secret(seen);
}
struct Read {
  std::string_view name;
  std::size_t (*run)();
};
constexpr Read kReads[]{{"read-unset", read_unset}, {"read-unset-exempt", read_unset_exempt}};

async::Task<int> run(async::Context* context) {
  const Logger log = context->logger("guards");
  bool at_start = false;  // false: attack after the image has waited once
  for (const std::string_view word : platform::arguments()) {
    if (word == "at-start") at_start = true;
    for (const Read& read : kReads) {
      if (read.name != word) continue;
      keep_secret();
      log.info("octets of the secret: ", read.run());
      co_return 0;
    }
    for (const Attack& attack : kAttacks) {
      if (attack.name != word) continue;
      // Checks the idle count, because on a slow machine a sleep may end before the loop looks, and
      // the image has then not waited.
      while (!at_start && context->loop.stats().idles == 0)
        (void)co_await async::sleep(milliseconds(100));
      log.info("attack: ", word);
      attack.run();
      log.error("still alive after ", word);
    }
  }
  co_return 1;
}

}  // namespace

async::Task<int> image_main(async::Context& context) { return run(&context); }

}  // namespace fata
