// The engine's view of a query, parsed in one pass.
#pragma once

#include "fata/dns/message.hpp"

namespace fata::dns {

struct Query {
  Bytes message;
  std::uint64_t hash = 0;        // of the name
  std::size_t question_end = 0;  // kHeaderSize if the question must not be echoed
  std::uint16_t flags = 0;
  Type type{};
  Class klass{};
  Rcode verdict = Rcode::kNoError;  // errors found so far
  bool asks_for_cookie = false;     // and for nothing else; its verdict is FORMERR
  std::uint16_t opt_size = 0;       // of the answer's OPT record; 0: the query has none
  std::uint16_t cookie_at = 0;      // offset of its COOKIE option's data; 0: none
  Edns edns;
  LowerName name;

  bool has_edns() const { return opt_size != 0; }
  Bytes cookie() const { return message.subspan(cookie_at, edns.cookie_size); }
};

// False if no answer must be sent: for a response, or fewer octets than a header.
bool read_query(Bytes message, Query& query);

}  // namespace fata::dns
