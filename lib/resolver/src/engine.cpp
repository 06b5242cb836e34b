#include "fata/resolver/engine.hpp"

#include <algorithm>
#include <vector>

#include "fata/dns/message.hpp"
#include "question.hpp"

namespace fata::resolver {

using dns::Type;
using sig::NameErrc;

Engine::Engine(const SipKey& secret, Outside& outside, const Options& options)
    : random_(secret),
      outside_(&outside),
      options_(options),
      cache_({siphash(secret, Bytes()), ~secret.k0}, options.cache),
      questions_(std::make_unique<std::array<Question, kQuestions>>()),
      counters_{Counter{"lookups"}, {"queries"},    {"tcp_queries"}, {"answers"},
                {"timeouts"},       {"foreign"},    {"malformed"},   {"wrong_id"},
                {"wrong_question"}, {"wrong_case"}, {"truncated"},   {"oversized"},
                {"suspected"},      {"cache_hits"}, {"stale"},       {"failures"}} {}
Engine::~Engine() = default;

void Engine::set_servers(std::span<const Endpoint> servers) {
  if (!servers_.set(servers)) return;
  for (Question& each : *questions_) each.tried = each.failed = 0;
}

// ---- Queries

// Queries the next server, or ends the question.
void Engine::next_server(Question& question, Instant now) {
  const bool late = now >= question.ends || question.queries >= kMaxQueries;
  std::optional<std::size_t> server;
  if (!late) {
    server = servers_.choose(question.tried | question.failed);
    // A new round, unless a server has already failed to answer and the others had their chance.
    if (!server && !question.responded) {
      question.tried = 0;
      server = servers_.choose(question.failed);
    }
  }
  if (server) {
    transmit(question, *server, Transport::kUdp, now);
    return;
  }
  // The last query may still be answered.
  const auto waits = [&](const Attempt& each) {
    return each.active && !each.late && each.due > now;
  };
  if (!late && std::ranges::any_of(question.attempts, waits)) {
    for (const Attempt& each : question.attempts) {
      if (waits(each)) question.due = std::min(question.ends, each.due);
    }
    return;
  }
  finish(question,
         question.responded ? Error(NameErrc::kServersFailed, question.rcode)
                            : Error(NameErrc::kNoAnswer),
         {}, now);
}

Engine::Attempt& Engine::transmit(Question& question, std::size_t index, Transport transport,
                                  Instant now) {
  Server& server = servers_[index];
  Attempt* attempt = &question.attempts[0];
  for (Attempt& each : question.attempts) {
    if (!each.active) {
      attempt = &each;
      break;
    }
    if (each.sent < attempt->sent) attempt = &each;
  }
  close(question, *attempt);
  *attempt = {.active = true,
              .transport = transport,
              .edns = !server.no_edns,
              .id = static_cast<std::uint16_t>(random_.next()),
              .serial = ++serial_,
              .server = server.at,
              .sent = now};
  if (options_.mixed_case && !server.keeps_no_case) {
    for (std::uint64_t& each : attempt->bits) each = random_.next();
  }
  std::array<std::byte, dns::kHeaderSize + dns::kMaxName + 4 + dns::kOptSize> memory;
  dns::Writer writer{MutableBytes(memory)};
  writer.u32(0), writer.u32(0), writer.u32(0);
  writer.question(mix_case(question.target, attempt->bits), question.type, dns::Class::kIn);
  if (attempt->edns) writer.opt(options_.udp_payload, {});
  writer.header({.id = attempt->id,
                 .flags = dns::flag::kRecursionDesired,
                 .questions = 1,
                 .additionals = static_cast<std::uint16_t>(attempt->edns)});
  question.tried |= static_cast<ServerSet>(1U << index);
  ++question.queries;
  // A connection takes a round trip of its own.
  const Duration timeout = Servers::timeout(server) * (transport == Transport::kTcp ? 4 : 1);
  attempt->due = question.due = std::min(now + timeout, question.ends);
  count_up(transport == Transport::kTcp ? kTcpQueries : kQueries);
  outside_->send(slot_of(question, *attempt), server.at, transport, writer.written());
  return *attempt;
}

void Engine::close(Question& question, Attempt& attempt) {
  if (!attempt.active) return;
  attempt.active = false;
  outside_->close(slot_of(question, attempt));
}

Slot Engine::slot_of(const Question& question, const Attempt& attempt) const {
  const auto first = static_cast<std::size_t>(&question - questions_->data()) * kAttempts;
  const auto at = static_cast<std::size_t>(&attempt - question.attempts.data());
  return {static_cast<std::uint16_t>(first + at), attempt.serial};
}

Engine::Attempt* Engine::attempt_of(Slot slot) {
  if (slot.index >= kSlots) return nullptr;
  Question& question = (*questions_)[slot.index / kAttempts];
  Attempt& attempt = question.attempts[slot.index % kAttempts];
  return question.active && attempt.active && attempt.serial == slot.serial ? &attempt : nullptr;
}

// ---- Responses

void Engine::receive(Slot slot, const Endpoint& from, Bytes message, Instant now) {
  Attempt* attempt = attempt_of(slot);
  if (attempt == nullptr) return count_up(kForeign);
  Question& question = (*questions_)[slot.index / kAttempts];
  if (matches(*attempt, question, from, message, now))
    return take(question, *attempt, message, now);
  if (attempt->transport == Transport::kTcp || ++attempt->wrong < kMaxWrong) return;
  count_up(kSuspected);
  repeat_over_tcp(question, *attempt, now);
}

void Engine::repeat_over_tcp(Question& question, Attempt& attempt, Instant now) {
  Server* const server = servers_.find(attempt.server);
  close(question, attempt);
  if (server == nullptr) return next_server(question, now);
  transmit(question, servers_.index_of(*server), Transport::kTcp, now);
}

// RFC 5452 section 9.1.
bool Engine::matches(Attempt& attempt, Question& question, const Endpoint& from, Bytes message,
                     Instant now) {
  if (from != attempt.server) return count_up(kForeign), false;
  const auto echo = read_echo(message);
  if (!echo) return count_up(kMalformed), false;
  if (echo->header.id != attempt.id) return count_up(kWrongId), false;
  const dns::Name sent = mix_case(question.target, attempt.bits);
  if (echo->question.type != question.type || echo->question.klass != dns::Class::kIn ||
      !dns::same_name(echo->question.name, sent)) {
    return count_up(kWrongQuestion), false;
  }
  if (equal_bytes(echo->question.name.wire(), sent.wire())) return true;
  // Everything but the case is right: a forgery, or a server that changes the case. Only a
  // connection, which cannot be forged from off the path, shows which.
  count_up(kWrongCase);
  Server* server = servers_.find(from);
  if (server == nullptr) return false;
  if (attempt.transport == Transport::kTcp) {
    server->keeps_no_case = true;
    return true;
  }
  if (attempt.wrong_case) return false;
  attempt.wrong_case = true;
  transmit(question, servers_.index_of(*server), Transport::kTcp, now).wrong_case = true;
  return false;
}

void Engine::unanswered(Server& server, const Attempt& attempt) {
  // A server that changes the case and has no TCP: without case, ID and port are still secret.
  if (attempt.transport == Transport::kTcp && attempt.wrong_case) server.keeps_no_case = true;
  Servers::timed_out(server);
}

// A copy with the question's name as it was before its case was mixed: compressed names in the
// answer point to it.
static std::vector<std::byte> with_name(Bytes message, const dns::Name& name) {
  std::vector<std::byte> copy(message.begin(), message.end());
  const auto at = std::span(copy).subspan(dns::kHeaderSize);
  if (at.size() >= name.wire().size() && dns::same_name(at.first(name.wire().size()), name))
    copy_bytes(at, name.wire());
  return copy;
}

void Engine::take(Question& question, Attempt& attempt, Bytes message, Instant now) {
  Server* const server = servers_.find(attempt.server);
  if (server != nullptr) Servers::answered(*server, now - attempt.sent);
  if (attempt.transport == Transport::kUdp) {
    const bool truncated =
        (load_be<std::uint16_t>(message.subspan(2)) & dns::flag::kTruncated) != 0;
    const bool oversized =
        message.size() > (attempt.edns ? options_.udp_payload : dns::kPlainUdpSize);
    if (truncated || oversized) {
      count_up(truncated ? kTruncated : kOversized);
      return repeat_over_tcp(question, attempt, now);
    }
  }
  Answer answer = read_answer(with_name(message, question.target), question.target, question.type);
  switch (answer.kind) {
    case Answer::Kind::kBad:
    case Answer::Kind::kFailed:
      question.rcode = answer.kind == Answer::Kind::kFailed
                           ? answer.rcode
                           : static_cast<unsigned>(dns::Rcode::kServFail);
      question.responded = true;
      return server_failed(question, attempt, now);
    case Answer::Kind::kAlias:
      if (++question.restarts > kMaxRestarts)
        return finish(question, Error(NameErrc::kAliasLoop), {}, now);
      question.ttl = std::min(question.ttl, answer.records.ttl);
      question.target = answer.target;
      for (Attempt& each : question.attempts) close(question, each);
      question.tried = question.failed = 0;
      return next_server(question, now);
    case Answer::Kind::kRecords:
    case Answer::Kind::kNoData:
    case Answer::Kind::kNotFound:
      count_up(kAnswers);
      answer.records.ttl = std::min(answer.records.ttl, question.ttl);
      break;
  }
  std::optional<Error> error;
  if (answer.kind == Answer::Kind::kNoData) error = Error(NameErrc::kNoData);
  if (answer.kind == Answer::Kind::kNotFound) error = Error(NameErrc::kNotFound);
  finish(question, error, std::move(answer.records), now);
}

void Engine::server_failed(Question& question, Attempt& attempt, Instant now) {
  count_up(kFailures);
  Server* const server = servers_.find(attempt.server);
  const bool edns = attempt.edns;
  close(question, attempt);
  if (server != nullptr) {
    const auto index = servers_.index_of(*server);
    const auto rcode = static_cast<dns::Rcode>(question.rcode);
    // RFC 6891 section 7: a server without EDNS. If it also fails without, that was not the reason.
    if (edns && (rcode == dns::Rcode::kFormErr || rcode == dns::Rcode::kNotImp)) {
      server->no_edns = true;
      transmit(question, index, Transport::kUdp, now);
      return;
    }
    if (rcode == dns::Rcode::kFormErr || rcode == dns::Rcode::kNotImp) server->no_edns = false;
    question.failed |= static_cast<ServerSet>(1U << index);
  }
  next_server(question, now);
}

void Engine::failed(Slot slot, Instant now) {
  Attempt* attempt = attempt_of(slot);
  if (attempt == nullptr) return;
  Question& question = (*questions_)[slot.index / kAttempts];
  count_up(kFailures);
  Server* const server = servers_.find(attempt->server);
  close(question, *attempt);
  if (server != nullptr) unanswered(*server, *attempt);
  const auto all = static_cast<ServerSet>((1U << servers_.count()) - 1);
  // Without another server, the same one is queried again, but not at once.
  if (((question.tried | question.failed) & all) == all) {
    question.due = std::min(now + kPause, question.ends);
  } else {
    next_server(question, now);
  }
}

void Engine::finish(Question& question, std::optional<Error> error, sig::RecordSet records,
                    Instant now) {
  for (Attempt& attempt : question.attempts) close(question, attempt);
  question.active = false;
  const auto index = static_cast<std::size_t>(&question - questions_->data());
  const bool unknown =
      error && (error->is(NameErrc::kNoAnswer) || error->is(NameErrc::kServersFailed));
  if (unknown && deliver_stale(question, now)) return;
  const dns::LowerName name(question.name.wire());
  if (!error || error->is(NameErrc::kNoData) || error->is(NameErrc::kNotFound)) {
    std::optional<NameErrc> negative;
    if (error) negative = static_cast<NameErrc>(error->code());
    cache_.put(Cache::key(cache_.hash(name), name, question.type), negative, records, now);
  }
  deliver(index, error, records, now);
}

// ---- Time

Instant Engine::next_deadline() {
  Instant next = Instant::never();
  for (const Question& each : *questions_) {
    if (each.active) next = std::min({next, each.due, each.stale_at});
  }
  for (const Lookup& each : lookups_) next = std::min(next, each.grace_ends_);
  return next;
}

void Engine::tick(Instant now) {
  for (Question& question : *questions_) {
    if (question.active && now >= question.stale_at) {
      question.stale_at = Instant::never();
      (void)deliver_stale(question, now);
    }
    if (!question.active || now < question.due) continue;
    for (Attempt& attempt : question.attempts) {
      if (!attempt.active || attempt.late || now < attempt.due) continue;
      attempt.late = true;
      count_up(kTimeouts);
      if (Server* const server = servers_.find(attempt.server)) unanswered(*server, attempt);
    }
    next_server(question, now);
  }
  for (auto next = lookups_.begin(); next != lookups_.end();) {
    Lookup& lookup = *next;
    ++next;
    if (now >= lookup.grace_ends_) settle(lookup, now);
  }
}

}  // namespace fata::resolver
