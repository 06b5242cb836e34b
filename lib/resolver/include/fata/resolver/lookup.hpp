// Lookup: what one caller waits for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "fata/base/list.hpp"
#include "fata/base/time.hpp"
#include "fata/dns/name.hpp"
#include "fata/sig/records.hpp"

namespace fata::resolver {

// The records of one type, as part of a lookup.
struct Part {
  dns::Type type{};
  bool done = false;
  std::uint8_t question = 0xff;  // the engine's, while it is being asked
  std::optional<Error> error{};
  sig::RecordSet records{};
};

// Owned by the caller, which may derive from it. Destroying it abandons the lookup.
class Lookup : public ListNode<Lookup> {
 public:
  bool done() const { return done_; }
  // AAAA and A for addresses, one for a typed query. Valid once done() is true.
  std::span<const Part> parts() const { return std::span(parts_).first(count_); }
  // Without a value if a part has records; else the reason that tells the caller most.
  std::optional<Error> error() const;

 private:
  friend class Engine;

  std::array<Part, 2> parts_;
  std::size_t count_ = 0;
  bool done_ = false;
  dns::Name name_;                   // as written
  dns::Name current_;                // with the search domain that is being tried
  bool complete_ = false;            // written with a final dot
  std::uint8_t next_candidate_ = 0;  // of name_ and the search domains
  Instant last_start_{};             // of a candidate
  // After this time, a missing part does not delay the other any longer.
  Instant grace_ends_ = Instant::never();
};

}  // namespace fata::resolver
