#include "fata/kernel/console_buffer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fata::kernel {
namespace {

std::string take(ConsoleBuffer& buffer, std::size_t most) {
  std::string out;
  while (!buffer.is_empty() && out.size() < most) {
    const std::string_view piece = buffer.front().substr(0, most - out.size());
    out += piece;
    buffer.pop(piece.size());
  }
  return out;
}

TEST(ConsoleBuffer, text_comes_out_as_it_went_in_across_the_end_of_the_ring) {
  ConsoleBuffer buffer;
  std::string in, out;
  for (int i = 0; i < 5000; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    buffer.write(line);
    in += line;
    if (i % 3 == 0) out += take(buffer, 40);
  }
  out += take(buffer, in.size());
  EXPECT_EQ(out, in);
  EXPECT_TRUE(buffer.is_empty());
}

TEST(ConsoleBuffer, what_does_not_fit_is_counted_and_said_when_there_is_room) {
  ConsoleBuffer buffer;
  buffer.write(std::string(ConsoleBuffer::kSize - 10, 'x'));
  buffer.write("this is too long\n");
  buffer.write("so\n");  // would fit, but order is preserved
  take(buffer, 1000);
  buffer.write("again\n");
  const std::string rest = take(buffer, 1 << 20);
  EXPECT_TRUE(rest.ends_with("x[console: 20 bytes dropped]\nagain\n"))
      << rest.substr(rest.size() - 60);
}

TEST(ConsoleBuffer, a_loss_is_said_even_if_nothing_is_written_afterwards) {
  ConsoleBuffer buffer;
  buffer.write(std::string(ConsoleBuffer::kSize, 'x'));
  buffer.write("lost\n");
  EXPECT_TRUE(take(buffer, 1 << 20).ends_with("x[console: 5 bytes dropped]\n"));
}

}  // namespace
}  // namespace fata::kernel
