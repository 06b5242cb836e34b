// Renewal: an owner of random secrets that must draw them again after a restore from a snapshot.
// Otherwise, all images restored from one snapshot would share them.
#pragma once

#include "fata/base/list.hpp"
#include "fata/base/siphash.hpp"

namespace fata::async {

class Renewal : public ListNode<Renewal> {
 public:
  // Called by the loop that it is registered with (Loop::on_restore), before any task is resumed
  // and any timer fires. Must replace everything derived from earlier secrets. `secret` is fresh
  // and unique to this call. Must not add or remove a Renewal.
  virtual void renew(const SipKey& secret) = 0;

 protected:
  ~Renewal() = default;
};

}  // namespace fata::async
