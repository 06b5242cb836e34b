// Cancellation: a CancelSource requests a stop, and its CancelTokens pass the request on.
//
// A source must outlive every wait that holds one of its tokens. Cancellation is final. Sources
// form a tree: a source made from a parent's token is cancelled with its parent.
#pragma once

#include "fata/base/list.hpp"

namespace fata::async {

class CancelSource;

// A callback that is invoked once, when the source is cancelled, unless the hook is destroyed or
// unlinked first.
class CancelHook : public ListNode<CancelHook> {
 public:
  virtual void on_cancel() noexcept = 0;

 protected:
  ~CancelHook() = default;
};

class CancelToken {
 public:
  constexpr CancelToken() = default;  // never cancelled
  bool cancelled() const;
  bool can_be_cancelled() const { return source_ != nullptr; }
  // Has no effect on a token that can never be cancelled. Must not be called once cancelled() is
  // true.
  void add(CancelHook& hook) const;

 private:
  friend class CancelSource;
  explicit constexpr CancelToken(CancelSource& source) : source_(&source) {}
  CancelSource* source_ = nullptr;
};

class CancelSource final : private CancelHook {
 public:
  CancelSource() = default;
  explicit CancelSource(CancelToken parent);

  void cancel() noexcept;
  bool cancelled() const { return cancelled_; }
  CancelToken token() { return CancelToken(*this); }

 private:
  friend class CancelToken;
  void on_cancel() noexcept override { cancel(); }

  List<CancelHook> hooks_;
  bool cancelled_ = false;
};

inline bool CancelToken::cancelled() const { return source_ != nullptr && source_->cancelled_; }

}  // namespace fata::async
