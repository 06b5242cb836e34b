#include "fata/guest/command_line.hpp"

namespace fata::guest {
namespace {

// Linux's names that hypervisors, their managers and boot loaders add or have in their examples,
// each followed by a space. Only those need to stand here that have no value, or that resemble
// likely parameters of images (`root`, `--port`).
constexpr std::string_view kNames =
    "pci root ro rw reboot panic console init ip quiet debug splash single rootwait earlycon "
    "earlyprintk ";

bool is_listed(std::string_view name) {
  constexpr std::size_t kNo = 1000;
  std::size_t same = 0;  // how many characters agree so far; kNo if one does not
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
  if (dot || is_listed({word.data(), end})) return kHypervisor;  // with a dot it is a module's
  return end != word.size() || word.starts_with("no") ? kPerhaps : kImage;
}

}  // namespace fata::guest
