#include "fata/kernel/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fata::kernel {
namespace {
using testing::ElementsAre;

std::vector<std::string> words(std::string_view line) {
  CommandLine parsed;
  bus::FoundDevices found;
  EXPECT_EQ(parsed.parse(line, found), "");
  return {parsed.arguments().begin(), parsed.arguments().end()};
}
std::string wrong(std::string_view line) {
  bus::FoundDevices found;
  return std::string(CommandLine().parse(line, found));
}

TEST(CommandLine, words_are_separated_by_any_number_of_spaces) {
  EXPECT_THAT(words(""), ElementsAre());
  EXPECT_THAT(words("  --port=53   --log\tinfo \n"), ElementsAre("--port=53", "--log", "info"));
}

TEST(CommandLine, quotes_keep_spaces_anywhere_in_a_word) {
  EXPECT_THAT(words(R"("a b" --name="c d"e "")"), ElementsAre("a b", "--name=c de", ""));
}

TEST(CommandLine, a_backslash_takes_the_next_character_as_it_is) {
  EXPECT_THAT(words(R"(a\ b "q\"q" c\\d \"x)"), ElementsAre("a b", "q\"q", "c\\d", "\"x"));
}

TEST(CommandLine, an_open_end_is_an_error) {
  EXPECT_EQ(wrong("\"a"), "a quotation mark is not closed");
  EXPECT_EQ(wrong("a\\"), "ends in a backslash");
}

TEST(CommandLine, the_platform_s_words_are_taken_wherever_they_stand) {
  CommandLine parsed;
  bus::FoundDevices found;
  EXPECT_EQ(parsed.parse("virtio_mmio.device=512@0xfeb00e00:12 --port=1 fata.base=0x1000 "
                         "virtio_mmio.device=4K@0xd0000000:5:3",
                         found),
            "");
  EXPECT_THAT(parsed.arguments(), ElementsAre("--port=1"));
  ASSERT_EQ(found.all().size(), 2U);
  EXPECT_EQ(found.all()[0].number, 0xfeb00e00U);
  EXPECT_EQ(found.all()[0].size, 512U);
  EXPECT_EQ(found.all()[0].irq, 12U);
  EXPECT_EQ(found.all()[1].size, 4096U);
  EXPECT_EQ(found.all()[1].irq, 5U);
}

TEST(CommandLine, a_wrong_device_word_says_how_it_should_look) {
  for (const char* value : {"", "512", "512@", "512@0x1000", "512@0x1000:", "512@0x1000:x",
                            "512@0x1000:1x", "99999999999999999999@0x1000:1", "16@0x1000:1",
                            "512@0x1001:1", "512@0:1", "512@0x1000:5000"}) {
    EXPECT_EQ(wrong(std::string("virtio_mmio.device=") + value),
              "virtio_mmio.device= wants SIZE@BASE:IRQ, as in 512@0xfeb00e00:12")
        << value;
  }
}

TEST(CommandLine, an_unknown_word_of_the_platform_is_an_error) {
  EXPECT_EQ(wrong("fata.speed=9"),
            "unknown word: of those that begin with \"fata.\" only fata.base= is known");
}

TEST(CommandLine, too_much_is_an_error) {
  EXPECT_EQ(wrong(std::string(5000, 'x')), "longer than 4096 bytes");
  std::string many;
  for (int i = 0; i < 129; ++i) many += "w ";
  EXPECT_EQ(wrong(many), "more than 128 words");
  std::string slots;
  for (int i = 0; i < 33; ++i) slots += "virtio_mmio.device=512@0xfeb00e00:12 ";
  EXPECT_EQ(wrong(slots), "more than 32 virtio_mmio.device words");
}

}  // namespace
}  // namespace fata::kernel
