// Xenstore, the tree of small texts by which the domains of a host find each other
// (docs/misc/xenstore.txt of Xen).
//
// Paths are absolute ("/local/domain/3/data/x") or relative to the domain's own node ("data/x"); of
// letters, digits and "-/_@", at most 3072 or 2048 bytes (kTooLong). "domid" is the domain's own
// number. A value has any bytes, at most 2048.
//
// Everything here asks another domain and waits for its answer. A wait that ends early (its
// deadline, its token) leaves open whether the request was carried out. Any call may fail with
// kBroken, kExhausted (too many requests at once, or a quota) or kGone.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fata/sig/awaits.hpp"
#include "fata/sig/domain.hpp"

namespace fata::sig {

enum class StoreAccess : std::uint8_t { kNone, kRead, kWrite, kBoth };
struct StorePermission {
  DomainId domain = 0;
  StoreAccess access = StoreAccess::kNone;
};

// 0 is none: the request stands alone.
using StoreTransaction = std::uint32_t;
inline constexpr StoreTransaction kNoTransaction = 0;

// Dies with its watch; before the store.
template <class W>
concept StoreWatch = requires(W& watch, async::Wait wait) {
  // Until something at or below the path may have changed since the last call; the first ends at
  // once. Changes that come together are one, and it may be nothing: look again. One wait at a
  // time; one that ends early loses no change.
  { watch.next(wait) } -> Awaits<Result<void>>;
};

template <class X>
concept Xenstore = requires(X& store, std::string path, std::string value,
                            std::vector<StorePermission> permissions, StoreTransaction in,
                            bool commit, async::Wait wait) {
  typename X::Watch;
  requires StoreWatch<typename X::Watch>;
  // kNotFound, kDenied.
  { store.read(path, in, wait) } -> Awaits<Result<std::string>>;
  // Makes the node and those above it where there are none; each belongs to this domain, and
  // grants what the node above it grants. kDenied.
  { store.write(path, value, in, wait) } -> Awaits<Result<void>>;
  // The names directly below, in any order. kNotFound, kDenied.
  { store.list(path, in, wait) } -> Awaits<Result<std::vector<std::string>>>;
  // With all below. That there is no such node is success, if there is the one above it;
  // kNotFound, kDenied.
  { store.remove(path, in, wait) } -> Awaits<Result<void>>;
  // The first of them is the owner, who may do everything, and what all may who are not in the
  // list. At least one, at most 64. Only the owner may do this: kDenied, kNotFound. A right of
  // a domain that does not exist yet is void, also when it comes.
  { store.permit(path, permissions, wait) } -> Awaits<Result<void>>;

  // Between begin() and end() the requests of a transaction see one state of the tree and their
  // own changes; others see these all at once, or never.
  { store.begin(wait) } -> Awaits<Result<StoreTransaction>>;
  // With `commit` kAgain means that somebody changed what the transaction has read or written:
  // nothing was done, begin anew. In any case the transaction is over.
  { store.end(in, commit, wait) } -> Awaits<Result<void>>;

  // Does not wait. The path need not exist; changes of nodes that this domain may not read are
  // not heard of, nor that a node has become readable: who tells another domain of something
  // first lets it read the node above, then writes below it. kExhausted, kTooLong.
  { store.watch(path) } -> std::same_as<Result<std::unique_ptr<typename X::Watch>>>;
};

}  // namespace fata::sig
