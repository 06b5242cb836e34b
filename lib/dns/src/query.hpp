// What the engine needs to know of a query, read in one pass.
#pragma once

#include "fata/dns/message.hpp"

namespace fata::dns {

struct Query {
  Bytes message;
  std::uint64_t hash = 0;        // of the name
  std::size_t question_end = 0;  // kHeaderSize if the question is not to be echoed
  std::uint16_t flags = 0;
  Type type{};
  Class klass{};
  Rcode verdict = Rcode::kNoError;  // what is wrong with it already
  bool has_edns = false;
  Edns edns;
  LowerName name;
};

// False if nothing is to be answered: a response, or fewer octets than a header.
bool read_query(Bytes message, Query& query);

}  // namespace fata::dns
