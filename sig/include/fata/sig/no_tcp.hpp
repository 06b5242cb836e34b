// Stands in for a missing TCP: listen and connect fail with a clear error. Models sig::Tcp.
#pragma once

#include "fata/sig/flow.hpp"

namespace fata::sig {

enum class NoTcpErrc : std::uint32_t { kNoTcp = 1 };
const ErrorDomain& error_domain(NoTcpErrc) noexcept;

class NoTcp {
 public:
  using Address = Endpoint;
  // Never instantiated: connect() and accept() always fail.
  class Flow {
   public:
    using Address = Endpoint;
    async::Task<Result<Slice>> read(async::Wait) { co_return fail(Error(NoTcpErrc::kNoTcp)); }
    async::Task<WriteOutcome> write(std::span<Slice>, async::Wait) {
      co_return WriteOutcome{0, NoTcpErrc::kNoTcp};
    }
    async::Task<Result<void>> shutdown(async::Wait) { co_return fail(Error(NoTcpErrc::kNoTcp)); }
    void abort() {}
    PacketBuf allocate(std::size_t, std::size_t) { return {}; }
    Endpoint local() const { return {}; }
    Endpoint peer() const { return {}; }
    Session session() const { return {}; }
  };
  class Listener {
   public:
    using Flow = NoTcp::Flow;
    Endpoint local() { return {}; }
    async::Task<Result<std::unique_ptr<Flow>>> accept(async::Wait) {
      co_return fail(Error(NoTcpErrc::kNoTcp));
    }
  };

  Result<std::unique_ptr<Listener>> listen(Endpoint, std::size_t) {
    return fail(Error(NoTcpErrc::kNoTcp));
  }
  async::Task<Result<std::unique_ptr<Flow>>> connect(Target<Endpoint>, async::Wait) {
    co_return fail(Error(NoTcpErrc::kNoTcp));
  }
};
static_assert(Tcp<NoTcp>);

}  // namespace fata::sig
