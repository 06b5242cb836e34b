#include "fata/kernel/generation_id.hpp"

#include <algorithm>
#include <string_view>

namespace fata::kernel {
namespace {

// AML opcodes (ACPI 6.5, section 20.2).
constexpr std::uint8_t kName = 0x08, kPackage = 0x12, kMethod = 0x14, kExtended = 0x5b,
                       kDevice = 0x82, kAdd = 0x72;
constexpr std::size_t kSegment = 4;  // bytes of a name segment

constexpr std::size_t kHeader = 36;  // bytes of a table's header
constexpr std::size_t kMaxTable = std::size_t{1} << 20;
constexpr std::size_t kMaxTables = 64;

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::uint8_t byte_at(Bytes bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<std::uint8_t>(bytes[at]) : 0;
}

// The contents of a package. Its length is at the front of `bytes` and includes itself. Empty if
// the package is longer than `bytes`.
Bytes package(Bytes bytes) {
  const std::uint8_t first = byte_at(bytes, 0);
  const std::size_t more = first >> 6;
  std::size_t length = more == 0 ? first & 0x3f : first & 0x0f;
  for (std::size_t i = 0; i < more; ++i)
    length |= std::size_t{byte_at(bytes, 1 + i)} << (4 + 8 * i);
  if (length > bytes.size() || length < 1 + more) return {};
  return bytes.first(length).subspan(1 + more);
}

// Reads an integer from the front of `bytes` and advances past it.
bool take_integer(Bytes& bytes, std::uint64_t& out) {
  std::size_t size = 0;
  switch (const std::uint8_t kind = byte_at(bytes, 0)) {
    case 0x00:
    case 0x01:
      if (bytes.empty()) return false;
      out = kind;
      bytes = bytes.subspan(1);
      return true;
    case 0x0a:
      size = 1;
      break;
    case 0x0b:
      size = 2;
      break;
    case 0x0c:
      size = 4;
      break;
    case 0x0e:
      size = 8;
      break;
    default:
      return false;
  }
  if (bytes.size() < 1 + size) return false;
  out = 0;
  for (std::size_t i = 0; i < size; ++i) out |= std::uint64_t{byte_at(bytes, 1 + i)} << 8 * i;
  bytes = bytes.subspan(1 + size);
  return true;
}

// The innermost device that contains the offset `place` of the block; empty if there is none.
Bytes device_around(Bytes block, std::size_t place) {
  Bytes device;
  for (std::size_t at = 0; at < place; ++at) {
    if (byte_at(block, at) != kExtended || byte_at(block, at + 1) != kDevice) continue;
    const Bytes body = package(block.subspan(at + 2));
    const auto end = static_cast<std::size_t>(body.data() - block.data()) + body.size();
    if (!body.empty() && end > place) device = body;
  }
  return device;
}

// Reads the value of the integer declared with that name.
bool named_integer(Bytes block, std::string_view name, std::uint64_t& out) {
  const std::string_view text = text_of(block);
  for (std::size_t at = text.find(name); at != text.npos; at = text.find(name, at + 1)) {
    Bytes rest = block.subspan(at + name.size());
    if (at != 0 && byte_at(block, at - 1) == kName && take_integer(rest, out)) return true;
  }
  return false;
}

// Reads a package of two integers: { low, high }.
bool package_of_two(Bytes bytes, std::uint64_t& address) {
  if (byte_at(bytes, 0) != kPackage) return false;
  Bytes items = package(bytes.subspan(1));
  if (byte_at(items, 0) != 2) return false;
  items = items.subspan(1);
  std::uint64_t low = 0, high = 0;
  if (!take_integer(items, low) || !take_integer(items, high)) return false;
  address = low | high << 32;
  return true;
}

// Finds the first addition of a constant to a named integer in a method, and computes the sum.
bool sum_in(Bytes method, Bytes block, std::uint64_t& address) {
  for (std::size_t at = 0; at + 1 + kSegment < method.size(); ++at) {
    if (byte_at(method, at) != kAdd) continue;
    const Bytes name = method.subspan(at + 1, kSegment);
    Bytes rest = method.subspan(at + 1 + kSegment);
    std::uint64_t base = 0, offset = 0;
    if (!take_integer(rest, offset) || !named_integer(block, text_of(name), base)) continue;
    address = base + offset;
    return base != 0;
  }
  return false;
}

// The body of the method whose name is at `at`. A package length of 1 to 4 bytes precedes the name.
Bytes method_named_at(Bytes device, std::size_t at) {
  for (std::size_t length = 1; length <= 4 && length < at; ++length) {
    if (byte_at(device, at - length - 1) != kMethod) continue;
    const Bytes body = package(device.subspan(at - length));
    if (body.data() == device.subspan(at).data() && body.size() > kSegment)
      return body.subspan(kSegment);
  }
  return {};
}

std::uint64_t address_of(Bytes device, Bytes block) {
  constexpr std::string_view kAddress = "ADDR";
  const std::string_view text = text_of(device);
  for (std::size_t at = text.find(kAddress); at != text.npos; at = text.find(kAddress, at + 1)) {
    std::uint64_t address = 0;
    const bool is_name = at != 0 && byte_at(device, at - 1) == kName;
    if ((is_name && package_of_two(device.subspan(at + kSegment), address)) ||
        sum_in(method_named_at(device, at), block, address))
      return address;
  }
  return 0;
}

// The whole table at an address; empty if its length or checksum is wrong.
Bytes read_table(std::uint64_t address, ReadPhysical read) {
  const Bytes header = read(address, kHeader);
  if (header.size() != kHeader) return {};
  const auto size = load_le<std::uint32_t>(header.subspan(4));
  if (size < kHeader || size > kMaxTable) return {};
  const Bytes table = read(address, size);
  std::uint8_t sum = 0;
  for (const std::byte each : table)
    sum = static_cast<std::uint8_t>(sum + static_cast<std::uint8_t>(each));
  return sum == 0 ? table : Bytes();
}

std::uint64_t address_word(Bytes bytes, std::size_t size) {
  return size == 8 ? load_le<std::uint64_t>(bytes) : load_le<std::uint32_t>(bytes);
}

// The address of the DSDT in the table "FACP": X_DSDT if present.
std::uint64_t block_of(Bytes fixed) {
  constexpr std::size_t kDsdt = 40, kLongDsdt = 140;
  std::uint64_t address = 0;
  if (fixed.size() >= kLongDsdt + 8) address = load_le<std::uint64_t>(fixed.subspan(kLongDsdt));
  if (address == 0 && fixed.size() >= kDsdt + 4)
    address = load_le<std::uint32_t>(fixed.subspan(kDsdt));
  return address;
}

}  // namespace

std::uint64_t generation_id_in(Bytes block) {
  constexpr std::string_view kIdentity = "VM_Gen_Counter";
  if (block.size() < kHeader) return 0;
  block = block.subspan(kHeader);
  const std::size_t place = text_of(block).find(kIdentity);
  if (place == std::string_view::npos) return 0;
  const std::uint64_t address = address_of(device_around(block, place), block);
  return address % 8 == 0 ? address : 0;
}

std::uint64_t find_generation_id(std::uint64_t rsdp, ReadPhysical read) {
  constexpr std::size_t kShort = 20, kLong = 36;
  const Bytes pointer = read(rsdp, kShort);
  if (pointer.size() != kShort || !text_of(pointer).starts_with("RSD PTR ")) return 0;
  std::uint64_t root = load_le<std::uint32_t>(pointer.subspan(16));
  std::size_t word = 4;
  if (byte_at(pointer, 15) >= 2) {
    const Bytes whole = read(rsdp, kLong);
    const std::uint64_t extended =
        whole.size() == kLong ? load_le<std::uint64_t>(whole.subspan(24)) : 0;
    if (extended != 0) root = extended, word = 8;
  }
  Bytes entries = read_table(root, read);
  if (entries.empty()) return 0;
  entries = entries.subspan(kHeader);
  for (std::size_t i = 0; i < kMaxTables && entries.size() >= word; ++i) {
    std::uint64_t address = address_word(entries, word);
    entries = entries.subspan(word);
    Bytes table = read_table(address, read);
    if (text_of(table).starts_with("FACP")) {
      address = block_of(table);
      table = address == 0 ? Bytes() : read_table(address, read);
    } else if (!text_of(table).starts_with("SSDT")) {
      continue;
    }
    if (const std::uint64_t id = generation_id_in(table); id != 0) return id;
  }
  return 0;
}

}  // namespace fata::kernel
