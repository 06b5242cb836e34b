// Xenstore, the tree of names shared by the domains of a host: asynchronous requests, transactions
// and watches.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fata/async/task.hpp"
#include "fata/async/wait.hpp"
#include "fata/bus/device.hpp"
#include "fata/bus/xen.hpp"
#include "fata/bus/xen/errors.hpp"
#include "fata/bus/xen/store_wire.hpp"

namespace fata::bus::xen {

class Watch;

// Paths are absolute ("/local/domain/0/...") or relative to the domain's own ("device/vif/0"), at
// most 3072 or 2048 bytes. Every call may be cancelled; its reply is then discarded on arrival. At
// most kMaxPending may be in flight.
class Store final : private bus::Device {
 public:
  static constexpr std::size_t kMaxPending = 48;
  using Transaction = std::uint32_t;
  static constexpr Transaction kNone = 0;

  Store(void* page, Port port);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  async::Task<Result<std::string>> read(std::string path, async::Wait wait = {},
                                        Transaction in = kNone);
  async::Task<Result<void>> write(std::string path, std::string value, async::Wait wait = {},
                                  Transaction in = kNone);
  // The names directly below the path.
  async::Task<Result<std::vector<std::string>>> list(std::string path, async::Wait wait = {},
                                                     Transaction in = kNone);
  // Removes the node and everything below it.
  async::Task<Result<void>> remove(std::string path, async::Wait wait = {}, Transaction in = kNone);
  // Sets access rights, such as "b0" and "r7", one entry per domain; the first one names the owner
  // (xenstore's documentation).
  async::Task<Result<void>> permit(std::string path, std::vector<std::string> permissions,
                                   async::Wait wait = {});

  // Between begin() and end(), the transaction sees one state of the tree, and its writes take
  // effect together. If end() fails with Errc::kAgain, the transaction conflicted with another one
  // and wrote nothing; repeat all of it.
  async::Task<Result<Transaction>> begin(async::Wait wait = {});
  async::Task<Result<void>> end(Transaction transaction, bool commit, async::Wait wait = {});

  // Sends a write without waiting for the reply.
  void write_and_forget(std::string_view path, std::string_view value);
  // Performs the last write of an image. Does not use the heap, and waits until the reply arrives
  // or about a second has passed. Path and value must be short (LastRequest).
  void write_last(std::string_view path, std::string_view value) noexcept;
  // Called after a suspension, before resume(). The page is the same, but the port has changed; the
  // caller watches it.
  void rebind(Port port) noexcept;

 private:
  friend class Watch;
  struct Pending;
  async::Task<Result<std::string>> request(std::uint32_t type, Transaction in, std::string payload,
                                           async::Wait wait);
  async::Task<Result<void>> command(std::uint32_t type, Transaction in, std::string payload,
                                    async::Wait wait);

  // bus::Device
  bool poll() noexcept override;
  bool prepare_to_idle() noexcept override;
  void resume() noexcept override;

  bool pump();
  void dispatch(StoreWire::Message& message);
  void send_watch(const Watch& watch);

  StoreWire wire_;
  Port port_;
  std::uint32_t next_id_ = 1;
  Pending* pending_ = nullptr;
  std::size_t pending_count_ = 0;
  Watch* watches_ = nullptr;
  bool more_ = false;  // more was received than one turn of the loop handles
};

// Reports changes at a path and below it. The first report arrives as soon as the watch is set.
// Changes that arrive together count as one.
class Watch {
 public:
  Watch(Store& store, std::string path);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Waits until something may have changed since the last call.
  async::Task<Result<void>> next(async::Wait wait = {});
  // Like next(), but without waiting; true if something may have changed.
  bool take_change() { return std::exchange(changed_, false); }
  // Makes next() return as if something had changed.
  void wake() {
    changed_ = true;
    waiting_.notify_all();
  }

 private:
  friend class Store;
  Store* store_;
  std::string path_;
  std::uint32_t token_;
  bool changed_ = false;
  async::WaitQueue waiting_;
  Watch* next_ = nullptr;
};

// The domain's own xenstore.
Store& store() noexcept;

}  // namespace fata::bus::xen
