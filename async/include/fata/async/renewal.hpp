// Renewal: what holds secrets that were drawn at random, and draws them again when the image was
// restored from a snapshot. Images restored from one snapshot would share them otherwise.
#pragma once

#include "fata/async/list.hpp"
#include "fata/base/siphash.hpp"

namespace fata::async {

class Renewal : public ListNode<Renewal> {
 public:
  // Called by the loop that it was given to (Loop::on_restore), before any task goes on and any
  // timer fires: everything derived from a secret of before must be derived again. `secret` is
  // fresh, and of this call alone. May add and remove no Renewal.
  virtual void renew(const SipKey& secret) = 0;

 protected:
  ~Renewal() = default;
};

}  // namespace fata::async
