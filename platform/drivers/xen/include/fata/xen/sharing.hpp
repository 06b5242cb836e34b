// The domain's own event channels and xenstore as defined in sig/, for connections to domains other
// than a device's backend. The grant table of the bus is itself a sig::GrantTable.
//
// A suspension ends all connections: waits for events fail with kGone, and requests go to a
// different xenstore.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fata/bus/device.hpp"
#include "fata/bus/xen/store.hpp"
#include "fata/sig/event_channels.hpp"
#include "fata/sig/xenstore.hpp"

namespace fata::xen {

using namespace bus::xen;

// Models sig::EventChannels. At most kMaxPorts ports are watched, including those of devices.
class EventChannels {
 public:
  class Channel final : private bus::Device {
   public:
    explicit Channel(Port port);
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    sig::EventPort port() const { return port_; }
    void notify();
    async::Task<Result<void>> wait(async::Wait wait = {});
    bool connected() const;

   private:
    // bus::Device
    bool poll() noexcept override;
    bool prepare_to_idle() noexcept override { return true; }  // a set bit ends the idle wait
    void resume() noexcept override;

    Port port_;
    bool set_ = false;
    bool gone_ = false;
    async::WaitQueue waiting_;
  };

  Result<std::unique_ptr<Channel>> open(sig::DomainId remote);
  Result<std::unique_ptr<Channel>> connect(sig::DomainId remote, sig::EventPort port);
};
static_assert(sig::EventChannels<EventChannels>);

// Models sig::Xenstore. A watch that xenstore refuses (because of its quota) reports only its
// initial change.
class SharedStore {
 public:
  using Watch = xen::Watch;

  explicit SharedStore(Store& store = xen::store()) : store_(&store) {}

  async::Task<Result<std::string>> read(std::string path, sig::StoreTransaction in,
                                        async::Wait wait);
  async::Task<Result<void>> write(std::string path, std::string value, sig::StoreTransaction in,
                                  async::Wait wait);
  async::Task<Result<std::vector<std::string>>> list(std::string path, sig::StoreTransaction in,
                                                     async::Wait wait);
  async::Task<Result<void>> remove(std::string path, sig::StoreTransaction in, async::Wait wait);
  async::Task<Result<void>> permit(std::string path, std::vector<sig::StorePermission> permissions,
                                   async::Wait wait);
  async::Task<Result<sig::StoreTransaction>> begin(async::Wait wait);
  async::Task<Result<void>> end(sig::StoreTransaction in, bool commit, async::Wait wait);
  Result<std::unique_ptr<Watch>> watch(std::string path);

 private:
  Store* store_;
};
static_assert(sig::Xenstore<SharedStore>);

}  // namespace fata::xen
