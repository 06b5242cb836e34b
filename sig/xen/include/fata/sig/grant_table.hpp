// Pages shared with another domain: offered to it by number, or mapped from it.
//
// The other side may write to shared memory at any moment. Read each value exactly once, as a copy
// (an atomic load, a memcpy), and validate the copy: it is untrusted input from a peer. Memory
// ordering (acquire and release) is up to the reader and the writer.
//
// Nothing here waits. A table must outlive all its offers and mappings.
#pragma once

#include <cstdint>
#include <span>

#include "fata/base/bytes.hpp"
#include "fata/sig/domain.hpp"

namespace fata::sig {

using GrantReference = std::uint32_t;
inline constexpr std::size_t kGrantPage = 4096;

// The other side's access; kWrite includes reading.
enum class GrantAccess : std::uint8_t { kRead, kWrite };

// Pages of this domain that another domain may map. A move-only value; an empty one (default
// constructed or moved from) offers nothing. The destructor revokes the pages. The table does not
// reuse a page that the other side still maps until it is unmapped.
template <class O>
concept GrantOffer = std::movable<O> && std::default_initializable<O> && requires(O& offer) {
  // All pages, contiguous; initially zero.
  { offer.memory() } -> std::same_as<MutableBytes>;
  // One per page, in order, for the other side.
  { offer.references() } -> std::same_as<std::span<const GrantReference>>;
  // Revokes all pages. True: the offer is now empty. False: the other side still maps a page; that
  // page is unchanged, the others can no longer be mapped, and the call may be repeated.
  { offer.take_back() } -> std::same_as<bool>;
};

// Pages of another domain in this domain's memory; a move-only value like GrantOffer. The
// destructor unmaps them; no reference to the memory may remain. If the owning domain dies first,
// the memory stays as it is until it is unmapped.
template <class M>
concept GrantMapping = std::movable<M> && std::default_initializable<M> && requires(M& mapping) {
  // All pages, contiguous, in the order of the references. Writing to a read-only mapping is a
  // fault.
  { mapping.memory() } -> std::same_as<MutableBytes>;
};

template <class G>
concept GrantTable = requires(G& table, DomainId domain, std::size_t pages,
                              std::span<const GrantReference> references, GrantAccess access) {
  typename G::Offer;
  typename G::Mapping;
  requires GrantOffer<typename G::Offer>;
  requires GrantMapping<typename G::Mapping>;
  // Offers new pages (at least one) to `domain`, which need not exist. kExhausted: the table is
  // full.
  { table.offer(domain, pages, access) } -> std::same_as<Result<typename G::Offer>>;
  // Maps pages that `domain` offered to this one: all of them or none. kBadReference if a page is
  // not (or no longer) offered, kDenied if it is read-only and `access` is kWrite, kExhausted if
  // this domain's mappings are at their limit, kNotFound if the domain does not exist. A hypervisor
  // that does not distinguish these returns kBadReference.
  { table.map(domain, references, access) } -> std::same_as<Result<typename G::Mapping>>;
};

namespace archetype {
class GrantOffer {
 public:
  GrantOffer() = default;
  GrantOffer(GrantOffer&&) = default;
  GrantOffer& operator=(GrantOffer&&) = default;
  MutableBytes memory() { return {}; }
  std::span<const GrantReference> references() { return {}; }
  bool take_back() { return true; }
};
class GrantMapping {
 public:
  GrantMapping() = default;
  GrantMapping(GrantMapping&&) = default;
  GrantMapping& operator=(GrantMapping&&) = default;
  MutableBytes memory() { return {}; }
};
struct GrantTable {
  using Offer = GrantOffer;
  using Mapping = GrantMapping;
  Result<Offer> offer(DomainId, std::size_t, GrantAccess) { return fail(Error(DomainErrc::kGone)); }
  Result<Mapping> map(DomainId, std::span<const GrantReference>, GrantAccess) {
    return fail(Error(DomainErrc::kGone));
  }
};
}  // namespace archetype

}  // namespace fata::sig
