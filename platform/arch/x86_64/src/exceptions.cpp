// Handles CPU exceptions: prints one line with the violation, the registers and a backtrace, and
// ends with status 125. An NMI reports the interrupted code, which then continues.
#include "fata/arch/boot.hpp"
#include "fata/arch/cpu.hpp"
#include "fata/arch/report.hpp"
#include "fata/base/danger.hpp"
#include "fata/base/platform.hpp"

extern "C" {
extern char __image_start[], __text_end[];
extern char fata_stacks[], fata_stacks_end[];
}

namespace fata::arch {
namespace {

struct Frame {
  std::uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
  std::uint64_t vector, error;
  std::uint64_t rip, cs, rflags, rsp, ss;
};

// By vector, each ended by a semicolon: a table of pointers would take twice the size.
constexpr std::string_view kNames =
    "division by zero;debug trap;NMI;breakpoint;overflow;bound range exceeded;"
    "failed check (trap);FPU not available;double fault;coprocessor overrun;invalid TSS;"
    "segment not present;stack segment fault;general protection;page fault;reserved exception;"
    "x87 error;misaligned access;machine check;SIMD error;virtualization exception;"
    "control protection;";

std::string_view name_of(std::uint64_t vector) {
  std::string_view names = kNames;
  for (; !names.empty(); --vector) {
    const std::size_t end = names.find(';');
    if (vector == 0) return names.substr(0, end);
    names.remove_prefix(end + 1);
  }
  return "exception";
}

bool in_code(std::uint64_t address) {
  return address - reinterpret_cast<std::uint64_t>(__image_start) <
         static_cast<std::uint64_t>(__text_end - __image_start);
}
bool on_stack(std::uint64_t address) {
  return address - reinterpret_cast<std::uint64_t>(fata_stacks) <
         static_cast<std::uint64_t>(fata_stacks_end - fata_stacks);
}

void write_address(TextWriter& out, std::uint64_t address) {
  const Region here = image();
  print(out, Hex{address});
  if (address - here.begin < here.size()) print(out, " (image+", Hex{address - here.begin}, ')');
}

void report_page_fault(const Frame& frame) {
  constexpr std::uint64_t kPresent = 1, kWrite = 2, kFetch = 16;
  const std::uint64_t address = read_cr2();
  const Place place = describe_address(address);
  const std::string_view name = place.name;
  [[clang::uninitialized]] Text<256> line;
  print(line, "fatal: ");
  if ((frame.error & kFetch) != 0 && (frame.error & kPresent) != 0) {
    print(line, "executed ", name, " (no-execute page)");
  } else if (name == "stack guard page") {
    print(line, "stack overflow (guard page)");
  } else if (name == "NULL") {
    print(line, "NULL pointer ",
          (frame.error & kFetch) != 0   ? "called"
          : (frame.error & kWrite) != 0 ? "written"
                                        : "read");
  } else if ((frame.error & kWrite) != 0 && (frame.error & kPresent) != 0) {
    print(line, "wrote to ", name, " (read-only page)");
  } else {
    print(line, "page fault: ",
          (frame.error & kFetch) != 0   ? "executed "
          : (frame.error & kWrite) != 0 ? "wrote to "
                                        : "read ",
          name);
  }
  print(line, ": address ");
  write_address(line, address);
  print(line, ", code ");
  write_address(line, frame.rip);
  report_line(line.view());
}

void report_registers(const Frame& frame) {
  // Names of three characters each, in the order of the frame.
  constexpr std::string_view kRegisters = "r15r14r13r12r11r10r9 r8 rdirsirbprbxrdxrcxrax";
  const auto values = danger_span(&frame.r15, kRegisters.size() / 3);
  for (std::size_t i = values.size(); i != 0;) {
    [[clang::uninitialized]] Text<96> line(std::in_place, ' ');
    for (unsigned column = 0; column < 3; ++column) {
      --i;
      print(line, ' ', kRegisters.substr(3 * i, 3), ' ', Hex{values[i], 16});
    }
    report_line(line.view());
  }
  report("  rip ", Hex{frame.rip, 16}, " rsp ", Hex{frame.rsp, 16}, " flags ", Hex{frame.rflags});
}

constinit bool last_report_begun = false;

}  // namespace

void report_line(std::string_view text) {
  fata_platform_emergency_write(text.data(), text.size());
  fata_platform_emergency_write("\n", 1);
}

bool begin_last_report() {
  if (last_report_begun) return false;
  last_report_begun = true;
  return true;
}

namespace {
void report_place(unsigned depth, std::uint64_t address) {
  [[clang::uninitialized]] Text<96> line(std::in_place, "  #", depth, ' ');
  if (in_code(address)) {
    print(line, Hex{link_address(address)}, " (image+", Hex{address - image().begin}, ')');
  } else {
    print(line, Hex{address}, " (outside the image's code)");
  }
  report_line(line.view());
}
}  // namespace

void report_backtrace(std::uint64_t address, std::uint64_t frame, std::uint64_t caller) {
  constexpr unsigned kDeepest = 32;
  report("backtrace (image at ", Hex{image().begin}, ", addresses of the .elf file):");
  unsigned depth = 0;
  report_place(depth++, address);
  if (caller != 0) report_place(depth++, caller - 1);
  while (depth < kDeepest) {
    if (frame % 8 != 0 || !on_stack(frame) || describe_address(frame).guard || !on_stack(frame + 8))
      return;
    const auto words = danger_span(reinterpret_cast<const std::uint64_t*>(frame), 2);
    if (words[1] == 0) return;  // the outermost frame
    report_place(depth++, words[1] - 1);
    if (words[0] <= frame) return;  // callers' frames have higher addresses
    frame = words[0];
  }
  report_line("  ...");
}

extern "C" void fata_exception(Frame* frame) {
  constexpr std::uint64_t kNmi = 2, kDoubleFault = 8, kPageFault = 14;
  if (frame->vector == kNmi) {
    report("NMI: interrupted at ", Hex{frame->rip}, ", uptime ",
           Duration{platform::monotonic_now().ns});
    report_backtrace(frame->rip, frame->rbp);
    return;
  }
  if (!begin_last_report()) platform::exit(kCrashStatus);
  if (frame->vector != kDoubleFault) platform::console_flush();
  if (frame->vector == kPageFault) {
    report_page_fault(*frame);
  } else {
    [[clang::uninitialized]] Text<256> line(std::in_place, "fatal: ", name_of(frame->vector));
    print(line, " (vector ", frame->vector, ", error ", Hex{frame->error}, "), code ");
    write_address(line, frame->rip);
    report_line(line.view());
  }
  report_registers(*frame);
  // A call to a wrong address leaves its return address on the stack.
  std::uint64_t caller = 0;
  if (!in_code(frame->rip) && on_stack(frame->rsp) && !describe_address(frame->rsp).guard) {
    caller = *reinterpret_cast<const std::uint64_t*>(frame->rsp);
  }
  report_backtrace(frame->rip, frame->rbp, in_code(caller) ? caller : 0);
  platform::exit(kCrashStatus);
}

}  // namespace fata::arch
