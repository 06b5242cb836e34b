// Connector: carries out the engine's attempts over a transport and a resolver. Models
// sig::Connector.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "fata/async/background.hpp"
#include "fata/async/context.hpp"
#include "fata/async/wait.hpp"
#include "fata/base/log.hpp"
#include "fata/eyeballs/engine.hpp"
#include "fata/sig/connector.hpp"
#include "fata/sig/resolver.hpp"

namespace fata::eyeballs {

// One race: what all instances of Connector share. Its lookups and attempts run in the background
// and end with it, wherever they are.
class Race {
 public:
  Race(async::Loop& loop, std::uint16_t port, const Options& options)
      : loop_(&loop), engine_(port, options) {}
  Race(const Race&) = delete;
  Race& operator=(const Race&) = delete;

  const Engine& engine() const { return engine_; }

  // Takes over what a lookup returned.
  void looked_up(Family family, const Result<sig::RecordSet>& records);
  // Looks up `host`, unless it is an address in text, and races. Returns when an attempt has won or
  // none is left, or the wait has ended.
  async::Task<Result<std::size_t>> run(std::string_view host, async::Wait wait);

 protected:
  ~Race() = default;

  // Starts looking up a family, and an attempt.
  virtual async::Task<void> look_up(Family family) = 0;
  virtual async::Task<void> attempt(std::size_t number) = 0;
  // The outcome of an attempt.
  void connected(std::size_t number);
  void failed(std::size_t number, const Error& error);

 private:
  async::Loop* loop_;
  Engine engine_;
  async::WaitQueue changed_;
  std::array<std::optional<async::Background>, 2> lookups_;
  std::array<std::optional<async::Background>, Engine::kMaxAttempts> attempts_;
};

// Logs why attempts failed, if none won; `reason`: why the race ended. A caller that was cancelled
// does not want to know.
void log_failures(const Logger& log, std::string_view host, const Engine& engine,
                  const Error& reason);

template <sig::Tcp Transport, sig::Resolver Resolver>
class Connector {
 public:
  using Flow = typename Transport::Flow;

  Connector(async::Context& context, Transport& transport, Resolver& resolver,
            const Options& options = {})
      : loop_(&context.loop),
        log_(context.logger("connect")),
        transport_(&transport),
        resolver_(&resolver),
        options_(options) {}

  async::Task<Result<std::unique_ptr<Flow>>> connect(std::string_view host, std::uint16_t port,
                                                     async::Wait wait,
                                                     std::span<const std::string_view> alpn = {}) {
    Attempts attempts(*this, host, port, alpn);
    const Result<std::size_t> winner = co_await attempts.run(host, wait);
    if (!winner) {
      log_failures(log_, host, attempts.engine(), winner.error());
      co_return fail(winner.error());
    }
    co_return std::move(attempts.flow);
  }

 private:
  struct Attempts final : Race {
    Attempts(Connector& connector, std::string_view host, std::uint16_t port,
             std::span<const std::string_view> alpn)
        : Race(*connector.loop_, port, connector.options_),
          connector(&connector),
          host(host),
          alpn(alpn) {}

    async::Task<void> look_up(Family family) override {
      constexpr std::uint16_t kA = 1, kAaaa = 28;
      const auto records = co_await connector->resolver_->query(
          host, family == Family::kV4 ? kA : kAaaa, async::Wait{});
      looked_up(family, records);
    }
    async::Task<void> attempt(std::size_t number) override {
      auto made = co_await connector->transport_->connect({engine().target(number), host, alpn},
                                                          async::Wait{});
      if (!made) co_return failed(number, made.error());
      if (!flow) flow = std::move(*made);
      connected(number);
    }

    Connector* connector;
    std::string_view host;
    std::span<const std::string_view> alpn;
    std::unique_ptr<Flow> flow;
  };

  async::Loop* loop_;
  Logger log_;
  Transport* transport_;
  Resolver* resolver_;
  Options options_;
};

}  // namespace fata::eyeballs
