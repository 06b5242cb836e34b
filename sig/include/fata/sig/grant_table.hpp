// Pages shared with another domain: offered to it by number, or mapped from it.
//
// What is shared may be written by the other side at any moment. Whoever reads it copies a value
// once (an atomic load, a memcpy) and looks at the copy; what it says is a peer's word. Ordering is
// the reader's and the writer's business: acquire and release.
//
// Nothing here waits. A table outlives all its offers and mappings.
#pragma once

#include <cstdint>
#include <span>

#include "fata/base/bytes.hpp"
#include "fata/sig/domain.hpp"

namespace fata::sig {

using GrantReference = std::uint32_t;
inline constexpr std::size_t kGrantPage = 4096;

enum class GrantAccess : std::uint8_t {
  kRead,
  kWrite
};  // what the other side may do; writing includes reading

// Pages of this domain that another one may map. A move-only value; an empty one (made by default,
// or moved from) offers nothing. When it dies the pages are taken back. Those that the other side
// has mapped then are kept by the table, out of anybody's use, until it lets go of them.
template <class O>
concept GrantOffer = std::movable<O> && std::default_initializable<O> && requires(O& offer) {
  // All pages, one behind the other; zeroes at first.
  { offer.memory() } -> std::same_as<MutableBytes>;
  // One a page, in order; to be told to the other side.
  { offer.references() } -> std::same_as<std::span<const GrantReference>>;
  // Takes everything back: true, and the offer is empty; or false, as the other side still maps a
  // page of it: then nothing has changed for that page, others can no longer be mapped, and it may
  // be tried again.
  { offer.take_back() } -> std::same_as<bool>;
};

// Pages of another domain in this one's memory, as GrantOffer a move-only value. When it dies they
// are unmapped; nobody may have their memory any more. If their owner dies first, the memory stays
// as it is until then.
template <class M>
concept GrantMapping = std::movable<M> && std::default_initializable<M> && requires(M& mapping) {
  // All pages, one behind the other, in the order of the references. Mapped for reading, writing to
  // it is a fault.
  { mapping.memory() } -> std::same_as<MutableBytes>;
};

template <class G>
concept GrantTable = requires(G& table, DomainId domain, std::size_t pages,
                              std::span<const GrantReference> references, GrantAccess access) {
  typename G::Offer;
  typename G::Mapping;
  requires GrantOffer<typename G::Offer>;
  requires GrantMapping<typename G::Mapping>;
  // Fresh pages (at least one) for that domain, which need not exist. kExhausted: the table is
  // full.
  { table.offer(domain, pages, access) } -> std::same_as<Result<typename G::Offer>>;
  // Pages that `domain` offered to this one: all of them or none. kBadReference if one is not
  // offered (any more), kDenied if it is not for writing, kExhausted if this domain maps too much,
  // kNotFound if there is no such domain; a hypervisor that does not tell these apart says
  // kBadReference.
  { table.map(domain, references, access) } -> std::same_as<Result<typename G::Mapping>>;
};

}  // namespace fata::sig
