#include "fata/flow/crowd.hpp"

#include <algorithm>
#include <utility>

#include "fata/base/panic.hpp"

namespace fata::flow {

Crowd::Crowd(std::size_t capacity) : addresses_(capacity), networks_(capacity) {}

std::size_t Crowd::Groups::join(const IpAddress& address, unsigned bits) {
  std::size_t free = groups_.size(), i = 0;
  for (std::size_t left = used_; left != 0; ++i) {
    if (groups_[i].connections == 0) {
      free = std::min(free, i);
      continue;
    }
    if (groups_[i].address.common_bits(address) >= bits) return ++groups_[i].connections, i;
    --left;
  }
  // Entries after the last one in use are free.
  free = std::min(free, i);
  check(free < groups_.size(), "a crowd has more members than it was made for");
  groups_[free].address = address;
  groups_[free].connections = 1;
  ++used_;
  return free;
}

Crowd::Member::Member(Crowd& crowd, const IpAddress& client) : crowd_(&crowd) {
  address_ = crowd.addresses_.join(client, 128);
  // An IPv4 address is the last 32 of 128 bits.
  crowd.addresses_[address_].network = crowd.networks_.join(client, client.is_v4() ? 96 + 24 : 56);
  ++crowd.size_;
  crowd.members_.push_back(*this);
}

void Crowd::Member::leave() {
  if (!linked()) return;
  unlink();
  crowd_->networks_.leave(crowd_->addresses_[address_].network);
  crowd_->addresses_.leave(address_);
  --crowd_->size_;
}

void Crowd::touch(Member& member) {
  if (!member.linked()) return;
  member.unlink();
  members_.push_back(member);
}

bool Crowd::end_one() {
  const auto rank = [&](const Group& group) {
    return std::pair(networks_[group.network].connections, group.connections);
  };
  std::pair<std::size_t, std::size_t> highest{};
  for (const Group& group : addresses_.all()) {
    if (group.connections != 0) highest = std::max(highest, rank(group));
  }
  for (Member& member : members_) {
    if (rank(addresses_[member.address_]) != highest) continue;
    member.leave();
    member.end();
    return true;
  }
  return false;
}

bool Crowd::end_one_of(const Member& member) {
  for (Member& each : members_) {
    if (each.address_ != member.address_) continue;
    each.leave();
    each.end();
    return true;
  }
  return false;
}

}  // namespace fata::flow
