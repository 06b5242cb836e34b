#include "fata/sim/domain_store.hpp"

#include <algorithm>

#include "fata/sim/domains.hpp"

namespace fata::sim {

using sig::DomainErrc;

Xenstore::Xenstore(Domains& host, sig::DomainId self) : host_(&host), self_(self) {
  host.tree().add_listener(*this);
}

Result<std::string> Xenstore::absolute(std::string path) const {
  constexpr std::size_t kMaxRelative = 2048;
  const bool relative = !path.starts_with('/');
  if (path.size() > (relative ? kMaxRelative : StoreTree::kMaxPath))
    return fail(Error(DomainErrc::kTooLong));
  if (path.find("//") != std::string::npos || (path.size() > 1 && path.ends_with('/')))
    return fail(Error(DomainErrc::kRefused));
  if (!relative) return path == "/" ? "" : path;
  return "/local/domain/" + std::to_string(self_) + (path.empty() ? "" : "/") + path;
}

async::Task<Result<std::string>> Xenstore::ask(std::string path, async::Wait wait) {
  if (dead_) co_return fail(Error(DomainErrc::kGone));
  Result<std::string> there = absolute(std::move(path));
  if (!there) co_return there;
  const Instant answer = async::current_loop().now() + host_->store_delay;
  const Instant until = std::min(answer, wait.deadline);
  if (const auto slept = co_await async::sleep_until(until, wait.token); !slept)
    co_return fail(Error(slept.error()));
  if (dead_) co_return fail(Error(DomainErrc::kGone));
  if (until != answer) co_return fail(Error(async::Errc::kTimedOut));
  co_return there;
}

async::Task<Result<std::string>> Xenstore::read(std::string path, sig::StoreTransaction in,
                                                async::Wait wait) {
  const Result<std::string> there = co_await ask(std::move(path), wait);
  if (!there) co_return there;
  co_return host_->tree().read(self_, *there, in);
}
async::Task<Result<void>> Xenstore::write(std::string path, std::string value,
                                          sig::StoreTransaction in, async::Wait wait) {
  const Result<std::string> there = co_await ask(std::move(path), wait);
  if (!there) co_return fail(there.error());
  co_return host_->tree().write(self_, *there, std::move(value), in);
}
async::Task<Result<std::vector<std::string>>> Xenstore::list(std::string path,
                                                             sig::StoreTransaction in,
                                                             async::Wait wait) {
  const Result<std::string> there = co_await ask(std::move(path), wait);
  if (!there) co_return fail(there.error());
  co_return host_->tree().list(self_, *there, in);
}
async::Task<Result<void>> Xenstore::remove(std::string path, sig::StoreTransaction in,
                                           async::Wait wait) {
  const Result<std::string> there = co_await ask(std::move(path), wait);
  if (!there) co_return fail(there.error());
  co_return host_->tree().remove(self_, *there, in);
}
async::Task<Result<void>> Xenstore::permit(std::string path,
                                           std::vector<sig::StorePermission> permissions,
                                           async::Wait wait) {
  const Result<std::string> there = co_await ask(std::move(path), wait);
  if (!there) co_return fail(there.error());
  co_return host_->tree().permit(self_, *there, std::move(permissions));
}
async::Task<Result<sig::StoreTransaction>> Xenstore::begin(async::Wait wait) {
  const Result<std::string> there = co_await ask("", wait);
  if (!there) co_return fail(there.error());
  co_return host_->tree().begin(self_);
}
async::Task<Result<void>> Xenstore::end(sig::StoreTransaction in, bool commit, async::Wait wait) {
  const Result<std::string> there = co_await ask("", wait);
  if (!there) co_return fail(there.error());
  co_return host_->tree().end(self_, in, commit);
}

Result<std::unique_ptr<Xenstore::Watch>> Xenstore::watch(std::string path) {
  if (dead_) return fail(Error(DomainErrc::kGone));
  if (watches_.size() == kMaxWatches) return fail(Error(DomainErrc::kExhausted));
  const Result<std::string> there = absolute(std::move(path));
  if (!there) return fail(there.error());
  return std::make_unique<Watch>(*this, *there);
}

void Xenstore::hear(std::string_view path) {
  for (Watch* watch : watches_) {
    if (!path.starts_with(watch->path_)) continue;
    if (path.size() != watch->path_.size() && path[watch->path_.size()] != '/') continue;
    watch->changed_ = true;
    watch->waiting_.notify_all();
  }
}

void Xenstore::die() {
  dead_ = true;
  host_->tree().forget(self_);
  for (Watch* watch : watches_) watch->waiting_.notify_all();
}

Xenstore::Watch::Watch(Xenstore& store, std::string path) : store_(&store), path_(std::move(path)) {
  store.watches_.push_back(this);
}
Xenstore::Watch::~Watch() { std::erase(store_->watches_, this); }

async::Task<Result<void>> Xenstore::Watch::next(async::Wait wait) {
  for (;;) {
    if (store_->dead_) co_return fail(Error(DomainErrc::kGone));
    if (std::exchange(changed_, false)) co_return Result<void>{};
    if (const auto woken = co_await waiting_.wait(wait); !woken)
      co_return fail(Error(woken.error()));
  }
}

}  // namespace fata::sim
