// Makes a stray write of eight bytes to the heap's data in and before its blocks. The heap must
// panic before it uses the written value, and must never return memory that is not its own.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "fata/libc/heap.hpp"

namespace fata::libc {
namespace {

constexpr std::size_t kSize = 1 << 20;
constexpr std::size_t kBlock = 96;  // payload bytes
alignas(16) char elsewhere[4096];   // the attacker's target for an allocation

// The heap's state before the attacks: four blocks, of which the second and then the fourth were
// freed, so that both are in one list, with an allocated block after each.
struct Scene {
  explicit Scene(std::uint64_t secret) {
    heap.set_secret(secret);
    heap.add_region(memory.get(), kSize);
    for (char*& block : blocks) block = take();
    heap.release(blocks[1]);
    heap.release(blocks[3]);
  }
  char* take() { return static_cast<char*>(heap.allocate(kBlock)); }

  std::unique_ptr<char[]> memory{new char[kSize]};
  Heap heap;
  std::array<char*, 5> blocks{};
};

// Words of a block, by their offset from its payload.
enum Word : int { kBefore = -16, kSizeWord = -8, kNext = 0, kPrevious = 8 };
struct Attack {
  const char* what;
  int block;
  Word word;
};
constexpr Attack kAttacks[]{
    {"next of the first in the list", 3, kNext},
    {"previous of the first in the list", 3, kPrevious},
    {"next of the last in the list", 1, kNext},
    {"previous of the last in the list", 1, kPrevious},
    {"size of a freed block", 3, kSizeWord},
    {"size of a block in use", 2, kSizeWord},
    {"link back of a freed block", 3, kBefore},
    {"link back of a block in use", 2, kBefore},
};

std::uint64_t address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

std::vector<std::uint64_t> values(const Scene& scene, Word word) {
  if (word == kSizeWord)
    return {0, 1, 16, 17, 32, 33, 65, 128, 225, 448, 449, kSize, ~0ULL, 1ULL << 63};
  return {0,
          1,
          ~0ULL,
          0x4141414141414141,
          address(elsewhere),
          address(elsewhere + 16),
          address(scene.blocks[0]),
          address(scene.blocks[0]) - 16,
          address(scene.blocks[1]) - 16,
          address(scene.blocks[3]) - 16,
          address(scene.memory.get())};
}

// Does everything that could use the written value: frees all blocks, allocates them again, and
// writes to them.
void use(Scene& scene) {
  std::vector<char*> got;
  for (int i = 0; i < 3; ++i) got.push_back(scene.take());
  for (const int i : {0, 2, 4}) scene.heap.release(scene.blocks[static_cast<std::size_t>(i)]);
  for (int i = 0; i < 6; ++i) got.push_back(scene.take());
  for (char* block : got) {
    if (block < scene.memory.get() || block + kBlock > scene.memory.get() + kSize) {
      std::fputs("memory elsewhere was handed out\n", stderr);
      std::abort();
    }
    std::memset(block, 'x', kBlock);
  }
  for (char* block : got) scene.heap.release(block);
}

void write(Scene& scene, const Attack& attack, std::uint64_t value) {
  std::memcpy(scene.blocks[static_cast<std::size_t>(attack.block)] + attack.word, &value,
              sizeof value);
}
std::uint64_t read(const Scene& scene, const Attack& attack) {
  std::uint64_t value;
  std::memcpy(&value, scene.blocks[static_cast<std::size_t>(attack.block)] + attack.word,
              sizeof value);
  return value;
}

class HeapAttackDeathTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(HeapAttackDeathTest, one_word_that_was_overwritten_is_a_panic) {
  for (const Attack& attack : kAttacks) {
    Scene scene(GetParam());
    for (const std::uint64_t value : values(scene, attack.word)) {
      if (value == read(scene, attack)) continue;
      const std::uint64_t before = read(scene, attack);
      write(scene, attack, value);
      EXPECT_DEATH(use(scene), "heap is corrupt|not the heap's, or was overrun|freed twice")
          << attack.what << ", " << value;
      write(scene, attack, before);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Secret, HeapAttackDeathTest, testing::Values(0, 0x8c1f'52d3'9e07'a66b));

TEST(HeapAttackDeathTest, a_made_up_block_whose_links_lack_the_secret_is_a_panic) {
  Scene scene(0x8c1f'52d3'9e07'a66b);
  char* const victim = scene.blocks[3];
  const std::array<std::uint64_t, 4> fake{0, kBlock + 16, 0, address(victim) - 16};
  std::memcpy(scene.blocks[2], fake.data(), sizeof fake);
  write(scene, {"next", 3, kNext}, address(scene.blocks[2]));
  EXPECT_DEATH(use(scene), "heap is corrupt");
}

TEST(HeapAttackDeathTest, a_size_that_leads_to_a_made_up_header_is_a_panic) {
  // The freed block grows over the next one, to a header that the attacker forged there.
  Scene scene(0x8c1f'52d3'9e07'a66b);
  const std::array<std::uint64_t, 2> fake{address(scene.blocks[3]) - 16, 64};
  std::memcpy(scene.blocks[4], fake.data(), sizeof fake);
  write(scene, {"size", 3, kSizeWord}, (kBlock + 32) | 1);
  EXPECT_DEATH(use(scene), "heap is corrupt");
}

TEST(HeapAttack, without_an_attack_the_scene_is_sound) {
  for (const std::uint64_t secret : {std::uint64_t{0}, std::uint64_t{0x8c1f'52d3'9e07'a66b}}) {
    Scene scene(secret);
    use(scene);
    EXPECT_EQ(scene.heap.used(), 0U);
  }
}

TEST(HeapAttack, links_are_not_addresses_and_differ_with_the_secret) {
  const Scene plain(0), one(0x8c1f'52d3'9e07'a66b), two(0x17aa'0402'99c1'5d3e);
  for (const Attack& attack : kAttacks) {
    if (attack.word == kSizeWord) continue;
    EXPECT_NE(read(one, attack) ^ address(one.memory.get()),
              read(plain, attack) ^ address(plain.memory.get()));
    EXPECT_GT(read(one, attack) ^ address(one.memory.get()), 1ULL << 48) << attack.what;
    EXPECT_NE(read(one, attack) ^ read(two, attack),
              address(one.memory.get()) ^ address(two.memory.get()));
  }
}

}  // namespace
}  // namespace fata::libc
