// Reads any bytes as JSON. The reader must terminate, and its strings, written again, must read
// back unchanged.
#include <string>

#include "fata/base/danger.hpp"
#include "fata/base/panic.hpp"
#include "fata/json/reader.hpp"
#include "fata/json/writer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fata;
  const std::string text(reinterpret_cast<const char*>(data), size);
  json::Reader in(text);
  for (std::size_t steps = 0;; ++steps) {
    check(steps <= size + 1, "more tokens than bytes");
    const json::Token token = in.next();
    if (token == json::Token::kEnd || token == json::Token::kError) break;
    if (token == json::Token::kNumber) {
      for (const int power : {0, 9, -3}) (void)in.integer(power);
    }
    if (token == json::Token::kString || token == json::Token::kKey) {
      std::string memory(size * 2, '\0');
      TextWriter plain(memory);
      in.write_string(plain);
      check(!plain.truncated(), "undoing escapes makes no text longer");
      std::string again_memory(size * 12 + 2, '\0');
      TextWriter again(again_memory);
      json::Writer(again).value(plain.view());
      json::Reader second(again.view());
      check(second.next() == json::Token::kString, "what was written is a string");
      std::string second_memory(size * 2, '\0');
      TextWriter second_plain(second_memory);
      second.write_string(second_plain);
      check(second_plain.view() == plain.view(), "what was written is the same string");
    }
  }
  json::Reader skipping(text);
  (void)skipping.skip();
  return 0;
}
