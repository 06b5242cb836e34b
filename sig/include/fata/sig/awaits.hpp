// Awaits<A, T>: `co_await` of an A returns a T. Concepts require awaitables, so a model may return
// a Task or something lighter.
//
// Each header of `sig/` holds a concept, its archetype (the minimal model, in the namespace
// `archetype`), and the model that stands in where it is absent. A test instantiates each driver
// template with the archetypes, which proves that the driver uses nothing beyond the concept. They
// do nothing; they are not fakes.
#pragma once

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"

namespace fata::sig {

namespace detail {
template <class A>
decltype(auto) awaiter_of(A&& awaitable) {
  if constexpr (requires { std::forward<A>(awaitable).operator co_await(); }) {
    return std::forward<A>(awaitable).operator co_await();
  } else {
    return std::forward<A>(awaitable);
  }
}
template <class A>
using AwaitResult = decltype(awaiter_of(std::declval<A>()).await_resume());
}  // namespace detail

template <class A, class T>
concept Awaits =
    requires { typename detail::AwaitResult<A>; } && std::same_as<detail::AwaitResult<A>, T>;

namespace archetype {
// An awaitable that is ready with a T and has no other members (in particular, not a Task). If T is
// a Result, it is an error.
template <class T>
struct Ready {
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  T await_resume() const { return fail_or_default(); }

 private:
  static T fail_or_default() {
    if constexpr (std::is_constructible_v<T, std::unexpected<Error>>) {
      return fail(Error(async::Errc::kClosed));
    } else {
      return T{};
    }
  }
};
}  // namespace archetype

}  // namespace fata::sig
