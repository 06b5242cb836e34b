#include "fata/bus/xen/store.hpp"

#include "abi.hpp"
#include "fata/base/platform.hpp"
#include "fata/base/text.hpp"

namespace fata::bus::xen {
namespace {

constexpr std::uint32_t kForget = 0;  // the ID of requests without a waiting task
constexpr unsigned kMaxRounds = 32;

struct Name {
  std::string_view text;
  Errc code;
};
constexpr Name kNames[]{{"ENOENT", Errc::kNotFound},
                        {"EACCES", Errc::kDenied},
                        {"EAGAIN", Errc::kAgain},
                        {"E2BIG", Errc::kTooLong},
                        {"ENOSPC", Errc::kExhausted}};

Error error_of(std::string_view text) {
  const std::string_view name = take_store_part(text);
  for (const Name& one : kNames) {
    if (one.text == name) return one.code;
  }
  return Errc::kStore;
}

}  // namespace

// Lives in the frame of the waiting coroutine.
struct Store::Pending {
  explicit Pending(Store& store) : owner(store), next(std::exchange(store.pending_, this)) {
    ++store.pending_count_;
  }
  ~Pending() {
    for (Pending** link = &owner.pending_; *link != nullptr; link = &(*link)->next) {
      if (*link != this) continue;
      *link = next;
      --owner.pending_count_;
      return;
    }
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

  Store& owner;
  std::uint32_t id = kForget;
  bool done = false;
  bool lost = false;  // the host was left before the reply
  std::uint32_t type = 0;
  std::string payload;
  async::WaitQueue waiting;
  Pending* next;
};

Store::Store(void* page, Port port) : wire_(page), port_(port) { bus::attach(*this); }
Store::~Store() { bus::detach(*this); }

async::Task<Result<std::string>> Store::request(std::uint32_t type, Transaction in,
                                                std::string payload, async::Wait wait) {
  if (payload.size() > StoreWire::kMaxPayload) co_return fail(Error(Errc::kTooLong));
  if (pending_count_ == kMaxPending) co_return fail(Error(Errc::kExhausted));
  Pending pending(*this);
  do {
    if (++next_id_ == kForget) ++next_id_;
    pending.id = next_id_;
    pending.done = pending.lost = false;
    if (!wire_.send(type, pending.id, in, payload)) co_return fail(Error(Errc::kExhausted));
    pump();
    while (!pending.done) {
      if (wire_.broken()) co_return fail(Error(Errc::kBroken));
      if (const auto woken = co_await pending.waiting.wait(wait); !woken)
        co_return fail(Error(woken.error()));
    }
    // Repeats the request at the store of the new host, which has no transactions of the old store.
  } while (pending.lost && in == kNone);
  if (pending.type == XS_ERROR) co_return fail(error_of(pending.payload));
  if (pending.type != type) co_return fail(Error(Errc::kStore));
  co_return std::move(pending.payload);
}

async::Task<Result<void>> Store::command(std::uint32_t type, Transaction in, std::string payload,
                                         async::Wait wait) {
  const Result<std::string> reply = co_await request(type, in, std::move(payload), wait);
  if (!reply) co_return fail(reply.error());
  co_return Result<void>{};
}

async::Task<Result<std::string>> Store::read(std::string path, async::Wait wait, Transaction in) {
  return request(XS_READ, in, store_path(path), wait);
}
async::Task<Result<void>> Store::write(std::string path, std::string value, async::Wait wait,
                                       Transaction in) {
  return command(XS_WRITE, in, store_pair(path, value), wait);
}
async::Task<Result<void>> Store::remove(std::string path, async::Wait wait, Transaction in) {
  return command(XS_RM, in, store_path(path), wait);
}
async::Task<Result<std::vector<std::string>>> Store::list(std::string path, async::Wait wait,
                                                          Transaction in) {
  const Result<std::string> reply = co_await request(XS_DIRECTORY, in, store_path(path), wait);
  if (!reply) co_return fail(reply.error());
  std::vector<std::string> names;
  for (std::string_view rest = *reply; !rest.empty();) names.emplace_back(take_store_part(rest));
  co_return names;
}
async::Task<Result<void>> Store::permit(std::string path, std::vector<std::string> permissions,
                                        async::Wait wait) {
  std::string payload = store_path(path);
  for (const std::string& one : permissions) payload += store_path(one);
  return command(XS_SET_PERMS, kNone, std::move(payload), wait);
}

async::Task<Result<Store::Transaction>> Store::begin(async::Wait wait) {
  const Result<std::string> reply =
      co_await request(XS_TRANSACTION_START, kNone, store_path(""), wait);
  if (!reply) co_return fail(reply.error());
  std::string_view text = *reply;
  const std::uint64_t id = store_number(take_store_part(text)).value_or(kNone);
  if (id == kNone || id > 0xffffffff) co_return fail(Error(Errc::kStore));
  co_return static_cast<Transaction>(id);
}
async::Task<Result<void>> Store::end(Transaction transaction, bool commit, async::Wait wait) {
  return command(XS_TRANSACTION_END, transaction, store_path(commit ? "T" : "F"), wait);
}

void Store::write_and_forget(std::string_view path, std::string_view value) {
  (void)wire_.send(XS_WRITE, kForget, kNone, store_pair(path, value));
  pump();
}

bool Store::pump() {
  const bool moved = wire_.pump();
  if (moved) notify(port_);
  return moved;
}

void Store::write_last(std::string_view path, std::string_view value) noexcept {
  const Instant end = platform::monotonic_now() + seconds(1);
  LastRequest request(wire_, XS_WRITE, Text<64>(std::in_place, path, '\0', value).view());
  while (!wire_.broken() && platform::monotonic_now() < end) {
    if (request.pump()) notify(port_);
    if (request.answered()) return;
    wait_a_moment(port_);
  }
}

void Store::dispatch(StoreWire::Message& message) {
  if (message.type == XS_WATCH_EVENT) {
    std::string_view rest = message.payload;
    take_store_part(rest);  // the changed path
    const std::string_view token = take_store_part(rest);
    for (Watch* watch = watches_; watch != nullptr; watch = watch->next_) {
      if (store_text(watch->token_) != token) continue;
      watch->wake();
    }
    return;
  }
  for (Pending* pending = pending_; pending != nullptr; pending = pending->next) {
    if (pending->id != message.id || pending->done) continue;
    pending->done = true;
    pending->type = message.type;
    pending->payload = std::move(message.payload);
    pending->waiting.notify_all();
    return;
  }
}

bool Store::poll() noexcept {
  if (!take_event(port_) && !more_) return false;
  bool any = false;
  StoreWire::Message message;
  // Handle at most a ring's worth of messages per turn: a store that never stops must not block the
  // loop.
  bool moved = true;
  for (unsigned round = 0; moved && round < kMaxRounds; ++round) {
    moved = pump();
    while (wire_.receive(message)) {
      dispatch(message);
      any = true;
    }
  }
  more_ = moved;
  if (wire_.broken()) {
    for (Pending* pending = pending_; pending != nullptr; pending = pending->next)
      pending->waiting.notify_all();
  }
  return any;
}

bool Store::prepare_to_idle() noexcept { return !more_; }

void Store::rebind(Port port) noexcept { port_ = port; }

void Store::resume() noexcept {
  wire_.restart();
  // Requests without a reply from the old host are repeated, or fail if they were in a transaction.
  for (Pending* pending = pending_; pending != nullptr; pending = pending->next) {
    if (pending->done) continue;
    pending->done = pending->lost = true;
    pending->type = XS_ERROR;
    pending->payload = "EAGAIN";
    pending->waiting.notify_all();
  }
  for (Watch* watch = watches_; watch != nullptr; watch = watch->next_) send_watch(*watch);
  pump();
}

void Store::send_watch(const Watch& watch) {
  (void)wire_.send(XS_WATCH, kForget, kNone,
                   store_path(watch.path_) + store_path(store_text(watch.token_)));
}

Watch::Watch(Store& store, std::string path)
    : store_(&store),
      path_(std::move(path)),
      token_(++store.next_id_),
      next_(std::exchange(store.watches_, this)) {
  store.send_watch(*this);
  store.pump();
}

Watch::~Watch() {
  (void)store_->wire_.send(XS_UNWATCH, kForget, Store::kNone,
                           store_path(path_) + store_path(store_text(token_)));
  store_->pump();
  for (Watch** link = &store_->watches_; *link != nullptr; link = &(*link)->next_) {
    if (*link != this) continue;
    *link = next_;
    return;
  }
}

async::Task<Result<void>> Watch::next(async::Wait wait) {
  while (!take_change()) {
    if (const auto woken = co_await waiting_.wait(wait); !woken)
      co_return fail(Error(woken.error()));
  }
  co_return Result<void>{};
}

}  // namespace fata::bus::xen
