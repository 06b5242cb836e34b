// Event channels and xenstore as defined in sig/.
#include "fata/xen/sharing.hpp"

namespace fata::xen {
namespace {

using sig::DomainErrc;

template <class T>
async::Task<Result<T>> translated(async::Task<Result<T>> task) {
  struct Pair {
    Errc own;
    DomainErrc shared;
  };
  static constexpr Pair kPairs[]{
      {Errc::kNotFound, DomainErrc::kNotFound}, {Errc::kDenied, DomainErrc::kDenied},
      {Errc::kAgain, DomainErrc::kAgain},       {Errc::kTooLong, DomainErrc::kTooLong},
      {Errc::kBroken, DomainErrc::kBroken},     {Errc::kExhausted, DomainErrc::kExhausted},
      {Errc::kStore, DomainErrc::kRefused}};
  Result<T> result = co_await std::move(task);
  if (result) co_return result;
  for (const Pair& pair : kPairs) {
    if (result.error().is(pair.own)) co_return fail(Error(pair.shared, result.error().detail()));
  }
  co_return result;
}

// An error without a hypervisor error number means that too many ports are watched.
Result<std::unique_ptr<EventChannels::Channel>> channel_of(Result<Port> port,
                                                           DomainErrc otherwise) {
  constexpr std::uint32_t kNoSpace = 28;  // xen/errno.h
  if (port) return std::make_unique<EventChannels::Channel>(*port);
  const std::uint32_t detail = port.error().detail();
  return fail(
      Error(detail == 0 || detail == kNoSpace ? DomainErrc::kExhausted : otherwise, detail));
}

std::string text_of(const sig::StorePermission& permission) {
  constexpr std::string_view kLetters = "nrwb";
  return kLetters[static_cast<std::size_t>(permission.access)] + store_text(permission.domain);
}

}  // namespace

EventChannels::Channel::Channel(Port port) : port_(port) { bus::attach(*this); }
EventChannels::Channel::~Channel() {
  bus::detach(*this);
  if (!gone_) close_port(port_);
}

void EventChannels::Channel::notify() {
  if (!gone_) xen::notify(port_);
}

async::Task<Result<void>> EventChannels::Channel::wait(async::Wait wait) {
  for (;;) {
    if (gone_) co_return fail(Error(DomainErrc::kGone));
    if (std::exchange(set_, false) || take_event(port_)) co_return Result<void>{};
    if (const auto woken = co_await waiting_.wait(wait); !woken)
      co_return fail(Error(woken.error()));
  }
}

bool EventChannels::Channel::connected() const { return !gone_ && is_connected(port_); }

bool EventChannels::Channel::poll() noexcept {
  if (gone_ || !take_event(port_)) return false;
  set_ = true;
  waiting_.notify_all();
  return true;
}

void EventChannels::Channel::resume() noexcept {
  gone_ = true;
  waiting_.notify_all();
}

Result<std::unique_ptr<EventChannels::Channel>> EventChannels::open(sig::DomainId remote) {
  return channel_of(open_port(remote), DomainErrc::kRefused);
}
Result<std::unique_ptr<EventChannels::Channel>> EventChannels::connect(sig::DomainId remote,
                                                                       sig::EventPort port) {
  return channel_of(connect_port(remote, port), DomainErrc::kBadReference);
}

async::Task<Result<std::string>> SharedStore::read(std::string path, sig::StoreTransaction in,
                                                   async::Wait wait) {
  return translated(store_->read(std::move(path), wait, in));
}
async::Task<Result<void>> SharedStore::write(std::string path, std::string value,
                                             sig::StoreTransaction in, async::Wait wait) {
  return translated(store_->write(std::move(path), std::move(value), wait, in));
}
async::Task<Result<std::vector<std::string>>> SharedStore::list(std::string path,
                                                                sig::StoreTransaction in,
                                                                async::Wait wait) {
  return translated(store_->list(std::move(path), wait, in));
}
async::Task<Result<void>> SharedStore::remove(std::string path, sig::StoreTransaction in,
                                              async::Wait wait) {
  return translated(store_->remove(std::move(path), wait, in));
}
async::Task<Result<void>> SharedStore::permit(std::string path,
                                              std::vector<sig::StorePermission> permissions,
                                              async::Wait wait) {
  std::vector<std::string> texts;
  for (const sig::StorePermission& one : permissions) texts.push_back(text_of(one));
  return translated(store_->permit(std::move(path), std::move(texts), wait));
}
async::Task<Result<sig::StoreTransaction>> SharedStore::begin(async::Wait wait) {
  return translated(store_->begin(wait));
}
async::Task<Result<void>> SharedStore::end(sig::StoreTransaction in, bool commit,
                                           async::Wait wait) {
  return translated(store_->end(in, commit, wait));
}

Result<std::unique_ptr<Watch>> SharedStore::watch(std::string path) {
  if (path.size() > StoreWire::kMaxPayload - 32) return fail(Error(DomainErrc::kTooLong));
  return std::make_unique<Watch>(*store_, std::move(path));
}

}  // namespace fata::xen
