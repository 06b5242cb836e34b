// Counts the words of a text, compresses it with zlib, decompresses it and compares.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/sig/console.hpp>
#include <words/words.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace local_library {

std::optional<std::string> squeeze(std::string_view text);
std::optional<std::string> unpack(std::string_view squeezed, std::size_t size);

template <fata::sig::Console Console>
class Squeeze {
 public:
  Squeeze(fata::async::Context&, Console& console, std::string_view text)
      : console_(console), text_(text) {}

  fata::async::Task<int> start() {
    const auto squeezed = squeeze(text_);
    if (!squeezed || unpack(*squeezed, text_.size()) != text_) {
      console_.write("zlib did not give back what it was given\n");
      co_return 1;
    }
    console_.write(fata::Text<200>(std::in_place, words::count(text_), " words, ", text_.size(),
                                   " bytes, squeezed ", squeezed->size(), "\n")
                       .view());
    co_return 0;
  }

 private:
  Console& console_;
  std::string_view text_;
};

}  // namespace local_library
