#include <algorithm>

#include "fata/resolver/resolver.hpp"

namespace fata::resolver {

namespace {
async::Task<void> run(Exchange* exchange, async::Task<void> carried) {
  co_await std::move(carried);
  exchange->ended = true;
}
}  // namespace

Driver::Driver(async::Loop& loop, const SipKey& secret) : loop_(&loop), engine_(secret, *this) {
  loop.on_restore(*this);
}

async::Task<Result<std::vector<IpAddress>>> Driver::resolve(std::string_view host,
                                                            async::Wait wait) {
  Waiting waiting;
  if (const Result<void> done = co_await look_up(&waiting, host, std::nullopt, wait); !done)
    co_return fail(done.error());
  std::vector<IpAddress> addresses;
  for (const Part& part : waiting.parts()) {
    sig::RecordReader reader(part.records);
    if (part.error) continue;
    for (Bytes rdata; reader.next(rdata);) addresses.push_back(IpAddress::of_octets(rdata));
  }
  co_return addresses;
}

async::Task<Result<sig::RecordSet>> Driver::query(std::string_view name, std::uint16_t type,
                                                  async::Wait wait) {
  Waiting waiting;
  if (const Result<void> done =
          co_await look_up(&waiting, name, static_cast<dns::Type>(type), wait);
      !done)
    co_return fail(done.error());
  co_return waiting.parts()[0].records;
}

async::Task<Result<void>> Driver::look_up(Waiting* waiting, std::string_view name,
                                          std::optional<dns::Type> type, async::Wait wait) {
  if (const auto acquired = co_await free_.acquire(wait); !acquired)
    co_return fail(Error(acquired.error()));
  const async::Semaphore::Hold hold(free_);
  refresh(engine_);
  if (type) {
    engine_.query(*waiting, name, *type, loop_->now());
  } else {
    engine_.resolve(*waiting, name, loop_->now());
  }
  arm();
  while (!waiting->done()) {
    if (const auto woken = co_await waiting->changed.wait(wait); !woken)
      co_return fail(Error(woken.error()));
  }
  if (const auto error = waiting->error()) co_return fail(*error);
  co_return Result<void>{};
}

void Driver::set_domains(Engine& engine, std::string_view domains) {
  std::array<dns::Name, kMaxSearch> names;
  engine.set_search(std::span(names).first(read_domains(domains, names)));
}

void Driver::send(Slot slot, const Endpoint& server, Transport transport, Bytes query) {
  reap();
  auto exchange = std::make_unique<Exchange>();
  exchange->slot = slot;
  exchange->server = server;
  exchange->transport = transport;
  exchange->size = query.size();
  const MutableBytes memory(exchange->query);
  store_be(memory, static_cast<std::uint16_t>(query.size()));
  copy_bytes(memory.subspan(2), query);
  exchange->task.emplace(run(exchange.get(), carry(exchange.get())));
  exchanges_[slot.index] = std::move(exchange);
}

void Driver::close(Slot slot) {
  std::unique_ptr<Exchange>& exchange = exchanges_[slot.index];
  exchange->stop.cancel();
  closed_.push_back(std::move(exchange));
}

void Driver::reap() {
  std::erase_if(closed_, [](const auto& each) { return each->ended; });
}

void Driver::received(const Exchange& exchange, const Endpoint& from, Bytes message) {
  if (exchange.stop.cancelled()) return;
  engine_.receive(exchange.slot, from, message, loop_->now());
  arm();
}

void Driver::failed(const Exchange& exchange) {
  if (exchange.stop.cancelled()) return;
  engine_.failed(exchange.slot, loop_->now());
  arm();
}

void Driver::on_timer() noexcept {
  engine_.tick(loop_->now());
  reap();
  arm();
}

void Driver::arm() {
  const Instant next = engine_.next_deadline();
  if (next.is_never()) return disarm();
  loop_->timers().arm(*this, next);
}

}  // namespace fata::resolver
