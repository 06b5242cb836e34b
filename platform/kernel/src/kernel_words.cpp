#include "fata/kernel/command_line.hpp"

namespace fata::kernel {
namespace {

// Linux's parameter names that hypervisors, their managers and boot loaders add or show in
// examples, each followed by a space. The list has only names without a value, and names that
// resemble likely parameters of images (`root`, `--port`).
constexpr std::string_view kNames =
    "pci root ro rw reboot panic console init ip quiet debug splash single rootwait earlycon "
    "earlyprintk ";

bool is_listed(std::string_view name) {
  constexpr std::size_t kNo = 1000;
  std::size_t same = 0;  // number of matching characters so far; kNo after a mismatch
  for (const char c : kNames) {
    if (c == ' ') {
      if (same == name.size()) return true;
      same = 0;
    } else {
      same = same < name.size() && name[same] == c ? same + 1 : kNo;
    }
  }
  return false;
}

}  // namespace

platform::StrayWord classify_kernel_word(std::string_view word) noexcept {
  using enum platform::StrayWord;
  bool dot = false, letter = false;
  std::size_t end = 0;
  for (; end < word.size() && word[end] != '='; ++end) {
    const char c = word[end];
    const bool is_letter = static_cast<unsigned>((c | 0x20) - 'a') < 26;
    const bool is_digit = static_cast<unsigned>(c - '0') < 10;
    if (!is_letter && !is_digit && c != '_' && c != '.' && (c != '-' || end == 0)) return kImage;
    letter |= is_letter;
    dot |= c == '.';
  }
  if (!letter) return kImage;
  if (dot || is_listed({word.data(), end})) return kHypervisor;  // a dot marks a module parameter
  return end != word.size() || word.starts_with("no") ? kPerhaps : kImage;
}

}  // namespace fata::kernel
