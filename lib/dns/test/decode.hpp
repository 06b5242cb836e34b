// The tests' own message decoder, which shares no code with the library: converts a message into
// text without losing anything.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "fata/dns/engine.hpp"

namespace fata::dns::test {

struct Record {
  std::string owner;
  unsigned type = 0, klass = 0;
  std::uint32_t ttl = 0;
  std::string rdata;

  // "www.example. 300 A 192.0.2.1"
  std::string text() const;
};

struct Decoded {
  bool ok = false;
  unsigned id = 0, flags = 0;
  std::string qname;
  unsigned qtype = 0, qclass = 0, questions = 0;
  std::vector<std::string> answer, authority, additional;  // without OPT
  bool has_opt = false;
  unsigned opt_payload = 0, opt_version = 0, extended = 0;
  bool opt_do = false;
  std::string options;            // the OPT record's rdata in hexadecimal digits
  std::size_t longest_chain = 0;  // of consecutive compression pointers

  unsigned rcode() const { return (flags & 15) | extended << 4; }
  bool aa() const { return (flags & 0x400) != 0; }
  bool tc() const { return (flags & 0x200) != 0; }
};

inline std::string type_name(unsigned type) {
  switch (type) {
    case 1:
      return "A";
    case 2:
      return "NS";
    case 5:
      return "CNAME";
    case 6:
      return "SOA";
    case 12:
      return "PTR";
    case 15:
      return "MX";
    case 16:
      return "TXT";
    case 28:
      return "AAAA";
    case 33:
      return "SRV";
    case 39:
      return "DNAME";
    case 43:
      return "DS";
    case 46:
      return "RRSIG";
    case 47:
      return "NSEC";
    case 65:
      return "HTTPS";
    default:
      return "TYPE" + std::to_string(type);
  }
}

inline std::string Record::text() const {
  return owner + " " + std::to_string(ttl) + " " + type_name(type) + " " + rdata;
}

class Decoder {
 public:
  explicit Decoder(const std::vector<std::uint8_t>& bytes) : bytes_(bytes) {}

  Decoded decode() {
    Decoded out;
    if (bytes_.size() < 12) return out;
    out.id = u16(0);
    out.flags = u16(2);
    out.questions = u16(4);
    std::size_t at = 12;
    for (unsigned i = 0; i < out.questions; ++i) {
      out.qname = name(at, false);
      out.qtype = u16(at);
      out.qclass = u16(at + 2);
      at += 4;
    }
    std::vector<std::string>* sections[] = {&out.answer, &out.authority, &out.additional};
    for (unsigned s = 0; s < 3 && good_; ++s) {
      for (unsigned n = u16(6 + 2 * s); n != 0 && good_; --n) {
        Record record;
        record.owner = name(at, true);
        record.type = u16(at);
        record.klass = u16(at + 2);
        record.ttl = u16(at + 4) << 16 | u16(at + 6);
        const std::size_t size = u16(at + 8);
        at += 10;
        if (at + size > bytes_.size()) good_ = false;
        if (!good_) break;
        if (record.type == 41) {
          if (out.has_opt || s != 2 || record.owner != ".") good_ = false;
          out.has_opt = true;
          out.opt_payload = record.klass;
          out.extended = record.ttl >> 24;
          out.opt_version = record.ttl >> 16 & 255;
          out.opt_do = (record.ttl & 0x8000) != 0;
          for (std::size_t i = at; i < at + size; ++i) {
            out.options += "0123456789abcdef"[u8(i) >> 4];
            out.options += "0123456789abcdef"[u8(i) & 15];
          }
        } else {
          if (record.klass != 1) good_ = false;
          record.rdata = rdata(record.type, at, size);
          sections[s]->push_back(record.text());
        }
        at += size;
      }
    }
    out.ok = good_ && at == bytes_.size();
    out.longest_chain = longest_chain_;
    return out;
  }

 private:
  unsigned u8(std::size_t at) {
    if (at >= bytes_.size()) return good_ = false, 0;
    return bytes_[at];
  }
  unsigned u16(std::size_t at) { return u8(at) << 8 | u8(at + 1); }
  std::uint32_t u32(std::size_t at) { return u16(at) << 16 | u16(at + 2); }

  std::string name(std::size_t& at, bool pointers) {
    std::string out;
    std::size_t here = at, octets = 0;
    bool jumped = false;
    std::size_t chain = 0;
    for (int steps = 0;; ++steps) {
      const unsigned length = u8(here);
      if (!good_ || steps > 300) return good_ = false, "";
      if (length >= 192) {
        const std::size_t to = (length & 63) << 8 | u8(here + 1);
        if (!pointers || to >= here) return good_ = false, "";
        if (!jumped) at = here + 2;
        jumped = true;
        longest_chain_ = std::max(longest_chain_, ++chain);
        here = to;
        continue;
      }
      if (length > 63) return good_ = false, "";
      octets += length + 1;
      ++here;
      if (length == 0) break;
      for (unsigned i = 0; i < length; ++i)
        out += static_cast<char>(std::tolower(static_cast<int>(u8(here + i))));
      out += '.';
      here += length;
    }
    if (octets > 255) good_ = false;
    if (!jumped) at = here;
    return out.empty() ? "." : out;
  }

  std::string hex(std::size_t at, std::size_t end) {
    std::string out;
    for (; at < end; ++at) {
      out += "0123456789abcdef"[u8(at) >> 4];
      out += "0123456789abcdef"[u8(at) & 15];
    }
    return out;
  }

  std::string rdata(unsigned type, std::size_t at, std::size_t size) {
    const std::size_t end = at + size;
    std::string out;
    switch (type) {
      case 1:
        if (size != 4) good_ = false;
        for (int i = 0; i < 4; ++i) out += (i != 0 ? "." : "") + std::to_string(u8(at + i));
        return out;
      case 2:
      case 5:
      case 12:
        out = name(at, true);
        break;
      case 39:
        out = name(at, false);
        break;
      case 15: {
        out = std::to_string(u16(at)) + " ";
        at += 2;
        out += name(at, true);
        break;
      }
      case 33:
        for (int i = 0; i < 3; ++i, at += 2) out += std::to_string(u16(at)) + " ";
        out += name(at, false);
        break;
      case 6: {
        out = name(at, true);
        out += " " + name(at, true);
        for (int i = 0; i < 5; ++i, at += 4) out += " " + std::to_string(u32(at));
        break;
      }
      case 16:
        while (at < end && good_) {
          const unsigned length = u8(at++);
          out += '"';
          for (unsigned i = 0; i < length; ++i) out += static_cast<char>(u8(at + i));
          out += '"';
          at += length;
        }
        break;
      default:
        return hex(at, end);
    }
    if (at != end) good_ = false;
    return out;
  }

  const std::vector<std::uint8_t>& bytes_;
  bool good_ = true;
  std::size_t longest_chain_ = 0;
};

inline Decoded decode(Bytes message) {
  std::vector<std::uint8_t> bytes;
  for (const std::byte octet : message) bytes.push_back(static_cast<std::uint8_t>(octet));
  return Decoder(bytes).decode();
}

struct Ask {
  std::string name;  // with a final dot
  unsigned type = 1;
  unsigned klass = 1;
  unsigned flags = 0x0100;
  int payload = -1;  // of the OPT record; none if negative
  unsigned version = 0;
  bool dnssec_ok = false;
  std::vector<std::uint8_t> options = {};  // the OPT record's rdata
};

inline std::vector<std::uint8_t> query_bytes(const Ask& ask) {
  std::vector<std::uint8_t> out{0xab,
                                0xcd,
                                static_cast<std::uint8_t>(ask.flags >> 8),
                                static_cast<std::uint8_t>(ask.flags),
                                0,
                                1,
                                0,
                                0,
                                0,
                                0,
                                0,
                                static_cast<std::uint8_t>(ask.payload < 0 ? 0 : 1)};
  std::string label;
  for (const char c : ask.name) {
    if (c != '.') {
      label += c;
      continue;
    }
    if (!label.empty()) {
      out.push_back(static_cast<std::uint8_t>(label.size()));
      out.insert(out.end(), label.begin(), label.end());
    }
    label.clear();
  }
  const auto u16 = [&out](unsigned value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
  };
  out.push_back(0);
  u16(ask.type);
  u16(ask.klass);
  if (ask.payload >= 0) {
    out.push_back(0);
    u16(41);
    u16(static_cast<unsigned>(ask.payload));
    u16(ask.version);
    u16(ask.dnssec_ok ? 0x8000 : 0);
    u16(static_cast<unsigned>(ask.options.size()));
    out.insert(out.end(), ask.options.begin(), ask.options.end());
  }
  return out;
}

inline Bytes as_span(const std::vector<std::uint8_t>& bytes) {
  return std::as_bytes(std::span(bytes));
}

// The answer's bytes; empty if there is none.
inline std::vector<std::uint8_t> answer_bytes(Engine& engine,
                                              const std::vector<std::uint8_t>& query,
                                              Transport transport) {
  std::vector<std::uint8_t> out(65535);
  const std::size_t size =
      engine.answer(as_span(query), std::as_writable_bytes(std::span(out)), transport);
  out.resize(size);
  return out;
}

// Properties of every answer: no record appears twice in a section (RFC 2181 section 5), and no
// name takes more than four pointers to read.
inline void expect_sound(const Decoded& got) {
  for (const auto* section : {&got.answer, &got.authority, &got.additional}) {
    auto sorted = *section;
    std::ranges::sort(sorted);
    const auto twice = std::ranges::adjacent_find(sorted);
    if (twice != sorted.end()) ADD_FAILURE() << "twice in one section: " << *twice;
  }
  EXPECT_LE(got.longest_chain, 4U);
}

inline Decoded resolve(Engine& engine, const Ask& ask, Transport transport = Transport::kUdp) {
  Decoded got = decode(as_span(answer_bytes(engine, query_bytes(ask), transport)));
  expect_sound(got);
  return got;
}

// An engine with these zones; fails the test if one is rejected.
inline Engine engine_with(std::initializer_list<std::string_view> texts,
                          const EngineOptions& options = {}) {
  Engine engine(options);
  for (const std::string_view text : texts) {
    const auto loaded = engine.load("zone", text);
    if (!loaded) {
      Text<256> line(std::in_place, loaded.error());
      ADD_FAILURE() << line.view();
    }
  }
  engine.build();
  return engine;
}

}  // namespace fata::dns::test
