// A host: interfaces below, IPv4 or IPv6 or both in the middle, transports above, as one pure
// engine. Inputs are frames and time. Frames leave through each interface's PacketSink, data
// through the transports.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "fata/ip/protocol.hpp"

namespace fata::ip {

class Host final : public Layer {
 public:
  // A family that is not attached is not linked.
  Host() = default;
  // Either may be null.
  Host(Protocol* v4, Protocol* v6) : v4_(v4), v6_(v6) {}
  // Before interfaces and transports are added. The engine must not be destroyed before the last
  // call of the host, except its destructor.
  void attach_v4(Protocol& engine) { (v4_ = &engine)->report_conflicts_to(reporter_); }
  void attach_v6(Protocol& engine) { (v6_ = &engine)->report_conflicts_to(reporter_); }
  // Of the families that are attached later.
  void report_conflicts_to(ConflictReporter* reporter) { reporter_ = reporter; }

  // Null if there are already Interface::kMax interfaces.
  Interface* add_interface(const LinkConfig& config, PacketSink& sink, Instant now);
  std::size_t interface_count() const { return interface_count_; }
  Interface& interface(std::size_t index) { return *interfaces_[index]; }
  const Interface& interface(std::size_t index) const { return *interfaces_[index]; }

  // The transport receives that protocol's packets of both families, and its ticks, until it is
  // detached. Parts of a stack that are destroyed later still call the host.
  void attach(std::uint8_t protocol, Transport& transport);
  void detach(const Transport& transport);

  void receive(Interface& from, sig::RxFrame&& frame, Instant now);
  void end_of_batch(Instant now);
  // Records whether the interface's device is full. After it has room again, call end_of_batch() to
  // resume the transports.
  void set_full(const Interface& interface, bool full) { Layer::set_full(interface.index(), full); }
  // Passes all packets that were sent to the devices.
  void flush() {
    for (std::size_t i = 0; i < interface_count_; ++i) interfaces_[i]->flush();
  }
  // The time of the next tick(): the earliest deadline of the IP engines and the transports.
  Instant next_deadline() const;
  void tick(Instant now);
  // After a restore from a snapshot: all engines derive their random values from the new secret.
  void renew(const SipKey& secret, Instant now);

  bool is_ours(const IpAddress& address) const;
  // The engine for an address; null if this host does not support its family.
  Protocol* engine(const IpAddress& address) const { return address.is_v4() ? v4_ : v6_; }
  Protocol* v4() const { return v4_; }
  Protocol* v6() const { return v6_; }

  // The sum of all counters of that name, over interfaces and engines.
  std::uint64_t count(std::string_view name) const;

  // Layer: picks the engine by the remote address.
  std::optional<Path> path(const IpAddress& remote, const IpAddress& local) override;
  // From the first interface.
  PacketBuf allocate() override {
    return interface_count_ == 0 ? PacketBuf() : interfaces_[0]->allocate(kHeadroom);
  }
  std::size_t reserve(std::uint8_t link, std::size_t count) override;
  void send(PacketBuf packet, const IpAddress& local, const IpAddress& remote,
            std::uint8_t protocol, Marks marks, bool fragment, Instant now) override;
  void send_along(const Path& path, PacketBuf packet, const IpAddress& remote,
                  std::uint8_t protocol, Marks marks, bool fragment, Instant now) override;
  void lower_path_mtu(const IpAddress& remote, std::size_t mtu, Instant now) override;
  void confirm_reachable(const IpAddress& remote, Instant now) override;
  void doubt_reachable(const IpAddress& remote, Instant now) override;
  std::optional<Path> path_on(std::uint8_t link, const IpAddress& remote,
                              const IpAddress& local) override;
  std::uint8_t join_group(const IpAddress& group, std::uint8_t link, const IpAddress& local,
                          Instant now) override;
  void leave_group(const IpAddress& group, std::uint8_t link, Instant now) override;
  std::size_t max_payload() const override;

 private:
  std::uint8_t link_of(const IpAddress& group, const IpAddress& local);

  Protocol* v4_ = nullptr;
  Protocol* v6_ = nullptr;
  ConflictReporter* reporter_ = nullptr;
  std::array<std::unique_ptr<Interface>, Interface::kMax> interfaces_;
  std::size_t interface_count_ = 0;
  std::array<Transport*, Protocol::kTransports> transports_{};
  std::size_t transport_count_ = 0;
};

}  // namespace fata::ip
