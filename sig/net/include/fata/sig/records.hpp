// What a resolver returns, for engines as well as resolvers: no coroutines here.
#pragma once

#include <cstdint>
#include <vector>

#include "fata/base/bytes.hpp"
#include "fata/base/error.hpp"

namespace fata::sig {

enum class NameErrc : std::uint32_t {
  kBadName = 1,    // the text is not a domain name
  kNotFound,       // the name does not exist (NXDOMAIN)
  kNoData,         // the name exists, but has no record of the type
  kNoServers,      // no name server is known
  kNoAnswer,       // no name server answered in time
  kServersFailed,  // every name server answered with an error; the detail is the last RCODE
  kAliasLoop,      // the name is an alias whose chain does not end
  kBusy,           // too many lookups are in progress
};
const ErrorDomain& error_domain(NameErrc) noexcept;

// The records of one name and type (RFC 2181 section 5), in the order of the answer.
struct RecordSet {
  // The rdata of each record after its length in two octets; names inside are uncompressed.
  std::vector<std::byte> bytes{};
  std::uint32_t ttl = 0;  // in seconds

  bool empty() const { return bytes.empty(); }
  // At most 65,535 octets.
  void add(Bytes rdata) {
    bytes.push_back(static_cast<std::byte>(rdata.size() >> 8));
    bytes.push_back(static_cast<std::byte>(rdata.size()));
    bytes.insert(bytes.end(), rdata.begin(), rdata.end());
  }
};

// Reads the rdata of a set, one record after the other.
class RecordReader {
 public:
  explicit RecordReader(Bytes bytes) : reader_(bytes) {}
  explicit RecordReader(const RecordSet& set) : reader_(set.bytes) {}

  // False after the last record.
  bool next(Bytes& rdata) {
    if (reader_.at_end()) return false;
    rdata = reader_.take(reader_.u16());
    return reader_.ok();
  }

 private:
  ByteReader reader_;
};

}  // namespace fata::sig
