#include "fata/xen/xenbus.hpp"

namespace fata::xen {
namespace {

// Domain numbers from 0x7ff0 on have special meanings (xen/xen.h).
constexpr std::uint64_t kLastDomain = 0x7fef;

async::Task<std::uint64_t> read_number(Store* store, std::string path, std::uint64_t otherwise,
                                       async::Wait wait) {
  const Result<std::string> text = co_await store->read(std::move(path), wait);
  co_return text ? store_number(*text).value_or(otherwise) : otherwise;
}

}  // namespace

async::Task<Result<Frontend>> Frontend::claim(Store* store, bus::DeviceKind kind, unsigned nth,
                                              async::Wait wait) {
  const Result<void> listed = co_await find_devices(store, kind, wait);
  if (!listed) co_return fail(listed.error());
  const bus::FoundDevice* const device = bus::found_devices().nth(kind, nth);
  if (device == nullptr) co_return fail(Error(Errc::kNoDevice));
  Frontend frontend(*store, *device);
  const Result<void> located = co_await frontend.locate(wait);
  if (!located) co_return fail(located.error());
  co_return frontend;
}

async::Task<Result<void>> Frontend::locate(async::Wait wait) {
  const Result<std::string> path = co_await text("backend", wait);
  if (!path) co_return fail(path.error());
  backend_path_ = *path;
  const std::uint64_t backend = co_await number("backend-id", 0, wait);
  if (backend > kLastDomain) co_return fail(Error(Errc::kBackend));
  backend_ = static_cast<Domain>(backend);
  co_return Result<void>{};
}

async::Task<std::uint64_t> Frontend::number(std::string node, std::uint64_t otherwise,
                                            async::Wait wait) {
  return read_number(store_, path_ + "/" + node, otherwise, wait);
}
async::Task<std::uint64_t> Frontend::backend_number(std::string node, std::uint64_t otherwise,
                                                    async::Wait wait) {
  return read_number(store_, backend_path_ + "/" + node, otherwise, wait);
}
async::Task<Result<std::string>> Frontend::text(std::string node, async::Wait wait) {
  return store_->read(path_ + "/" + node, wait);
}
async::Task<Result<std::string>> Frontend::backend_text(std::string node, async::Wait wait) {
  return store_->read(backend_path_ + "/" + node, wait);
}
async::Task<BusState> Frontend::backend_state(async::Wait wait) {
  const std::uint64_t state = co_await backend_number("state", 0, wait);
  co_return state <= static_cast<unsigned>(BusState::kReconfigured) ? static_cast<BusState>(state)
                                                                    : BusState::kUnknown;
}

async::Task<Result<void>> Frontend::follow(XenbusEngine* engine, Watch* watch,
                                           XenbusEngine::Next until, async::Wait wait) {
  for (;;) {
    const BusState seen = co_await backend_state(wait);
    const XenbusEngine::Step step = engine->backend(seen);
    if (!engine->is_joining()) co_return fail(Error(Errc::kBackend));
    if (step.next == until) co_return Result<void>{};
    if (const Result<void> changed = co_await watch->next(wait); !changed) co_return changed;
  }
}

async::Task<bool> Frontend::backend_exists(async::Wait wait) {
  const Result<std::string> state = co_await backend_text("state", wait);
  co_return state || !state.error().is(Errc::kNotFound);
}

async::Task<Result<void>> Frontend::publish(std::vector<Node> nodes, BusState state,
                                            async::Wait wait) {
  for (;;) {
    const Result<Store::Transaction> transaction = co_await store_->begin(wait);
    if (!transaction) co_return fail(transaction.error());
    Result<void> written;
    for (const Node& node : nodes) {
      written = co_await store_->write(path_ + "/" + node.name, node.value, wait, *transaction);
      if (!written) break;
    }
    if (written) {
      written = co_await store_->write(path_ + "/state", store_text(static_cast<unsigned>(state)),
                                       wait, *transaction);
    }
    const Result<void> ended = co_await store_->end(*transaction, written.has_value(), wait);
    if (!written && written.error() != Error(Errc::kAgain)) co_return written;
    if (!written) continue;
    if (ended || ended.error() != Error(Errc::kAgain)) co_return ended;
  }
}

async::Task<Result<void>> Frontend::set_state(BusState state, async::Wait wait) {
  return store_->write(path_ + "/state", store_text(static_cast<unsigned>(state)), wait);
}

}  // namespace fata::xen
