#include "query.hpp"

#include "fata/dns/cookie.hpp"

namespace fata::dns {

namespace {

// The end of the name at `at` in the message (pointers are not followed); 0 if it has none.
std::size_t skip_name(Bytes message, std::size_t at) {
  while (at < message.size()) {
    const auto length = static_cast<std::size_t>(message[at]);
    if (length >= 0xc0) return at + 2 <= message.size() ? at + 2 : 0;
    if (length > kMaxLabel) return 0;
    at += length + 1;
    if (length == 0) return at;
  }
  return 0;
}

// Reads the records after the question: at most one OPT, in the additional section, and nothing
// after the last record. `counts`: the header's, of all four sections.
bool read_records(Bytes message, std::size_t at, std::uint64_t counts, Query& query) {
  constexpr std::size_t kFields = 10;  // type, class, TTL and the size of the data
  const std::size_t before = (counts >> 32 & 0xffff) + (counts >> 16 & 0xffff);
  const std::size_t all = before + (counts & 0xffff);
  for (std::size_t i = 0; i < all; ++i) {
    const std::size_t owner = at;
    at = skip_name(message, at);
    if (at == 0 || message.size() - at < kFields) return false;
    const Bytes fields = message.subspan(at, kFields);
    const std::size_t size = load_be<std::uint16_t>(fields.subspan(8));
    at += kFields + size;
    if (at > message.size()) return false;
    if (static_cast<Type>(load_be<std::uint16_t>(fields)) != Type::kOpt) continue;
    if (query.has_edns() || i < before || message[owner] != std::byte{0}) return false;
    query.edns = edns_of(load_be<std::uint16_t>(fields.subspan(2)),
                         load_be<std::uint32_t>(fields.subspan(4)));
    query.opt_size = kOptSize;
    if (size == 0) continue;
    if (!read_options(message.subspan(at - size, size), query.edns)) return false;
    if (query.edns.cookie_at != 0) {
      query.cookie_at = static_cast<std::uint16_t>(at - size + query.edns.cookie_at);
      if (!valid_cookie_size(query.edns.cookie_size)) query.verdict = Rcode::kFormErr;
    }
  }
  return at == message.size();
}

// Reads the question; false if it is malformed. A pointer in it could only point into the header.
bool read_question(Bytes message, Query& query) {
  const std::size_t length = detail::name_length_here(message.subspan(kHeaderSize));
  if (length == 0) return false;
  const std::size_t end = kHeaderSize + length + 4;
  if (end > message.size()) return false;
  query.type = static_cast<Type>(load_be<std::uint16_t>(message.subspan(end - 4, 2)));
  query.klass = static_cast<Class>(load_be<std::uint16_t>(message.subspan(end - 2, 2)));
  query.question_end = end;
  return true;
}

enum class Opcode : std::uint8_t { kQuery = 0, kStatus = 2, kNotify = 4, kUpdate = 5 };

// True for opcodes known to have a question after the header (RFC 1035, 1996, 2136). The format of
// all others is unknown.
bool has_question(Opcode opcode) {
  return opcode == Opcode::kStatus || opcode == Opcode::kNotify || opcode == Opcode::kUpdate;
}

}  // namespace

bool read_query(Bytes message, Query& query) {
  if (message.size() < kHeaderSize) return false;
  query.message = message;
  query.flags = load_be<std::uint16_t>(message.subspan(2, 2));
  if ((query.flags & flag::kResponse) != 0) return false;
  query.verdict = Rcode::kNoError;
  query.opt_size = query.cookie_at = 0;
  query.asks_for_cookie = false;
  query.edns = {};
  const auto opcode = static_cast<Opcode>((query.flags & flag::kOpcodeMask) >> flag::kOpcodeShift);
  const bool other_opcode = opcode != Opcode::kQuery;
  // The counts of questions, answers, authorities and additionals.
  const auto counts = load_be<std::uint64_t>(message.subspan(4, 8));
  bool well_formed = counts >> 48 == 1 && read_question(message, query);
  // With a cookie, a query without a question requests a cookie (RFC 7873 section 5.4).
  if (counts >> 48 == 0 && !other_opcode) {
    query.question_end = kHeaderSize;
    query.asks_for_cookie = well_formed = true;
  }
  if (well_formed && (counts != std::uint64_t{1} << 48 || message.size() != query.question_end)) {
    well_formed = read_records(message, query.question_end, counts, query);
  }
  if (!well_formed || query.asks_for_cookie) [[unlikely]] {
    query.verdict = other_opcode ? Rcode::kNotImp : Rcode::kFormErr;
    query.question_end = kHeaderSize;
    query.asks_for_cookie = well_formed && query.cookie_at != 0 && query.edns.version == 0 &&
                            valid_cookie_size(query.edns.cookie_size);
    if (!query.asks_for_cookie) query.opt_size = query.cookie_at = 0;
    return true;
  }
  if (other_opcode) {
    query.verdict = Rcode::kNotImp;
    if (!has_question(opcode)) query.question_end = kHeaderSize;
  } else if (query.has_edns() && query.edns.version != 0) {
    query.verdict = Rcode::kBadVers;
  } else if (query.type == Type::kOpt || query.type == Type::kTsig || query.type == Type::kTkey) {
    query.verdict = Rcode::kFormErr;
  } else if (query.klass != Class::kIn || query.type == Type::kAxfr || query.type == Type::kIxfr) {
    if (query.verdict == Rcode::kNoError) query.verdict = Rcode::kRefused;
  } else {
    query.hash =
        query.name.assign(message.subspan(kHeaderSize, query.question_end - 4 - kHeaderSize));
  }
  return true;
}

}  // namespace fata::dns
