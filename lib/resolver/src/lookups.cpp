// What callers wait for: candidates of a search list, the cache, and the questions that they share.
#include <algorithm>

#include "fata/resolver/engine.hpp"
#include "question.hpp"
#include "special.hpp"

namespace fata::resolver {

using dns::Type;
using sig::NameErrc;

std::optional<Error> Lookup::error() const {
  std::optional<Error> worst;
  for (const Part& part : parts()) {
    if (!part.error) return std::nullopt;
    // A name that does not exist has no records of any type; that a type has none does not explain
    // the lookup if the other type is unknown.
    if (!worst || part.error->is(NameErrc::kNotFound) || worst->is(NameErrc::kNoData))
      worst = part.error;
  }
  return worst;
}

void Engine::set_search(std::span<const dns::Name> domains, unsigned ndots) {
  search_count_ = std::min(domains.size(), kMaxSearch);
  std::ranges::copy(domains.first(search_count_), search_.begin());
  ndots_ = std::min(ndots, kMaxNdots);
}

void Engine::resolve(Lookup& lookup, std::string_view host, Instant now) {
  static constexpr std::array kFamilies{Type::kAaaa, Type::kA};
  if (const auto address = IpAddress::parse(host)) {
    count_up(kLookups);
    lookup.count_ = kFamilies.size();
    for (std::size_t i = 0; i < kFamilies.size(); ++i) {
      lookup.parts_[i] = {.type = kFamilies[i]};
      fill_address(lookup.parts_[i], *address);
    }
    lookup.done_ = true;
    return;
  }
  begin(lookup, host, kFamilies, now);
}

void Engine::query(Lookup& lookup, std::string_view name, Type type, Instant now) {
  begin(lookup, name, std::array{type}, now);
}

void Engine::begin(Lookup& lookup, std::string_view name, std::span<const Type> types,
                   Instant now) {
  count_up(kLookups);
  static constexpr dns::Name kRoot;
  const auto parsed = dns::Name::from_text(name, &kRoot);
  const bool good = parsed && !ends_in_number(*parsed);
  lookup.count_ = types.size();
  for (std::size_t i = 0; i < types.size(); ++i) {
    lookup.parts_[i] = {.type = types[i], .done = !good};
    if (!good) lookup.parts_[i].error = Error(NameErrc::kBadName);
  }
  lookup.done_ = !good;
  if (!good) return;
  lookup.name_ = *parsed;
  lookup.complete_ = name.ends_with('.');
  lookup.next_candidate_ = 0;
  lookup.last_start_ = now + kLifetime;
  starting_ = &lookup;
  (void)next_candidate(lookup);
  lookups_.push_back(lookup);
  ask_all(lookup, now);
  starting_ = nullptr;
}

// Sets the lookup's name to the next candidate; false after the last one.
bool Engine::next_candidate(Lookup& lookup) {
  const std::size_t domains = lookup.complete_ ? 0 : search_count_;
  while (lookup.next_candidate_ <= domains) {
    const std::size_t index = lookup.next_candidate_++;
    const bool as_is_first = dns::label_count(lookup.name_) > ndots_;
    const std::size_t as_is = as_is_first ? 0 : domains;
    if (index == as_is) {
      lookup.current_ = lookup.name_;
      return true;
    }
    const Bytes labels = lookup.name_.wire().first(lookup.name_.wire().size() - 1);
    const auto joined = dns::Name::join(labels, search_[as_is_first ? index - 1 : index]);
    if (!joined) continue;  // too long
    lookup.current_ = *joined;
    return true;
  }
  return false;
}

void Engine::ask_all(Lookup& lookup, Instant now) {
  lookup.grace_ends_ = Instant::never();
  const dns::LowerName lower(lookup.current_.wire());
  const std::uint64_t hash = cache_.hash(lower);
  for (Part& part : std::span(lookup.parts_).first(lookup.count_))
    ask(lookup, part, lower, hash, now);
  settle(lookup, now);
}

void Engine::ask(Lookup& lookup, Part& part, const dns::LowerName& lower, std::uint64_t hash,
                 Instant now) {
  const auto fail_with = [&](NameErrc error) {
    part.done = true;
    part.error = Error(error);
  };
  const auto found = cache_.find(Cache::key(hash, lower, part.type), now);
  if (found && (found->left.ns > 0 || now < found->retry_at)) {
    count_up(found->left.ns > 0 ? kCacheHits : kStale);
    part.done = true;
    part.records.bytes.assign(found->records.begin(), found->records.end());
    part.records.ttl = static_cast<std::uint32_t>(std::max<std::int64_t>(found->left.s(), 1));
    if (found->error) part.error = Error(*found->error);
    return;
  }
  if (resolve_special(lower, part)) return;
  if (servers_.count() == 0) return fail_with(NameErrc::kNoServers);
  Question* question = question_for(lookup.current_, part.type);
  if (question == nullptr) return fail_with(NameErrc::kBusy);
  part.question = static_cast<std::uint8_t>(question - questions_->data());
  if (question->active) return;
  *question = Question{};
  question->active = true;
  question->type = part.type;
  question->name = question->target = lookup.current_;
  question->ends = now + kLifetime;
  if (found) question->stale_at = now + kStaleAfter;
  next_server(*question, now);
}

// The question that is being asked already, or a free place.
Engine::Question* Engine::question_for(const dns::Name& name, Type type) {
  for (Question& each : *questions_) {
    if (each.active && each.type == type && dns::same_name(each.name, name)) return &each;
  }
  for (int i = 0; i < 2; ++i) {
    for (Question& each : *questions_) {
      if (!each.active) return &each;
    }
    abandon_unused();
  }
  return nullptr;
}

// Ends the questions whose callers are gone.
void Engine::abandon_unused() {
  for (std::size_t i = 0; i < kQuestions; ++i) {
    Question& question = (*questions_)[i];
    const auto waits = [&](const Part& part) { return !part.done && part.question == i; };
    bool used = false;
    for (Lookup& each : lookups_) used = used || std::ranges::any_of(each.parts(), waits);
    if (used) continue;
    for (Attempt& attempt : question.attempts) close(question, attempt);
    question.active = false;
  }
}

// Completes the parts that wait for a question.
void Engine::deliver(std::size_t question, const std::optional<Error>& error,
                     const sig::RecordSet& records, Instant now) {
  for (auto next = lookups_.begin(); next != lookups_.end();) {
    Lookup& lookup = *next;
    ++next;  // settle() may unlink the lookup
    bool changed = false;
    for (Part& part : std::span(lookup.parts_).first(lookup.count_)) {
      if (part.done || part.question != question) continue;
      part.done = changed = true;
      part.error = error;
      part.records = records;
    }
    if (changed) settle(lookup, now);
  }
}

// Delivers the stale answer, if there is one (RFC 8767 section 4: with a TTL of 30 s).
bool Engine::deliver_stale(Question& question, Instant now) {
  const dns::LowerName name(question.name.wire());
  const Cache::Key key = Cache::key(cache_.hash(name), name, question.type);
  const auto found = cache_.find(key, now);
  if (!found || found->error) return false;
  count_up(kStale);
  cache_.postpone(key, now + kStaleRetry);
  sig::RecordSet records{.ttl = static_cast<std::uint32_t>(kStaleRetry.s())};
  records.bytes.assign(found->records.begin(), found->records.end());
  deliver(static_cast<std::size_t>(&question - questions_->data()), std::nullopt, records, now);
  return true;
}

// Completes a lookup that has all that it waits for, or goes on with the next candidate.
void Engine::settle(Lookup& lookup, Instant now) {
  const auto parts = std::span(lookup.parts_).first(lookup.count_);
  const auto useful = [](const Part& part) { return part.done && !part.error; };
  const bool any = std::ranges::any_of(parts, useful);
  const bool all = std::ranges::all_of(parts, &Part::done);
  if (!all && now < lookup.grace_ends_) {
    if (lookup.grace_ends_.is_never() && any) lookup.grace_ends_ = now + kGrace;
    return;
  }
  // A failure may concern only the domain that completed the name.
  const auto elsewhere = [](const Part& part) {
    return part.error &&
           (part.error->is(NameErrc::kNotFound) || part.error->is(NameErrc::kNoData) ||
            part.error->is(NameErrc::kServersFailed));
  };
  if (std::ranges::all_of(parts, elsewhere) && now < lookup.last_start_ && next_candidate(lookup)) {
    for (Part& part : parts) part = {.type = part.type};
    return ask_all(lookup, now);
  }
  for (Part& part : parts) {
    if (!part.done) part = {.type = part.type, .done = true, .error = Error(NameErrc::kNoAnswer)};
  }
  lookup.done_ = true;
  lookup.unlink();
  if (&lookup != starting_) outside_->done(lookup);
}

}  // namespace fata::resolver
