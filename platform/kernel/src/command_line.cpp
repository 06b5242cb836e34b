#include "fata/kernel/command_line.hpp"

namespace fata::kernel {
namespace {

// Reads a decimal or 0x number from the front of `text` and advances past it. False if there is
// none or it overflows.
bool take_number(std::string_view& text, std::uint64_t& out) {
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  const std::uint64_t base = hex ? 16 : 10;
  const std::size_t before = text.size();
  bool overflow = false;
  out = 0;
  for (; !text.empty(); text.remove_prefix(1)) {
    const auto c = static_cast<unsigned char>(text.front());
    const unsigned letter = (c | 0x20U) - 'a';
    const unsigned digit = c <= '9' ? c - unsigned{'0'} : letter < 6 ? letter + 10 : 16;
    if (digit >= base) break;
    overflow |= __builtin_mul_overflow(out, base, &out);
    overflow |= __builtin_add_overflow(out, digit, &out);
  }
  return !overflow && text.size() != before;
}

bool take_char(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string_view CommandLine::take_mmio(std::string_view value, bus::FoundDevices& found) {
  constexpr std::string_view kWrong =
      "virtio_mmio.device= wants SIZE@BASE:IRQ, as in 512@0xfeb00e00:12";
  std::uint64_t size = 0, base = 0, irq = 0, id = 0;
  bool good = take_number(value, size);
  if (take_char(value, 'K') || take_char(value, 'k')) size <<= 10;
  good &= take_char(value, '@');
  good &= take_number(value, base);
  good &= take_char(value, ':');
  good &= take_number(value, irq);
  if (take_char(value, ':')) good &= take_number(value, id);
  if (!good || !value.empty() || irq > 1023 || size < 0x100 || size > 0x10000 || base % 4 != 0 ||
      base == 0 || base > std::uint64_t{1} << 46)
    return kWrong;
  if (found.all().size() == kMaxMmioDevices) return "more than 32 virtio_mmio.device words";
  found.add({.irq = static_cast<std::uint32_t>(irq),
             .size = static_cast<std::uint32_t>(size),
             .number = base});
  return {};
}

std::string_view CommandLine::take(std::string_view word, bus::FoundDevices& found) {
  constexpr std::string_view kMmio = "virtio_mmio.device=";
  if (word.starts_with(kMmio)) return take_mmio(word.substr(kMmio.size()), found);
  if (word.starts_with("fata.base=")) return {};  // the boot code has already applied it
  if (word.starts_with("fata."))
    return "unknown word: of those that begin with \"fata.\" only fata.base= is known";
  if (argument_count_ == kMaxWords) return "more than 128 words";
  arguments_[argument_count_++] = word;
  return {};
}

std::string_view CommandLine::parse(std::string_view line, bus::FoundDevices& found) {
  if (line.size() > kMaxText) return "longer than 4096 bytes";
  std::size_t used = 0;
  std::size_t i = 0;
  const auto space = [](char c) { return (c == ' ') | (c == '\t') | (c == '\n'); };
  while (i < line.size()) {
    if (space(line[i])) {
      ++i;
      continue;
    }
    const std::size_t begin = used;
    bool quoted = false;
    for (; i < line.size() && (quoted || !space(line[i])); ++i) {
      if (line[i] == '"') {
        quoted = !quoted;
        continue;
      }
      if (line[i] == '\\' && ++i == line.size()) return "ends in a backslash";
      text_[used++] = line[i];
    }
    if (quoted) return "a quotation mark is not closed";
    const std::string_view wrong = take(std::string_view(text_.data(), used).substr(begin), found);
    if (!wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace fata::kernel
