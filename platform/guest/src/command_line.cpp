#include "fata/guest/command_line.hpp"

namespace fata::guest {
namespace {

// A decimal or 0x number at the front of `text`, which moves on; false if there is none or it overflows.
bool take_number(std::string_view& text, std::uint64_t& out) {
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  const std::uint64_t base = hex ? 16 : 10;
  std::size_t digits = 0;
  out = 0;
  for (; digits < text.size(); ++digits) {
    const char c = text[digits];
    std::uint64_t digit = 16;
    if (c >= '0' && c <= '9') digit = static_cast<std::uint64_t>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<std::uint64_t>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') digit = static_cast<std::uint64_t>(c - 'A' + 10);
    if (digit >= base) break;
    if (__builtin_mul_overflow(out, base, &out) || __builtin_add_overflow(out, digit, &out)) return false;
  }
  text.remove_prefix(digits);
  return digits != 0;
}

bool take_char(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string_view CommandLine::take_mmio(std::string_view value) {
  constexpr std::string_view kWrong = "virtio_mmio.device= wants SIZE@BASE:IRQ, as in 512@0xfeb00e00:12";
  MmioDevice device;
  std::uint64_t irq = 0, id = 0;
  if (!take_number(value, device.size)) return kWrong;
  if (take_char(value, 'K') || take_char(value, 'k')) device.size <<= 10;
  if (!take_char(value, '@') || !take_number(value, device.base) || !take_char(value, ':')) return kWrong;
  if (!take_number(value, irq) || irq > 1023) return kWrong;
  if (take_char(value, ':') && !take_number(value, id)) return kWrong;
  if (!value.empty() || device.size < 0x100 || device.size > 0x10000 || device.base % 4 != 0 ||
      device.base == 0 || device.base > std::uint64_t{1} << 46)
    return kWrong;
  if (mmio_count_ == kMaxMmioDevices) return "more than 32 virtio_mmio.device words";
  device.irq = static_cast<std::uint32_t>(irq);
  mmio_[mmio_count_++] = device;
  return {};
}

std::string_view CommandLine::take(std::string_view word) {
  constexpr std::string_view kMmio = "virtio_mmio.device=";
  if (word.starts_with(kMmio)) return take_mmio(word.substr(kMmio.size()));
  if (word.starts_with("fata.base=")) return {};  // already obeyed at the start
  if (word.starts_with("fata."))
    return "unknown word: of those that begin with \"fata.\" only fata.base= is known";
  if (argument_count_ == kMaxWords) return "more than 128 words";
  arguments_[argument_count_++] = word;
  return {};
}

std::string_view CommandLine::parse(std::string_view line) {
  if (line.size() > kMaxText) return "longer than 4096 bytes";
  std::size_t used = 0;
  std::size_t i = 0;
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\n'; };
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
    const std::string_view wrong = take(std::string_view(text_.data(), used).substr(begin));
    if (!wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace fata::guest
