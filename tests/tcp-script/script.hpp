// A script: lines of times, segments, calls and expectations. See README.md for the language.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fata/base/address.hpp"
#include "fata/base/time.hpp"

namespace fata::test {

// A number of a script: exact, a range, or any.
struct Range {
  std::int64_t least = 0;
  std::int64_t most = 0;
  bool any = false;

  bool holds(std::int64_t value) const { return any || (least <= value && value <= most); }
  bool exact() const { return !any && least == most; }
  std::string text() const;
};

struct Line {
  std::string file;
  int number = 0;
  std::string text;    // as written, for messages
  bool timed = false;  // false: at the time of the line before
  bool relative = false;
  Duration from{};
  Duration to{};
  std::vector<std::string> words;  // without the time
};

struct Script {
  std::vector<Line> lines;
  std::string error;  // "file:line: what is wrong"; empty if the script is valid
};

Script read_script(const std::string& path);

std::vector<std::string> split_words(const std::string& text);
std::optional<Range> parse_range(const std::string& word);
std::optional<Duration> parse_duration(const std::string& word);

// The words of a segment after "<" or ">".
struct SegmentText {
  std::uint8_t flags = 0;
  std::map<std::string, Range> numbers;  // seq, ack, len, win, mss, ws, urg, port, isn, gso
  std::vector<std::pair<Range, Range>> sack;
  std::optional<std::pair<Range, Range>> timestamps;
  bool echo_last = false;             // "ts 5": the echo is the newest timestamp of the other side
  std::optional<std::string> cookie;  // bytes, or "*"
  std::optional<std::string> ecn;     // not, ect0, ect1, ce
  std::string raw;
  std::vector<std::string> absent;  // options that must not be there
  std::optional<Ipv4Address> from;  // a source other than the peer
  bool sack_permitted = false;
  bool bad_checksum = false;
  bool broadcast = false;
  bool more = false;  // further segments of the same batch follow
  std::string error;

  const Range* number(const std::string& name) const {
    const auto found = numbers.find(name);
    return found == numbers.end() ? nullptr : &found->second;
  }
};
SegmentText parse_segment(const std::vector<std::string>& words, std::size_t first);

}  // namespace fata::test
