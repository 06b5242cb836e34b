// The tree of xenstore: access rights, quotas and transactions, as in Xen's docs/misc/xenstore.txt.
#include <algorithm>

#include "fata/sim/domain_store.hpp"

namespace fata::sim {
namespace {

constexpr sig::DomainId kPrivileged = 0;
using sig::DomainErrc;
using sig::StoreAccess;

std::string above(std::string_view path) { return std::string(path.substr(0, path.rfind('/'))); }
bool is_below(std::string_view path, std::string_view top) {
  return path.starts_with(top) && path[top.size()] == '/';
}

bool may(const StoreTree::Permissions& permissions, sig::DomainId who, StoreAccess what) {
  if (who == kPrivileged || permissions.front().domain == who) return true;
  StoreAccess access = permissions.front().access;
  for (const sig::StorePermission& one : permissions) {
    if (one.domain == who) access = one.access;
  }
  return access == what || access == StoreAccess::kBoth;
}

// The nearest existing node at or above the path; the root always exists.
StoreTree::Nodes::iterator nearest(StoreTree::Nodes& nodes, std::string path) {
  auto found = nodes.find(path);
  while (found == nodes.end()) {
    path = above(path);
    found = nodes.find(path);
  }
  return found;
}

}  // namespace

StoreTree::StoreTree() { nodes_[""].permissions = {{kPrivileged, StoreAccess::kRead}}; }

Result<StoreTree::View> StoreTree::view(sig::DomainId who, sig::StoreTransaction in) {
  if (in == sig::kNoTransaction) return View{&nodes_, nullptr};
  const auto found = transactions_.find(in);
  if (found == transactions_.end() || found->second.who != who)
    return fail(Error(DomainErrc::kNotFound));
  return View{&found->second.nodes, &found->second};
}

void StoreTree::touch(View& view, const std::string& path) {
  if (view.transaction != nullptr) view.transaction->touched.insert(path);
}
void StoreTree::change(View& view, const std::string& path) {
  if (view.transaction != nullptr) view.transaction->changed.insert(path);
  renew(view, path);
}
void StoreTree::renew(View& view, const std::string& path) {
  touch(view, path);
  const auto found = view.nodes->find(path);
  if (found != view.nodes->end()) found->second.generation = ++generation_;
}

Result<std::string> StoreTree::read(sig::DomainId who, const std::string& path,
                                    sig::StoreTransaction in) {
  Result<View> view = this->view(who, in);
  if (!view) return fail(view.error());
  touch(*view, path);
  const auto found = nearest(*view->nodes, path);
  if (!may(found->second.permissions, who, StoreAccess::kRead))
    return fail(Error(DomainErrc::kDenied));
  if (found->first != path) return fail(Error(DomainErrc::kNotFound));
  return found->second.value;
}

Result<std::vector<std::string>> StoreTree::list(sig::DomainId who, const std::string& path,
                                                 sig::StoreTransaction in) {
  if (const Result<std::string> there = read(who, path, in); !there) return fail(there.error());
  const View view = *this->view(who, in);
  std::vector<std::string> names;
  const std::string prefix = path + "/";
  for (auto at = view.nodes->lower_bound(prefix);
       at != view.nodes->end() && at->first.starts_with(prefix); ++at) {
    const std::string name = at->first.substr(prefix.size());
    if (name.find('/') == std::string::npos) names.push_back(name);
  }
  return names;
}

std::size_t StoreTree::owned(const Nodes& nodes, sig::DomainId who) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      nodes, [&](const auto& node) { return node.second.permissions.front().domain == who; }));
}

Result<void> StoreTree::write(sig::DomainId who, const std::string& path, std::string value,
                              sig::StoreTransaction in) {
  Result<View> view = this->view(who, in);
  if (!view) return fail(view.error());
  if (value.size() > kMaxValue) return fail(Error(DomainErrc::kTooLong));
  touch(*view, path);
  const auto found = nearest(*view->nodes, path);
  const std::string there = found->first;
  if (!may(found->second.permissions, who, StoreAccess::kWrite))
    return fail(Error(DomainErrc::kDenied));
  if (there != path) {
    Permissions inherited = found->second.permissions;
    if (who != kPrivileged) inherited.front().domain = who;
    std::vector<std::string> fresh;
    for (std::string at = path; at != there; at = above(at)) fresh.push_back(at);
    if (who != kPrivileged && owned(*view->nodes, who) + fresh.size() > kMaxNodes)
      return fail(Error(DomainErrc::kExhausted));
    for (const std::string& at : fresh) (*view->nodes)[at].permissions = inherited;
    for (const std::string& at : fresh) change(*view, at);
    renew(*view, there);
  }
  Node& node = (*view->nodes)[path];
  node.value = std::move(value);
  change(*view, path);
  if (view->transaction == nullptr) tell(path, Permissions(node.permissions));
  return {};
}

Result<void> StoreTree::remove(sig::DomainId who, const std::string& path,
                               sig::StoreTransaction in) {
  Result<View> view = this->view(who, in);
  if (!view) return fail(view.error());
  touch(*view, path);
  const auto found = nearest(*view->nodes, path);
  if (path.empty() || !may(found->second.permissions, who, StoreAccess::kWrite))
    return fail(Error(DomainErrc::kDenied));
  if (found->first != path) {
    if (found->first == above(path)) return {};
    return fail(Error(DomainErrc::kNotFound));
  }
  std::vector<std::pair<std::string, Permissions>> gone;
  for (auto at = view->nodes->lower_bound(path); at != view->nodes->end();) {
    if (at->first != path && !at->first.starts_with(path)) break;
    if (at->first != path && !is_below(at->first, path)) {
      ++at;  // "a-b" sorts between "a" and "a/b"
      continue;
    }
    gone.emplace_back(at->first, at->second.permissions);
    at = view->nodes->erase(at);
  }
  for (const auto& [name, permissions] : gone) change(*view, name);
  renew(*view, above(path));
  if (view->transaction == nullptr) {
    for (const auto& [name, permissions] : gone) tell(name, permissions);
  }
  return {};
}

Result<void> StoreTree::permit(sig::DomainId who, const std::string& path,
                               Permissions permissions) {
  if (permissions.empty() || permissions.size() > kMaxPermissions)
    return fail(Error(DomainErrc::kTooLong));
  const auto found = nodes_.find(path);
  if (found == nodes_.end()) return fail(Error(DomainErrc::kNotFound));
  const sig::DomainId owner = found->second.permissions.front().domain;
  if (who != kPrivileged && (owner != who || permissions.front().domain != who))
    return fail(Error(DomainErrc::kDenied));
  std::swap(found->second.permissions, permissions);
  found->second.generation = ++generation_;
  tell(path, permissions);  // watches with access before the change, as in Xen's daemon
  return {};
}

Result<sig::StoreTransaction> StoreTree::begin(sig::DomainId who) {
  const auto open =
      std::ranges::count_if(transactions_, [&](const auto& one) { return one.second.who == who; });
  if (who != kPrivileged && static_cast<std::size_t>(open) >= Xenstore::kMaxTransactions)
    return fail(Error(DomainErrc::kExhausted));
  transactions_[next_] = {who, nodes_, nodes_, {}, {}};
  return next_++;
}

Result<void> StoreTree::end(sig::DomainId who, sig::StoreTransaction transaction, bool commit) {
  const auto found = transactions_.find(transaction);
  if (found == transactions_.end() || found->second.who != who)
    return fail(Error(DomainErrc::kNotFound));
  const Transaction mine = std::move(found->second);
  transactions_.erase(found);
  if (!commit) return {};
  // The transaction conflicts if a node that it read or changed has been changed since begin().
  const auto generation_of = [](const Nodes& nodes, const std::string& path) {
    const auto node = nodes.find(path);
    return node == nodes.end() ? 0 : node->second.generation;
  };
  for (const std::string& path : mine.touched) {
    if (generation_of(nodes_, path) != generation_of(mine.before, path))
      return fail(Error(DomainErrc::kAgain));
  }
  std::vector<std::pair<std::string, Permissions>> told;
  for (const std::string& path : mine.changed) {
    const auto node = mine.nodes.find(path);
    if (node == mine.nodes.end()) {
      const auto old = nodes_.find(path);
      if (old == nodes_.end()) continue;
      told.emplace_back(path, old->second.permissions);
      nodes_.erase(old);
    } else {
      nodes_[path] = node->second;
      told.emplace_back(path, node->second.permissions);
    }
    const auto parent = nodes_.find(above(path));
    if (parent != nodes_.end()) parent->second.generation = ++generation_;
  }
  for (const auto& [path, permissions] : told) tell(path, permissions);
  return {};
}

void StoreTree::forget(sig::DomainId who) {
  std::erase_if(transactions_, [&](const auto& one) { return one.second.who == who; });
}

void StoreTree::tell(const std::string& path, const Permissions& permissions) {
  for (Xenstore* listener : listeners_) {
    if (may(permissions, listener->self_, StoreAccess::kRead)) listener->hear(path);
  }
}

}  // namespace fata::sim
