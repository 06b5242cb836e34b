// Selects a connection to reset when memory is full and a client with few connections needs one.
#include <algorithm>
#include <array>
#include <bit>
#include <tuple>

#include "fata/tcp/table.hpp"

namespace fata::tcp {
namespace {

// Clients are counted by a keyed hash of their address and of its network (/24, /56). Clients that
// share a count are treated as one, and no client can find out which do. The newcomer's own
// connections are counted exactly.
constexpr std::size_t kGroups = 64;
constexpr std::size_t kFew = 8;  // a client with fewer connections keeps them
using Counts = std::array<std::uint32_t, kGroups>;

std::uint64_t hash_of(const SipKey& key, const IpAddress& address, std::size_t octets) {
  std::array<std::byte, 16> masked{};
  std::copy_n(address.octets().begin(), octets, masked.begin());
  const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(masked);
  return siphash(key, std::array{words[0], words[1], std::uint64_t{octets}});
}
std::uint64_t network_hash(const SipKey& key, const IpAddress& address) {
  return hash_of(key, address, address.is_v4() ? 15 : 7);
}
std::uint64_t address_hash(const SipKey& key, const IpAddress& address) {
  return hash_of(key, address, 16);
}
std::size_t network_of(const SipKey& key, const IpAddress& address) {
  return network_hash(key, address) % kGroups;
}
std::size_t address_of(const SipKey& key, const IpAddress& address) {
  return address_hash(key, address) % kGroups;
}
std::size_t largest(const Counts& counts) {
  return static_cast<std::size_t>(std::ranges::max_element(counts) - counts.begin());
}

// Long enough that sixteen clients with constant requests leave most of the rate to others; short
// enough that a client that has closed its connections soon counts as a newcomer again.
constexpr Duration kRefusedFor = milliseconds(250);

}  // namespace

bool Table::make_room_for(const IpAddress& client, const Connection* asking) {
  return make_room(true) || give_way_to(client, asking);
}

bool Table::was_refused(std::uint64_t who) const {
  const Refusal& last = refusals_[who % refusals_.size()];
  return last.who == who && now_ < last.until;
}

void Table::note_refusal(std::uint64_t who) {
  refusals_[who % refusals_.size()] = {who, now_ + kRefusedFor};
}

// Resets a connection in the network with the most, of the address with the most: the longest idle
// one. One that holds data goes first, because its queues are freed at once.
// False if these have at most twice what the newcomer would have: then all are alike, and the
// newcomer must wait. Also false if no memory was freed yet: without data, that happens when the
// connection's user releases it.
bool Table::give_way_to(const IpAddress& newcomer, const Connection* asking) {
  // A client with many connections would use up the rate with a futile request per segment.
  const std::uint64_t own_network_hash = network_hash(table_key_, newcomer);
  const std::uint64_t own_address_hash = address_hash(table_key_, newcomer);
  if (was_refused(own_network_hash) || was_refused(own_address_hash) || !give_way_rate_.allow(now_))
    return false;
  const auto for_each = [&](auto&& visit) {
    for (Entry* bucket : buckets_) {
      for (Entry* entry = bucket; entry != nullptr; entry = entry->next_in_bucket) {
        if (entry->kind != Entry::Kind::kConnection) continue;
        auto& connection = static_cast<Connection&>(*entry);
        if (connection.is_observed() && connection.synchronized()) visit(connection);
      }
    }
  };
  Counts networks{}, addresses{};
  std::size_t own_network = 0, own_address = 0;
  const unsigned prefix = newcomer.is_v4() ? 96 + 24 : 56;
  for_each([&](const Connection& each) {
    ++networks[network_of(table_key_, each.remote.address)];
    own_network += each.remote.address.common_bits(newcomer) >= prefix;
    own_address += each.remote.address == newcomer;
  });
  const std::size_t network = largest(networks);
  for_each([&](const Connection& each) {
    if (network_of(table_key_, each.remote.address) == network)
      ++addresses[address_of(table_key_, each.remote.address)];
  });
  const std::size_t address = largest(addresses);
  const bool inside = own_network_hash % kGroups == network;
  const std::size_t theirs = inside ? addresses[address] : networks[network];
  const std::size_t own = inside ? own_address : own_network;
  if (theirs < kFew || theirs <= 2 * (own + 1)) {
    // Remember the network if any client in it would be refused, else only this client.
    note_refusal(!inside || theirs < kFew ? own_network_hash : own_address_hash);
    return false;
  }
  // A few connections in such a network are not the crowd, unless no address in it has more.
  const std::size_t least = std::min<std::size_t>(kFew, addresses[address]);
  const auto rank = [&](const Connection& each) {
    return std::tuple(each.holds_data(), addresses[address_of(table_key_, each.remote.address)],
                      now_ - each.last_received());
  };
  Connection* chosen = nullptr;
  for_each([&](Connection& each) {
    if (network_of(table_key_, each.remote.address) != network || &each == asking) return;
    const std::size_t has = addresses[address_of(table_key_, each.remote.address)];
    if (has < least || (inside && has <= 2 * (own + 1))) return;
    if (chosen == nullptr || rank(each) > rank(*chosen)) chosen = &each;
  });
  if (chosen == nullptr) return false;
  count_up(kGaveWay);
  const std::size_t used = memory_.used();
  chosen->abort(now_);
  return memory_.used() != used;
}

}  // namespace fata::tcp
