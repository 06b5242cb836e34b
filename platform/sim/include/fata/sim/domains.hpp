// Domains of one simulated host, for tests of what crosses them: a xenstore with permissions,
// transactions and watches, pages that are granted and mapped, event channels; all on one loop and
// its clock.
//
//   sim::Domains host;
//   sim::Domain& a = host.add();   // 0, the privileged one
//   sim::Domain& b = host.add();   // 1
//   a.store(), b.grants(), b.events()
//
// Pages are memory that is really mapped twice: what is unmapped faults, and so does writing to
// what was mapped for reading. The host outlives its domains' offers, mappings, channels and
// watches, and dies before the platform.
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

  // At once and for good, as a domain that is destroyed: its grants and mappings go, its channels
  // close, its part of xenstore is removed, and all that its tasks ask or wait for here fails with
  // kGone. Its tasks are the test's to stop.
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

  // Numbered from 0; at most 64. Each has a node of its own, which belongs to domain 0, with a
  // "domid", and "data", where it may write.
  Domain& add();
  // Null if there never was one, or it is dead.
  Domain* alive(sig::DomainId id);

  StoreTree& tree() { return tree_; }
  DomainMemory& memory() { return memory_; }
  // How long xenstore takes to answer.
  Duration store_delay = microseconds(30);

 private:
  DomainMemory memory_;
  StoreTree tree_;
  std::vector<std::unique_ptr<Domain>> domains_;
};

}  // namespace fata::sim
