// Domains of one simulated host, for tests of inter-domain communication: a xenstore with
// permissions, transactions and watches, granted and mapped pages, and event channels. All domains
// share one loop and its clock.
//
//   sim::Domains host;
//   sim::Domain& a = host.add();   // 0, the privileged one
//   sim::Domain& b = host.add();   // 1
//   a.store(), b.grants(), b.events()
//
// A shared page is really mapped twice: an access after unmapping faults, and so does a write to a
// read-only mapping. The host must outlive its domains' offers, mappings, channels and watches, and
// be destroyed before the platform.
#pragma once

#include <memory>
#include <vector>

#include "fata/sim/domain_events.hpp"
#include "fata/sim/domain_grants.hpp"
#include "fata/sim/domain_store.hpp"

namespace fata::sim {

class Domain {
 public:
  Domain(Domains& host, sig::DomainId id)
      : host_(&host), id_(id), grants_(host, id), events_(host, id), store_(host, id) {}
  Domain(const Domain&) = delete;
  Domain& operator=(const Domain&) = delete;

  sig::DomainId id() const { return id_; }
  GrantTable& grants() { return grants_; }
  EventChannels& events() { return events_; }
  Xenstore& store() { return store_; }
  bool dead() const { return dead_; }

  // Destroys the domain at once: its grants and mappings end, its channels close, its part of
  // xenstore is removed, and all requests and waits of its tasks here fail with kGone. The test
  // must stop its tasks.
  void die();

 private:
  Domains* host_;
  sig::DomainId id_;
  bool dead_ = false;
  GrantTable grants_;
  EventChannels events_;
  Xenstore store_;
};

class Domains {
 public:
  Domains();
  Domains(const Domains&) = delete;
  Domains& operator=(const Domains&) = delete;

  // Adds a domain. Domains are numbered from 0; there are at most 64. Each has its own node, which
  // belongs to domain 0 and contains "domid" and "data"; the domain may write to "data".
  Domain& add();
  // Null if the domain does not exist or is dead.
  Domain* alive(sig::DomainId id);

  StoreTree& tree() { return tree_; }
  DomainMemory& memory() { return memory_; }
  // The time that xenstore takes to answer.
  Duration store_delay = microseconds(30);

 private:
  DomainMemory memory_;
  StoreTree tree_;
  std::vector<std::unique_ptr<Domain>> domains_;
};

}  // namespace fata::sim
