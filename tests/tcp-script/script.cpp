#include "script.hpp"

#include <charconv>
#include <fstream>
#include <set>
#include <sstream>

#include "segment.hpp"

namespace fata::test {
namespace {

std::optional<std::int64_t> parse_number(const std::string& text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

// "10ms", "+10ms", "10ms..20ms", "*"; false if the word is not a time.
bool parse_time(std::string word, Line& line) {
  if (word.starts_with('+')) {
    line.relative = true;
    word.erase(0, 1);
  }
  const std::size_t dots = word.find("..");
  const auto from = parse_duration(word.substr(0, dots));
  if (!from) return false;
  line.timed = true;
  line.from = line.to = *from;
  if (dots != std::string::npos) {
    const auto to = parse_duration(word.substr(dots + 2));
    if (!to || *to < *from) return false;
    line.to = *to;
  }
  return true;
}

std::optional<std::uint8_t> parse_flags(const std::string& word) {
  if (word == "-") return 0;
  std::uint8_t flags = 0;
  for (const char letter : word) {
    switch (letter) {
      case 'S':
        flags |= kSyn;
        break;
      case 'F':
        flags |= kFin;
        break;
      case 'R':
        flags |= kRst;
        break;
      case 'P':
        flags |= kPsh;
        break;
      case 'A':
        flags |= kAck;
        break;
      case 'U':
        flags |= kUrg;
        break;
      case 'E':
        flags |= kEce;
        break;
      case 'C':
        flags |= kCwr;
        break;
      default:
        return std::nullopt;
    }
  }
  return flags;
}

std::optional<std::string> parse_hex(const std::string& word) {
  if (word.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < word.size(); i += 2) {
    unsigned value = 0;
    const char* const end = word.data() + i + 2;
    if (std::from_chars(word.data() + i, end, value, 16).ptr != end) return std::nullopt;
    bytes.push_back(static_cast<char>(value));
  }
  return bytes;
}

const std::set<std::string> kNumbers{"seq", "ack",  "len", "win", "mss",  "ws",
                                     "urg", "port", "isn", "gso", "dscp", "ttl"};

}  // namespace

std::string Range::text() const {
  if (any) return "*";
  if (least == most) return std::to_string(least);
  return std::to_string(least) + ".." + std::to_string(most);
}

std::vector<std::string> split_words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) {
    if (word.starts_with('#')) break;
    words.push_back(word);
  }
  return words;
}

std::optional<Duration> parse_duration(const std::string& word) {
  std::size_t unit = 0;
  while (unit < word.size() && (word[unit] == '.' || (word[unit] >= '0' && word[unit] <= '9')))
    ++unit;
  std::int64_t scale = 0;
  const std::string name = word.substr(unit);
  if (name == "us") scale = 1'000;
  if (name == "ms") scale = 1'000'000;
  if (name == "s") scale = 1'000'000'000;
  if (name == "min") scale = 60'000'000'000;
  if (scale == 0 || unit == 0) return std::nullopt;
  const std::size_t point = std::min(word.find('.'), unit);
  const auto whole = parse_number(word.substr(0, point));
  if (!whole) return std::nullopt;
  Duration out{*whole * scale};
  for (std::size_t i = point + 1; i < unit; ++i) {
    scale /= 10;
    out.ns += (word[i] - '0') * scale;
  }
  return out;
}

std::optional<Range> parse_range(const std::string& word) {
  if (word == "*") return Range{0, 0, true};
  const std::size_t dots = word.find("..");
  const auto least = parse_number(word.substr(0, dots));
  if (!least) return std::nullopt;
  Range range{*least, *least};
  if (dots != std::string::npos) {
    const auto most = parse_number(word.substr(dots + 2));
    if (!most) return std::nullopt;
    range.most = *most;
  }
  return range;
}

SegmentText parse_segment(const std::vector<std::string>& words, std::size_t first) {
  SegmentText out;
  const auto bad = [&](const std::string& why) {
    if (out.error.empty()) out.error = why;
    return out;
  };
  if (first >= words.size()) return bad("a segment needs flags");
  const auto flags = parse_flags(words[first]);
  if (!flags) return bad("'" + words[first] + "' are no flags: letters of SFRPAUEC, or -");
  out.flags = *flags;
  for (std::size_t i = first + 1; i < words.size(); ++i) {
    const std::string& key = words[i];
    const auto next = [&]() -> std::string { return i + 1 < words.size() ? words[++i] : ""; };
    if (kNumbers.contains(key)) {
      const auto range = parse_range(next());
      if (!range) return bad("'" + words[i] + "' is no number for " + key);
      out.numbers[key] = *range;
    } else if (key == "sackok") {
      out.sack_permitted = true;
    } else if (key == "sack") {
      while (i + 1 < words.size() && words[i + 1].find('-') != std::string::npos) {
        const std::string& block = words[++i];
        const std::size_t dash = block.find('-');
        const auto begin = parse_range(block.substr(0, dash));
        const auto end = parse_range(block.substr(dash + 1));
        if (!begin || !end) return bad("'" + block + "' is no SACK block");
        out.sack.emplace_back(*begin, *end);
      }
      if (out.sack.empty()) return bad("sack needs blocks: 1000-2000");
    } else if (key == "ts") {
      const auto value = parse_range(next());
      if (!value) return bad("ts needs a value");
      out.timestamps.emplace(*value, Range{});
      if (i + 1 < words.size() && parse_range(words[i + 1])) {
        out.timestamps->second = *parse_range(words[++i]);
      } else {
        out.echo_last = true;
      }
    } else if (key == "tfo") {
      const std::string cookie = next();
      const auto bytes = cookie == "-" ? std::string() : cookie == "*" ? cookie : parse_hex(cookie);
      if (!bytes) return bad("tfo needs hexadecimal bytes, - or *");
      out.cookie = bytes;
    } else if (key == "ecn") {
      out.ecn = next();
    } else if (key == "raw") {
      const auto bytes = parse_hex(next());
      if (!bytes) return bad("raw needs hexadecimal bytes");
      out.raw = *bytes;
    } else if (key == "no") {
      out.absent.push_back(next());
    } else if (key == "from") {
      out.from = Ipv4Address::parse(next());
      if (!out.from) return bad("'" + words[i] + "' is no address");
    } else if (key == "badsum") {
      out.bad_checksum = true;
    } else if (key == "broadcast") {
      out.broadcast = true;
    } else if (key == "more") {
      out.more = true;
    } else {
      return bad("a segment has no '" + key + "'");
    }
  }
  return out;
}

Script read_script(const std::string& path) {
  Script script;
  std::ifstream in(path);
  if (!in) {
    script.error = path + ": cannot be opened";
    return script;
  }
  int number = 0;
  for (std::string text; std::getline(in, text);) {
    Line line;
    line.file = path;
    line.number = ++number;
    line.text = text;
    line.words = split_words(text);
    if (line.words.empty()) continue;
    if (parse_time(line.words[0], line)) line.words.erase(line.words.begin());
    if (line.words.empty()) {
      script.error = path + ":" + std::to_string(number) + ": a time with nothing to happen at it";
      return script;
    }
    script.lines.push_back(std::move(line));
  }
  if (script.lines.empty()) script.error = path + ": holds no line";
  return script;
}

}  // namespace fata::test
