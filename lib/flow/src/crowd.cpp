#include "fata/flow/crowd.hpp"

#include <algorithm>
#include <utility>

#include "fata/base/panic.hpp"

namespace fata::flow {

Crowd::Crowd(std::size_t capacity) : addresses_(capacity), networks_(capacity) {}

// The group of the address, or a free one that becomes it.
std::size_t Crowd::find(std::vector<Group>& groups, const IpAddress& address, unsigned bits) {
  std::size_t free = groups.size();
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].connections == 0) {
      free = i;
    } else if (groups[i].address.common_bits(address) >= bits) {
      return i;
    }
  }
  check(free != groups.size(), "a crowd has more members than it was made for");
  groups[free].address = address;
  return free;
}

Crowd::Member::Member(Crowd& crowd, const IpAddress& client) : crowd_(&crowd) {
  address_ = find(crowd.addresses_, client, 128);
  Group& group = crowd.addresses_[address_];
  // An IPv4 address is the end of 128 bits.
  group.network = find(crowd.networks_, client, client.is_v4() ? 96 + 24 : 56);
  ++group.connections;
  ++crowd.networks_[group.network].connections;
  ++crowd.size_;
  crowd.members_.push_back(*this);
}

void Crowd::Member::leave() {
  if (!linked()) return;
  unlink();
  Group& group = crowd_->addresses_[address_];
  --group.connections;
  --crowd_->networks_[group.network].connections;
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
  for (const Group& group : addresses_) {
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

}  // namespace fata::flow
