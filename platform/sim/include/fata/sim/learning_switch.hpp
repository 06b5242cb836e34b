// A switch: learns the port of each address (IEEE 802.1D section 7.8) and floods frames to unknown
// addresses.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "fata/base/address.hpp"
#include "fata/sim/network.hpp"

namespace fata::sim {

class LearningSwitch {
 public:
  static constexpr std::size_t kAddresses = 1024;  // further addresses are flooded, not learned
  static constexpr Duration kAge = seconds(300);

  explicit LearningSwitch(Network& network) : network_(&network) {}

  // Adds a port, which must then be joined to a link.
  Port& port();
  std::size_t known() const { return table_.size(); }

 private:
  struct SwitchPort final : Port {
    explicit SwitchPort(LearningSwitch& owner) : owner_(&owner) {}
    void arrive(WireFrame&& frame) override { owner_->forward(*this, std::move(frame)); }
    void emit(WireFrame frame) { (void)transmit(std::move(frame)); }
    LearningSwitch* owner_;
  };
  struct Entry {
    SwitchPort* port;
    Instant seen;
  };

  void forward(SwitchPort& from, WireFrame&& frame);
  void learn(const std::array<std::byte, 6>& source, SwitchPort& port);

  Network* network_;
  std::vector<std::unique_ptr<SwitchPort>> ports_;
  std::map<std::array<std::byte, 6>, Entry> table_;
};

}  // namespace fata::sim
