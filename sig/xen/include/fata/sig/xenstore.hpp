// Xenstore: a tree of small values through which the domains of a host find each other
// (docs/misc/xenstore.txt of Xen).
//
// Paths are absolute ("/local/domain/3/data/x", at most 3072 bytes) or relative to the domain's own
// node ("data/x", at most 2048 bytes); a longer path fails with kTooLong. Allowed characters are
// letters, digits and "-/_@". "domid" is the domain's own number. A value is any bytes, at most
// 2048.
//
// Calls send a request to the xenstore daemon; all but watch() wait for the reply. After a wait
// that ends early (deadline, token), the request may or may not have been carried out. Any call may
// fail with kBroken, kExhausted (too many pending requests, or a quota) or kGone.
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

// 0: no transaction; the request stands alone.
using StoreTransaction = std::uint32_t;
inline constexpr StoreTransaction kNoTransaction = 0;

// Cancels its watch when destroyed. Destroy it before the store.
template <class W>
concept StoreWatch = requires(W& watch, async::Wait wait) {
  // Waits until something at or below the path may have changed since the last call; the first call
  // completes at once. Concurrent changes coalesce, and a wake-up may be spurious: read again. At
  // most one wait at a time; a wait that ends early loses no change.
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
  // Creates the node and any missing parents. This domain owns the new nodes; their permissions are
  // copied from the parent node. kDenied.
  { store.write(path, value, in, wait) } -> Awaits<Result<void>>;
  // The names of the direct children, in any order. kNotFound, kDenied.
  { store.list(path, in, wait) } -> Awaits<Result<std::vector<std::string>>>;
  // Removes the node and its subtree. Removing a missing node succeeds if its parent exists.
  // kNotFound, kDenied.
  { store.remove(path, in, wait) } -> Awaits<Result<void>>;
  // Sets a node's permissions: at least one entry, at most 64. The first entry names the owner,
  // which has full access; its access value is the default for domains not listed. Only the owner
  // may call this: kDenied, kNotFound. An entry for a domain that does not exist yet has no effect,
  // even once that domain exists.
  { store.permit(path, permissions, wait) } -> Awaits<Result<void>>;

  // Between begin() and end(), a transaction sees a snapshot of the tree plus its own changes.
  // Other domains see those changes all at once, or never.
  { store.begin(wait) } -> Awaits<Result<StoreTransaction>>;
  // Ends the transaction in any case. With `commit`, kAgain means that another change conflicts
  // with what the transaction read or wrote: nothing was changed; repeat it from begin().
  { store.end(in, commit, wait) } -> Awaits<Result<void>>;

  // Does not wait. The path need not exist. No event arrives for changes to nodes that this domain
  // may not read, nor when a node becomes readable. To notify another domain, first make the parent
  // node readable for it, then write below it. kExhausted, kTooLong.
  { store.watch(path) } -> std::same_as<Result<std::unique_ptr<typename X::Watch>>>;
};

namespace archetype {
struct StoreWatch {
  Ready<Result<void>> next(async::Wait) { return {}; }
};
struct Xenstore {
  using Watch = StoreWatch;
  Ready<Result<std::string>> read(std::string, StoreTransaction, async::Wait) { return {}; }
  Ready<Result<void>> write(std::string, std::string, StoreTransaction, async::Wait) { return {}; }
  Ready<Result<std::vector<std::string>>> list(std::string, StoreTransaction, async::Wait) {
    return {};
  }
  Ready<Result<void>> remove(std::string, StoreTransaction, async::Wait) { return {}; }
  Ready<Result<void>> permit(std::string, std::vector<StorePermission>, async::Wait) { return {}; }
  Ready<Result<StoreTransaction>> begin(async::Wait) { return {}; }
  Ready<Result<void>> end(StoreTransaction, bool, async::Wait) { return {}; }
  Result<std::unique_ptr<Watch>> watch(std::string) { return fail(Error(DomainErrc::kGone)); }
};
}  // namespace archetype

}  // namespace fata::sig
