#include "fata/eyeballs/connector.hpp"

namespace fata::eyeballs {

void Race::looked_up(Family family, const Result<sig::RecordSet>& records) {
  if (!records) {
    engine_.unresolved(family, records.error());
  } else {
    std::array<IpAddress, Engine::kMaxAddresses> addresses;
    std::size_t count = 0;
    sig::RecordReader reader(*records);
    for (Bytes rdata; count != addresses.size() && reader.next(rdata);) {
      addresses[count++] = IpAddress::of_octets(rdata);
    }
    engine_.resolved(family, std::span(addresses).first(count), loop_->now());
  }
  changed_.notify_all();
}

void Race::connected(std::size_t number) {
  engine_.connected(number);
  changed_.notify_all();
}

void Race::failed(std::size_t number, const Error& error) {
  engine_.failed(number, error, loop_->now());
  changed_.notify_all();
}

async::Task<Result<std::size_t>> Race::run(std::string_view host, async::Wait wait) {
  const std::optional<IpAddress> address = IpAddress::parse(host);
  for (const Family each : {Family::kV6, Family::kV4}) {
    if (address) {
      engine_.resolved(each, std::span(&*address, 1), loop_->now());
    } else {
      lookups_[static_cast<std::size_t>(each)].emplace(look_up(each));
    }
  }
  for (;;) {
    while (const auto number = engine_.next(loop_->now()))
      attempts_[*number].emplace(attempt(*number));
    if (const auto winner = engine_.winner()) co_return *winner;
    if (engine_.over()) co_return fail(engine_.error());
    const Instant next = std::min(engine_.next_deadline(), wait.deadline);
    const auto woken = co_await changed_.wait(async::Wait::until(next, wait.token));
    if (!woken && (woken.error() != async::Errc::kTimedOut || next == wait.deadline))
      co_return fail(Error(woken.error()));
  }
}

void log_failures(const Logger& log, std::string_view host, const Engine& engine,
                  const Error& reason) {
  if (engine.attempts() == 0 || reason.is(async::Errc::kCancelled)) return;
  if (!log.enabled(log::Level::kWarning)) return;
  Text<400> failures;
  engine.write_failures(failures);
  log.warning(host, ": ", failures.view());
}

}  // namespace fata::eyeballs
