// Reads any bytes as a message: the codec must reproduce the message that it read, and the engine
// must send a complete message of allowed size or nothing.
#include <array>
#include <vector>

#include "../test/zones.hpp"
#include "fata/base/panic.hpp"
#include "fata/dns/engine.hpp"
#include "fata/dns/message.hpp"
#include "fata/dns/rdata.hpp"

namespace {

using namespace fata;

dns::Engine& engine() {
  static dns::Engine served = [] {
    dns::Engine engine;
    for (const std::string_view text : {dns::kExampleZone, dns::kChildZone, dns::kSignedZone}) {
      check(engine.load("zone", text).has_value(), "the zone loads");
    }
    engine.build();
    return engine;
  }();
  return served;
}

struct NoClock {
  Instant now() { return {}; }
  WallTime wall() { return {1'700'000'000'000'000'000}; }
  Duration wall_error() { return kInfinite; }
};

// Returns a guard with cookies only, or one that limits nearly every answer.
dns::Guard& guard(bool limiting) {
  static NoClock clock;
  static constexpr std::array<std::byte, dns::Guard::kSeedSize> kSeed{std::byte{1}, std::byte{2}};
  static std::array<dns::Guard, 2> guards{dns::Guard({0}, {}, kSeed, &clock),
                                          dns::Guard({1}, {}, kSeed, &clock)};
  return guards[limiting ? 1 : 0];
}

// Compression may change the case of names, so bytes are compared without regard to case.
void append_lower(std::vector<std::byte>& to, Bytes from) {
  for (const std::byte octet : from) {
    const auto c = static_cast<unsigned char>(octet);
    to.push_back(static_cast<std::byte>(c >= 'A' && c <= 'Z' ? c + 32 : c));
  }
}

// Reads a whole message; false if it is malformed. Appends its content to `summary`, and writes it
// to `writer`.
bool read_whole(Bytes message, dns::Writer* writer, std::vector<std::byte>* summary) {
  dns::Reader reader(message);
  const auto header = reader.header();
  if (!header) return false;
  if (writer != nullptr) writer->bytes(message.first(dns::kHeaderSize));
  for (unsigned i = 0; i < header->questions; ++i) {
    const auto question = reader.question();
    if (!question) return false;
    if (writer != nullptr) writer->question(question->name, question->type, question->klass);
  }
  // Static: allocating it would take most of a run's time.
  static std::vector<std::byte> rdata(65535);
  const unsigned records = header->answers + header->authorities + header->additionals;
  for (unsigned i = 0; i < records; ++i) {
    const auto record = reader.record();
    if (!record) return false;
    const auto size = dns::expand_rdata(message, *record, rdata);
    if (!size) return false;
    const Bytes expanded = Bytes(rdata).first(*size);
    check(dns::valid_rdata(record->type, expanded), "expanded rdata is valid");
    if (summary != nullptr) {
      append_lower(*summary, record->owner.wire());
      append_lower(*summary, expanded);
    }
    if (writer == nullptr) continue;
    const std::size_t mark = writer->begin_record(
        record->owner, record->type, static_cast<dns::Class>(record->klass), record->ttl);
    writer->rdata(record->type, expanded);
    writer->end_rdata(mark);
  }
  return reader.at_end();
}

void try_codec(Bytes message) {
  static std::vector<std::byte> memory(65535);
  std::vector<std::byte> before, after;
  dns::Writer writer(memory);
  if (!read_whole(message, &writer, &before) || !writer.ok()) return;
  check(read_whole(writer.written(), nullptr, &after), "a message that was written can be read");
  check(before == after, "what was written is what was read");
}

void try_engine(Bytes message, dns::Transport transport) {
  static std::array<std::vector<std::byte>, 2> outs{std::vector<std::byte>(65535),
                                                    std::vector<std::byte>(65535)};
  const std::size_t room = transport == dns::Transport::kUdp ? 1400 : 65535;
  const MutableBytes out = MutableBytes(outs[0]).first(room);
  const IpAddress client = Ipv4Address::of(192, 0, 2, 1);
  if (const std::size_t size = engine().answer(message, out, transport, &guard(true), client);
      size != 0)
    check(read_whole(out.first(size), nullptr, nullptr), "what slips through is a whole message");
  dns::Guard* const cookies =
      !message.empty() && (message[0] & std::byte{1}) != std::byte{0} ? &guard(false) : nullptr;
  const std::size_t size = engine().answer(message, out, transport, cookies, client);
  if (size == 0) return;
  const Bytes answer = out.first(size);
  check(size <= 1232 || transport == dns::Transport::kTcp, "a UDP answer is within its bound");
  check(equal_bytes(answer.first(2), message.first(2)), "the id is the query's");
  check(read_whole(answer, nullptr, nullptr), "an answer is a whole message");
  const MutableBytes batch_out = MutableBytes(outs[1]).first(room);
  std::array<dns::Exchange, 1> batch{{{.query = message, .out = batch_out, .client = &client}}};
  engine().answer_batch(batch, transport, cookies);
  check(equal_bytes(batch_out.first(batch[0].size), answer), "a batch answers as one query does");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes message = std::as_bytes(danger_span(data, size));
  try_codec(message);
  try_engine(message, dns::Transport::kUdp);
  try_engine(message, dns::Transport::kTcp);
  return 0;
}
