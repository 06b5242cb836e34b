#include "fata/kernel/generation_id.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace fata::kernel {
namespace {

using Block = std::vector<std::byte>;

Block& operator+=(Block& block, std::string_view text) {
  for (const char c : text) block.push_back(static_cast<std::byte>(c));
  return block;
}
template <std::size_t N>
std::string raw(const char (&text)[N]) {  // with its NULs
  return {text, N - 1};
}

// A package. From 64 bytes on, its length takes two bytes.
std::string package(const std::string& body) {
  const std::size_t size = body.size() + 1;
  if (size < 64) return static_cast<char>(size) + body;
  return {
      std::string{static_cast<char>(0x40 | ((size + 1) & 15)), static_cast<char>((size + 1) >> 4)} +
      body};
}
std::string device(const std::string& name, const std::string& body) {
  return "\x5b\x82" + package(name + body);
}
std::string word(std::uint32_t value) {
  std::string out = "\x0c";
  for (unsigned i = 0; i < 4; ++i) out += static_cast<char>(value >> 8 * i);
  return out;
}
std::string address_package(const std::string& low, const std::string& high) {
  return "\x08"
         "ADDR\x12" +
         package("\x02" + low + high);
}

const std::string kIdentity = raw("\x08_CID\x0dVM_Gen_Counter\0");

// QEMU's form: a named integer outside the device, and a method that adds 40 to it.
std::string qemu_s(std::uint32_t page) {
  const std::string method =
      "\x14" + package(raw("ADDR\0\x70\x12\x02\x02\x60\x70\x72VGIA\x0a\x28\0\x88\x60\0\0\xa4\x60"));
  return "\x08VGIA" + word(page) + "\x10" +
         package("\\_SB_" + device("VGEN", raw("\x08_HID\x0dQEMUVGID\0") + kIdentity + method));
}
// Firecracker's form, between devices that also have addresses.
std::string firecracker_s(const std::string& low, const std::string& high) {
  return "\x10" + package("\\_SB_" + device("COM1", address_package(word(0x1000), raw("\0"))) +
                          device("VGEN", kIdentity + address_package(low, high)) +
                          device("LAST", address_package(word(0x2000), raw("\0"))));
}

Block table(std::string_view signature, const std::string& body) {
  Block block;
  block += signature;
  block.resize(36);
  block += body;
  const auto size = static_cast<std::uint32_t>(block.size());
  std::memcpy(&block[4], &size, sizeof size);
  std::uint8_t sum = 0;
  for (const std::byte each : block)
    sum = static_cast<std::uint8_t>(sum + static_cast<std::uint8_t>(each));
  block[9] = static_cast<std::byte>(-sum);
  return block;
}

TEST(GenerationId, the_address_is_read_from_each_form_of_ADDR_that_hypervisors_write) {
  EXPECT_EQ(generation_id_in(table("SSDT", qemu_s(0x1fff000))), 0x1fff028U);
  EXPECT_EQ(generation_id_in(table("DSDT", firecracker_s(word(0x7ffff000), raw("\0")))),
            0x7ffff000U);
  EXPECT_EQ(generation_id_in(table("DSDT", firecracker_s(word(0x7ffff000), "\x01"))), 0x17ffff000U);
  EXPECT_EQ(generation_id_in(table("DSDT", firecracker_s(raw("\x0b\0\x80"), raw("\x0a\x02")))),
            0x200008000U);
}

TEST(GenerationId, a_block_without_the_device_or_with_a_wrong_one_has_none) {
  const Block good = table("SSDT", qemu_s(0x1fff000));
  EXPECT_EQ(generation_id_in({}), 0U);
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(generation_id_in(Bytes(good).first(size)), 0U) << "cut after " << size;
  EXPECT_EQ(generation_id_in(table("SSDT", qemu_s(0))), 0U) << "its page has not been named yet";
  EXPECT_EQ(generation_id_in(table("SSDT", qemu_s(0x1fff004))), 0U) << "not aligned";
  EXPECT_EQ(generation_id_in(table("SSDT", firecracker_s("\x68", "\x01"))), 0U) << "no integers";
  EXPECT_EQ(generation_id_in(table("SSDT", kIdentity + address_package(word(0x1000), "\x01"))), 0U)
      << "no device around it";
}

// A machine's memory, with tables at chosen addresses.
struct Memory {
  inline static std::vector<std::byte> bytes;

  Memory() { bytes.assign(0x10000, {}); }
  static Bytes read(std::uint64_t address, std::size_t size) {
    if (address > bytes.size() || size > bytes.size() - address) return {};
    return Bytes(bytes).subspan(address, size);
  }
  static void put(std::size_t address, const Block& block) {
    std::ranges::copy(block, bytes.begin() + static_cast<std::ptrdiff_t>(address));
  }
  // A root pointer at 0x100 to a root table at 0x200 that lists the tables.
  static void root(bool extended, const std::vector<std::uint32_t>& tables) {
    Block pointer;
    pointer += "RSD PTR ";
    pointer.resize(36);
    pointer[15] = static_cast<std::byte>(extended ? 2 : 0);
    pointer[extended ? 25 : 17] = std::byte{2};
    std::string entries;
    for (const std::uint32_t each : tables)
      entries += word(each).substr(1) + (extended ? raw("\0\0\0\0") : "");
    put(0x100, pointer);
    put(0x200, table(extended ? "XSDT" : "RSDT", entries));
  }
  static std::uint64_t found() { return find_generation_id(0x100, &Memory::read); }
};

TEST(GenerationId, it_is_found_by_way_of_either_root_table_in_an_SSDT_or_in_the_DSDT) {
  for (const bool extended : {false, true}) {
    Memory memory;
    memory.put(0x2000, table("SSDT", kIdentity));
    memory.put(0x4000, table("SSDT", qemu_s(0x1fff000)));
    memory.root(extended, {0x3000, 0x2000, 0x4000});
    EXPECT_EQ(memory.found(), 0x1fff028U);

    for (const std::size_t place : {std::size_t{40}, std::size_t{140}}) {  // DSDT, X_DSDT
      std::string fixed(200, '\0');
      fixed[place - 36 + 1] = 0x50;
      memory.put(0x3000, table("FACP", fixed));
      memory.put(0x5000, table("DSDT", firecracker_s(word(0x7ffff000), raw("\0"))));
      memory.root(extended, {0x2000, 0x3000});
      EXPECT_EQ(memory.found(), 0x7ffff000U);
    }
  }
}

TEST(GenerationId, tables_that_are_damaged_or_out_of_reach_are_passed_over) {
  Memory memory;
  EXPECT_EQ(memory.found(), 0U) << "no root pointer";
  memory.root(false, {0xfffffff0, 0x4000});
  Block damaged = table("SSDT", qemu_s(0x1fff000));
  damaged.back() ^= std::byte{1};
  memory.put(0x4000, damaged);
  EXPECT_EQ(memory.found(), 0U);
  memory.put(0x4000, table("SSDT", qemu_s(0x1fff000)));
  EXPECT_EQ(memory.found(), 0x1fff028U);
  EXPECT_EQ(find_generation_id(0, &Memory::read), 0U);
}

}  // namespace
}  // namespace fata::kernel
