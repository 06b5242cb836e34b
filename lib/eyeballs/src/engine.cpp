#include "fata/eyeballs/engine.hpp"

#include <algorithm>

#include "fata/sig/records.hpp"

namespace fata::eyeballs {

namespace {

// RFC 6724 section 2.1, without the entries of what never connects.
struct Policy {
  IpAddress prefix;
  unsigned bits;
  unsigned precedence;
};
constexpr std::array kPolicies{
    Policy{IpAddress::of(0, 0, 0, 0, 0, 0, 0, 1), 128, 50},      // loopback
    Policy{IpAddress::of(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, 30},  // 6to4
    Policy{IpAddress::of(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, 5},   // Teredo
    Policy{IpAddress::of(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, 3},    // unique local
    Policy{IpAddress::of(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, 1},   // site local
    Policy{IpAddress::of(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16, 1},   // 6bone
};
constexpr unsigned kIpv6Precedence = 40, kIpv4Precedence = 35;

bool is_below_ipv4(const IpAddress& address) { return precedence(address) < kIpv4Precedence; }

}  // namespace

unsigned precedence(const IpAddress& address) {
  if (address.is_v4()) return kIpv4Precedence;
  for (const Policy& each : kPolicies) {
    if (address.common_bits(each.prefix) >= each.bits) return each.precedence;
  }
  return kIpv6Precedence;
}

void sort(std::span<IpAddress> addresses) {
  // Insertion keeps equal ones in order, and there are few.
  for (std::size_t i = 1; i < addresses.size(); ++i) {
    for (std::size_t at = i; at != 0 && precedence(addresses[at - 1]) < precedence(addresses[at]);
         --at)
      std::swap(addresses[at - 1], addresses[at]);
  }
}

void Engine::resolved(Family family, std::span<const IpAddress> addresses, Instant now) {
  Candidates& known = of(family);
  known.answered = true;
  for (const IpAddress& each : addresses) {
    if (each.is_v4() != (family == Family::kV4) || known.count == kMaxAddresses) continue;
    known.addresses[known.count++] = each;
  }
  sort(std::span(known.addresses).first(known.count));
  known.at = now;
}

void Engine::unresolved(Family family, const Error& error) {
  of(family).answered = true;
  of(family).error = error;
}

Instant Engine::begins_at() const {
  const Candidates& v6 = of(Family::kV6);
  const Candidates& v4 = of(Family::kV4);
  const Candidates& first = of(next_family());
  if (first.count == 0) return Instant::never();
  // The family that is worth waiting for may still be looked up.
  const bool waits = &first == &v4 ? !v6.answered : !v4.answered && is_below_ipv4(v6.addresses[0]);
  return waits ? first.at + options_.resolution_delay : Instant{};
}

Family Engine::next_family() const {
  const Candidates& v6 = of(Family::kV6);
  const Candidates& v4 = of(Family::kV4);
  if (!v6.untried()) return Family::kV4;
  if (!v4.untried()) return Family::kV6;
  if (started_ != 0) return last_ == Family::kV6 ? Family::kV4 : Family::kV6;
  return is_below_ipv4(v6.addresses[0]) ? Family::kV4 : Family::kV6;
}

std::optional<std::size_t> Engine::next(Instant now) {
  if (now < next_deadline()) return std::nullopt;
  last_ = next_family();
  Candidates& from = of(last_);
  attempts_[started_].address = from.addresses[from.tried++];
  next_at_ = now + options_.attempt_delay;
  ++pending_;
  return started_++;
}

void Engine::connected(std::size_t number) {
  if (winner_) return;
  --pending_;
  winner_ = number;
}

void Engine::failed(std::size_t number, const Error& error, Instant now) {
  if (winner_) return;
  --pending_;
  attempts_[number].error = error;
  next_at_ = now;
}

Instant Engine::next_deadline() const {
  if (winner_ || (!of(Family::kV6).untried() && !of(Family::kV4).untried()))
    return Instant::never();
  return started_ == 0 ? begins_at() : next_at_;
}

bool Engine::over() const {
  if (winner_) return true;
  for (const Candidates& each : families_) {
    if (!each.answered || each.untried()) return false;
  }
  return pending_ == 0;
}

Error Engine::error() const {
  if (started_ != 0) return attempts_[0].error.value_or(Error(sig::NameErrc::kNoData));
  // A family without an address is no reason if the other one's lookup failed.
  const Error no_data(sig::NameErrc::kNoData);
  const Error v6 = of(Family::kV6).error.value_or(no_data);
  return v6 == no_data ? of(Family::kV4).error.value_or(no_data) : v6;
}

void Engine::write_failures(TextWriter& out) const {
  for (std::size_t i = 0; i < started_; ++i) {
    print(out, i == 0 ? "" : "; ", target(i), ": ");
    if (attempts_[i].error) {
      print(out, *attempts_[i].error);
    } else {
      out.put("no answer");
    }
  }
}

}  // namespace fata::eyeballs
