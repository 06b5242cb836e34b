#include "fata/sim/domains.hpp"

#include "fata/base/panic.hpp"

namespace fata::sim {

Domains::Domains() = default;

Domain& Domains::add() {
  check(domains_.size() < 64, "more than 64 domains");
  const auto id = static_cast<sig::DomainId>(domains_.size());
  domains_.push_back(std::make_unique<Domain>(*this, id));
  const std::string home = "/local/domain/" + std::to_string(id);
  const auto put = [&](const std::string& path, std::string value, sig::StorePermission owner,
                       sig::StorePermission other) {
    check(tree_.write(0, path, std::move(value), sig::kNoTransaction) &&
              tree_.permit(0, path, {owner, other}),
          "a domain's home");
  };
  using enum sig::StoreAccess;
  put(home, "", {0, kNone}, {id, kRead});
  put(home + "/domid", std::to_string(id), {0, kNone}, {id, kRead});
  put(home + "/data", "", {id, kNone}, {id, kNone});
  return *domains_.back();
}

Domain* Domains::alive(sig::DomainId id) {
  return id < domains_.size() && !domains_[id]->dead() ? domains_[id].get() : nullptr;
}

void Domain::die() {
  check(!dead_, "a domain dies twice");
  dead_ = true;
  events_.die();
  grants_.die();
  store_.die();
  (void)host_->tree().remove(0, "/local/domain/" + std::to_string(id_), sig::kNoTransaction);
}

}  // namespace fata::sim
