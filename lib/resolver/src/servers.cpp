#include "fata/resolver/servers.hpp"

#include <algorithm>

namespace fata::resolver {

namespace {
constexpr Duration kFirstTimeout = milliseconds(400), kShortest = milliseconds(200),
                   kLongest = seconds(3), kOfSilent = milliseconds(800), kWorstScore = seconds(10);
}  // namespace

bool Servers::set(std::span<const Endpoint> servers) {
  std::array<Server, kMaxServers> next{};
  std::size_t count = 0;
  for (const Endpoint& at : servers) {
    const auto known = std::span(next).first(count);
    if (count == kMaxServers || std::ranges::contains(known, at, &Server::at)) continue;
    const Server* old = find(at);
    next[count++] = old != nullptr ? *old : Server{.at = at};
  }
  const bool same = count == count_ && std::ranges::equal(std::span(next).first(count),
                                                          std::span(servers_).first(count_), {},
                                                          &Server::at, &Server::at);
  if (same) return false;
  servers_ = next;
  count_ = count;
  return true;
}

Server* Servers::find(const Endpoint& at) {
  for (Server& each : std::span(servers_).first(count_)) {
    if (each.at == at) return &each;
  }
  return nullptr;
}

std::optional<std::size_t> Servers::choose(ServerSet without) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < count_; ++i) {
    if ((without >> i & 1) != 0) continue;
    if (!best || servers_[i].score < servers_[*best].score) best = i;
  }
  if (!best) return best;
  for (std::size_t i = 0; i < count_; ++i) {
    if (i != *best) servers_[i].score = servers_[i].score - servers_[i].score / 50;
  }
  return best;
}

Duration Servers::timeout(const Server& server) {
  if (server.score.ns == 0) return kFirstTimeout;
  // A server that may be dead must not use up the time in which another one could answer. Its own
  // answer is still accepted later.
  return std::clamp(server.score * 3, kShortest, server.timeouts > 1 ? kOfSilent : kLongest);
}

void Servers::answered(Server& server, Duration after) {
  server.timeouts = 0;
  // RFC 6298's smoothing. The first answer, and one after a timeout, replaces the value.
  server.score = server.score.ns == 0 || after < server.score / 4
                     ? after
                     : server.score - server.score / 8 + after / 8;
}

void Servers::timed_out(Server& server) {
  if (server.timeouts < 100) ++server.timeouts;
  server.score = std::min(std::max(server.score * 2, timeout(server)), kWorstScore);
}

}  // namespace fata::resolver
