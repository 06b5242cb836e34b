// Awaits<A, T>: `co_await` of an A returns a T. Concepts require awaitables, so a model may return
// a Task or something lighter.
#pragma once

#include <concepts>
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

}  // namespace fata::sig
