// Relays every connection to another endpoint, and changes every byte on its way, in both
// directions: the case of ASCII letters is swapped, and a second relay restores the bytes.
//
// No byte is copied: the received slice becomes a packet, is changed in place and sent on. This is
// how a layer such as TLS decrypts and encrypts.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/scope.hpp>
#include <fata/async/task.hpp>
#include <fata/async/wait.hpp>
#include <fata/flow/server.hpp>
#include <fata/sig/connector.hpp>
#include <fata/sig/flow.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace relay {

template <fata::sig::Tcp Tcp, fata::sig::Connector Connector>
  requires std::same_as<typename Connector::Flow, typename Tcp::Flow>
class Relay {
 public:
  Relay(fata::async::Context& context, Tcp& tcp, Connector& connector, std::uint16_t port,
        std::optional<std::string_view> to, std::uint16_t to_port, std::uint32_t most)
      : stop_(context.stop),
        log_(context.logger("relay")),
        tcp_(tcp),
        connector_(connector),
        port_(port),
        to_(to),
        to_port_(to_port),
        server_({.connections = most}) {}

  fata::async::Task<int> start() {
    if (!to_) {
      log_.error("no host to relay to; choose one with --to");
      co_return 64;
    }
    auto listener = tcp_.listen({fata::IpAddress(), port_}, kBacklog);
    if (!listener) {
      log_.error("cannot serve TCP port ", port_, ": ", listener.error(),
                 "; choose another with --port");
      co_return 64;
    }
    log_.info("relaying on port ", (*listener)->local().port, " to ", *to_, " port ", to_port_);
    const auto served = co_await server_.serve(listener->get(), stop_, this, &relay);
    log_.info(server_.accepted(), " connections, ", in_place_, " bytes changed in place, ", copied_,
              " copied, ", broken_, " broken");
    if (served) co_return 0;
    log_.error(served.error());
    co_return 1;
  }

  // Bytes that were changed in the buffer in which they arrived, and bytes whose buffer was shared,
  // so that they had to be copied.
  std::uint64_t in_place() const { return in_place_; }
  std::uint64_t copied() const { return copied_; }

 private:
  using Flow = typename Tcp::Flow;
  using Server = fata::flow::Server<Tcp>;

  // A client's flow and, once connected, the flow to the target.
  struct Connection final : Server::Connection {
    Connection(Server& server, Flow& client)
        : Server::Connection(server, client), client(&client) {}
    void end() noexcept override { abort(); }
    void abort() {
      broken = true;
      client->abort();
      if (server != nullptr) server->abort();
    }
    Flow* client;
    Flow* server = nullptr;
    bool broken = false;
  };

  static fata::async::Task<void> relay(Relay* self, std::unique_ptr<Flow> client,
                                       fata::async::Scope* connections) {
    Connection connection(self->server_, *client);
    auto server = co_await self->connector_.connect(
        *self->to_, self->to_port_,
        fata::async::Wait::at_most(fata::seconds(10), connections->token()));
    if (!server) {
      self->log_.warning("cannot connect to ", *self->to_, ": ", server.error());
      connection.abort();
    } else if (connection.broken) {  // it was ended for a newer connection
      (*server)->abort();
    } else {
      connection.server = server->get();
      fata::async::Scope both(connections->token());
      both.spawn(pass_on(self, connection.client, connection.server, &connection, both.token()));
      both.spawn(pass_on(self, connection.server, connection.client, &connection, both.token()));
      co_await both.join();
    }
    self->broken_ += connection.broken;
  }

  static fata::async::Task<void> pass_on(Relay* self, Flow* from, Flow* to, Connection* connection,
                                         fata::async::CancelToken stop) {
    const auto until_stopped = fata::async::Wait::cancelled_by(stop);
    for (;;) {
      auto got = co_await from->read(until_stopped);
      if (!got) break;
      if (got->empty()) {
        if (!co_await to->shutdown(until_stopped)) break;
        co_return;
      }
      bool sent = true;
      while (sent && !got->empty()) {
        fata::PacketBuf packet = self->take(*got, *to);
        if (!packet) break;
        for (std::byte& each : packet.bytes()) each ^= kChange;
        std::array<fata::Slice, 1> out{fata::Slice(std::move(packet))};
        sent = !(co_await to->write(out, until_stopped)).error;
      }
      if (!got->empty() || !sent) break;
      connection->touch();
    }
    connection->abort();
  }

  // Removes bytes from the front of the slice, into a packet that may be changed. This is all of
  // the slice, in its own buffer, unless something else holds that buffer. False if there is no
  // buffer for a copy.
  fata::PacketBuf take(fata::Slice& slice, Flow& to) {
    if (auto own = std::move(slice).into_packet()) {
      slice = {};
      in_place_ += own->size();
      return std::move(*own);
    }
    const std::size_t count = std::min(slice.size(), kCopiedAtOnce);
    fata::PacketBuf copy = to.allocate(0, count);
    if (!copy) return copy;
    fata::copy_bytes(copy.append(count), slice.bytes().first(count));
    slice.trim_front(count);
    copied_ += count;
    return copy;
  }

  static constexpr std::byte kChange{0x20};
  static constexpr std::size_t kCopiedAtOnce = 4096;
  static constexpr std::size_t kBacklog = 128;

  fata::async::CancelToken stop_;
  fata::Logger log_;
  Tcp& tcp_;
  Connector& connector_;
  std::uint16_t port_;
  std::optional<std::string_view> to_;
  std::uint16_t to_port_;
  Server server_;
  std::uint64_t in_place_ = 0;
  std::uint64_t copied_ = 0;
  std::uint64_t broken_ = 0;
};

}  // namespace relay
