// Functions with which a generated main assembles an image.
#pragma once

#include <concepts>
#include <utility>

#include "fata/async/context.hpp"
#include "fata/async/scope.hpp"
#include "fata/async/task.hpp"

namespace fata::async {

// Makes a device from its parts; the context comes first if the constructor takes it.
template <class T, class... Parts>
T make_device(Context& context, Parts&&... parts) {
  if constexpr (std::constructible_from<T, Context&, Parts...>) {
    return T(context, std::forward<Parts>(parts)...);
  } else {
    static_assert(
        std::constructible_from<T, Parts...>,
        "this device cannot be made from the devices and parameters that config.cpp gives it");
    return T(std::forward<Parts>(parts)...);
  }
}

// Makes a job; its constructor always takes the context.
template <class T, class... Parts>
T make_job(Context& context, Parts&&... parts) {
  static_assert(std::constructible_from<T, Context&, Parts...>,
                "this job's constructor must take async::Context&, then the devices (by reference) "
                "and parameters that "
                "config.cpp gives it");
  return T(context, std::forward<Parts>(parts)...);
}

namespace detail {
template <class Job>
Task<void> run_job(Job* job, CancelSource* others, int* first_failure) {
  const int status = co_await job->start();
  if (status == 0) co_return;
  if (*first_failure == 0) *first_failure = status;
  others->cancel();
}

template <class... Jobs>
Task<int> run_jobs(CancelSource* source, Jobs*... jobs) {
  int first_failure = 0;
  Scope scope;
  (scope.spawn(run_job(jobs, source, &first_failure)), ...);
  co_await scope.join();
  co_return first_failure;
}
}  // namespace detail

// Runs several jobs concurrently until all have ended. The first failure determines the status and
// cancels `source`, whose token is the `context.stop` of the jobs. The jobs and the source must
// outlive the task.
template <class... Jobs>
Task<int> run_jobs(CancelSource& source, Jobs&... jobs) {
  return detail::run_jobs(&source, &jobs...);
}

}  // namespace fata::async
