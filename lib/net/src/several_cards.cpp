// Functions for stacks with several interfaces; a stack with one interface links none of them.
#include <algorithm>

#include "fata/net/stack_core.hpp"

namespace fata::net {

void StackCore::choose_cards() {
  choose_card_ = [](Host& host, const IpAddress& group, const IpAddress& local) -> Interface& {
    [[clang::uninitialized]] const auto path =
        local.is_any() ? std::nullopt : host.path(group, local);
    return host.interface(path && path->link < host.interface_count() ? path->link : 0);
  };
}

void StackCore::detach(Interface& interface, TransmitQueue& queue) {
  interface.detach();
  const auto rest = std::ranges::remove(std::span(queues_).first(queue_count_), &queue);
  queue_count_ -= rest.size();
}

}  // namespace fata::net
