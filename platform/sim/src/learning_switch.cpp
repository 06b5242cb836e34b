#include "fata/sim/learning_switch.hpp"

namespace fata::sim {

Port& LearningSwitch::port() { return *ports_.emplace_back(std::make_unique<SwitchPort>(*this)); }

void LearningSwitch::learn(const std::array<std::byte, 6>& source, SwitchPort& port) {
  if ((source[0] & std::byte{1}) != std::byte{0}) return;
  const auto known = table_.find(source);
  if (known != table_.end()) {
    known->second = {&port, network_->now()};
    return;
  }
  if (table_.size() >= kAddresses) {
    std::erase_if(table_, [now = network_->now()](const auto& item) {
      return now - item.second.seen > kAge;
    });
  }
  if (table_.size() < kAddresses) table_.emplace(source, Entry{&port, network_->now()});
}

void LearningSwitch::forward(SwitchPort& from, WireFrame&& frame) {
  if (frame.bytes.size() < 12) return;
  std::array<std::byte, 6> destination;
  std::array<std::byte, 6> source;
  const Bytes bytes(frame.bytes);
  copy_bytes(destination, bytes.first(6));
  copy_bytes(source, bytes.subspan(6, 6));
  learn(source, from);
  const auto known = table_.find(destination);
  if (known != table_.end() && network_->now() - known->second.seen <= kAge) {
    if (known->second.port != &from) known->second.port->emit(std::move(frame));
    return;
  }
  for (const auto& port : ports_) {
    if (port.get() != &from) port->emit(frame);
  }
}

}  // namespace fata::sim
