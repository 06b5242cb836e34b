// The nodes of xenstore that connect a frontend to its backend (xen/io/xenbus.h). Reads and writes
// them for XenbusEngine, which decides.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fata/bus/xen/find.hpp"
#include "fata/xen/xenbus_engine.hpp"

namespace fata::xen {

using namespace bus::xen;

class Frontend {
 public:
  Frontend(Store& store, const bus::FoundDevice& found) : store_(&store), path_(path_of(found)) {}
  // The nth device of that kind in bus::found_devices(), with its backend located.
  static async::Task<Result<Frontend>> claim(Store* store, bus::DeviceKind kind, unsigned nth,
                                             async::Wait wait = {});

  const std::string& path() const { return path_; }
  const std::string& backend_path() const { return backend_path_; }
  Domain backend() const { return backend_; }

  // Reads the backend's location. Must be called again after the domain has resumed elsewhere.
  async::Task<Result<void>> locate(async::Wait wait = {});

  // Returns the number in a node below ours or the backend's, or `otherwise` if the node does not
  // exist or is not a number.
  async::Task<std::uint64_t> number(std::string node, std::uint64_t otherwise,
                                    async::Wait wait = {});
  async::Task<std::uint64_t> backend_number(std::string node, std::uint64_t otherwise,
                                            async::Wait wait = {});
  async::Task<Result<std::string>> text(std::string node, async::Wait wait = {});
  async::Task<Result<std::string>> backend_text(std::string node, async::Wait wait = {});
  async::Task<BusState> backend_state(async::Wait wait = {});
  // False only if the node of the backend's state is missing: xenstore may be unable to answer.
  async::Task<bool> backend_exists(async::Wait wait = {});

  struct Node {
    std::string name, value;
  };
  // Writes the nodes and our state in one transaction.
  async::Task<Result<void>> publish(std::vector<Node> nodes, BusState state, async::Wait wait = {});
  async::Task<Result<void>> set_state(BusState state, async::Wait wait = {});

  // Reports the backend's states to the engine until its next step is `until`. `watch` watches the
  // node of the state. Fails if the engine no longer joins, or if no change arrives in time.
  async::Task<Result<void>> follow(XenbusEngine* engine, Watch* watch, XenbusEngine::Next until,
                                   async::Wait wait);

  Store& store() const { return *store_; }

 private:
  Store* store_;
  std::string path_;  // "device/vif/0"
  std::string backend_path_;
  Domain backend_ = 0;
};

}  // namespace fata::xen
