#include "fata/dns/engine.hpp"

#include <algorithm>
#include <vector>

#include "compose.hpp"
#include "fata/base/panic.hpp"
#include "index.hpp"
#include "query.hpp"

namespace fata::dns {

namespace {
enum Count : std::size_t {
  kQueries,
  kDropped,
  kTruncated,
  kNoError,
  kFormErr,
  kServFail,
  kNxDomain,
  kNotImp,
  kRefused,
  kYxDomain,
  kBadVers,
  kBadCookie,
  kCounts
};

constexpr Count count_of(Rcode rcode) {
  switch (rcode) {
    case Rcode::kNoError:
      return kNoError;
    case Rcode::kFormErr:
      return kFormErr;
    case Rcode::kServFail:
      return kServFail;
    case Rcode::kNxDomain:
      return kNxDomain;
    case Rcode::kNotImp:
      return kNotImp;
    case Rcode::kRefused:
      return kRefused;
    case Rcode::kYxDomain:
      return kYxDomain;
    case Rcode::kBadCookie:
      return kBadCookie;
    default:
      return kBadVers;
  }
}

// Number of records per section.
struct Counts {
  std::uint16_t answers = 0, authorities = 0, additionals = 0;
};

bool is_truncated(Bytes response) {
  return (load_be<std::uint16_t>(response.subspan(2, 2)) & flag::kTruncated) != 0;
}
}  // namespace

struct Engine::Parts {
  explicit Parts(const EngineOptions& options) : options(options) {}

  void guard_with(Guard* given, Transport transport);
  std::size_t reply(Query& query, MutableBytes out, Transport transport, const IpAddress* client);
  void append_cookie(const Query& query, MutableBytes out, std::size_t& size);
  std::size_t take_cookie(Query& query, MutableBytes out, const IpAddress& client, bool& known);
  std::size_t limit(const Query& query, MutableBytes out, std::size_t size, const IpAddress& client,
                    ResponseClass kind);
  ResponseClass class_of_response() const;
  void uncount(Bytes response);
  std::size_t answer(const Query& query, MutableBytes out, Transport transport);
  std::size_t quick(const Query& query, MutableBytes out);
  std::size_t quick_missing(const Query& query, MutableBytes out);
  std::size_t copy(const Query& query, MutableBytes out, std::uint32_t reference, std::size_t base,
                   std::uint16_t flags);
  std::size_t verbatim(const Query& query, MutableBytes out, const SetView& set);
  std::size_t compose(const Query& query, MutableBytes out);
  std::size_t refuse(const Query& query, MutableBytes out, Rcode rcode);
  std::size_t respond(const Query& query, MutableBytes out, std::uint16_t flags, Counts counts,
                      std::size_t size, Rcode rcode);

  EngineOptions options;
  Index index;
  std::vector<std::unique_ptr<ZoneLoad>> loads;
  bool built = false;
  // State of the current batch.
  static constexpr std::size_t kAtOnce = 16;
  std::array<Query, kAtOnce> queries;
  std::array<bool, kAtOnce> wanted;
  Guard* guard = nullptr;
  RateLimiter* limiter = nullptr;  // null: no limit
  Cookie cookie;                   // of the current response, if its OPT record has room for one
  Rcode outcome{};                 // of the current response
  std::uint16_t answers = 0;
  std::array<Counter, kCounts> counters{{{"queries"},
                                         {"dropped"},
                                         {"truncated"},
                                         {"noerror"},
                                         {"formerr"},
                                         {"servfail"},
                                         {"nxdomain"},
                                         {"notimp"},
                                         {"refused"},
                                         {"yxdomain"},
                                         {"badvers"},
                                         {"badcookie"}}};
};

// Completes an answer whose question and records are in `out` up to `size`: header, OPT record,
// counters.
std::size_t Engine::Parts::respond(const Query& query, MutableBytes out, std::uint16_t flags,
                                   Counts counts, std::size_t size, Rcode rcode) {
  const auto code = static_cast<std::uint16_t>(rcode);
  // RD is known to mean RD only in a query (RFC 8906 section 8.1.4); other opcodes arrive here as
  // NOTIMP.
  const std::uint16_t copied =
      flag::kOpcodeMask | (rcode == Rcode::kNotImp ? 0 : flag::kRecursionDesired);
  flags |= flag::kResponse | (query.flags & copied) | (code & 0xf);
  std::memcpy(out.first(2).data(), query.message.first(2).data(), 2);
  store_be(out.subspan(2, 2), flags);
  const std::uint64_t questions = query.question_end == kHeaderSize ? 0 : 1;
  const std::uint64_t additionals = std::uint64_t{counts.additionals} + (query.has_edns() ? 1 : 0);
  store_be(out.subspan(4, 8), questions << 48 | std::uint64_t{counts.answers} << 32 |
                                  std::uint64_t{counts.authorities} << 16 | additionals);
  if (query.has_edns()) {
    ByteWriter opt(out.subspan(size, kOptSize));
    opt.u8(0);
    opt.u16(static_cast<std::uint16_t>(Type::kOpt));
    opt.u16(options.udp_payload);
    opt.u8(static_cast<std::uint8_t>(code >> 4));
    opt.u8(0);
    opt.u16(query.edns.dnssec_ok ? 0x8000 : 0);
    opt.u16(0);
    size += kOptSize;
  }
  outcome = rcode;
  answers = counts.answers;
  ++counters[count_of(rcode)];
  if ((flags & flag::kTruncated) != 0) ++counters[kTruncated];
  return size;
}

// Appends the cookie to the OPT record at the response's end, if room was left for it.
[[clang::minsize]] void Engine::Parts::append_cookie(const Query& query, MutableBytes out,
                                                     std::size_t& size) {
  if (query.opt_size <= kOptSize) return;
  ByteWriter option(out.subspan(size - 2, 2 + 4 + kCookieSize));
  option.u16(4 + kCookieSize);
  option.u16(kCookieOption);
  option.u16(kCookieSize);
  option.bytes(cookie);
  size += 4 + kCookieSize;
}

std::size_t Engine::Parts::refuse(const Query& query, MutableBytes out, Rcode rcode) {
  copy_bytes(out, query.message.first(query.question_end));
  return respond(query, out, 0, {}, query.question_end, rcode);
}

// Copies a set's records, whose owners are pointers to the question's name.
[[gnu::always_inline]] inline std::size_t Engine::Parts::verbatim(const Query& query,
                                                                  MutableBytes out,
                                                                  const SetView& set) {
  const std::size_t size = query.question_end + set.records.size();
  if (size + query.opt_size > out.size()) return 0;
  copy_bytes(out, query.message.first(query.question_end));
  copy_bytes(out.subspan(query.question_end), set.records);
  return respond(query, out, flag::kAuthoritative,
                 {.answers = set.head.count, .authorities = 0, .additionals = 0}, size,
                 Rcode::kNoError);
}

// Copies a prepared answer made for a name of `base` octets, a suffix of the question's name.
// `flags` includes the rcode. Returns 0 if the answer does not fit.
std::size_t Engine::Parts::copy(const Query& query, MutableBytes out, std::uint32_t reference,
                                std::size_t base, std::uint16_t flags) {
  [[clang::uninitialized]] const PreparedView prepared = index.prepared(reference);
  const std::size_t size = query.question_end + prepared.bytes.size();
  if (size + query.opt_size > out.size()) return 0;
  copy_bytes(out, query.message.first(query.question_end));
  const MutableBytes records = out.subspan(query.question_end, prepared.bytes.size());
  copy_bytes(records, prepared.bytes);
  if (const std::size_t shift = query.name.wire().size() - base; shift != 0) {
    for (std::size_t i = 0; i < prepared.offsets.size(); i += 2) {
      const MutableBytes at =
          records.subspan(load_be<std::uint16_t>(prepared.offsets.subspan(i, 2)), 2);
      store_be(at, static_cast<std::uint16_t>(load_be<std::uint16_t>(at) + shift));
    }
  }
  return respond(query, out, flags & ~0xfU,
                 {prepared.answers, prepared.authorities, prepared.additionals}, size,
                 static_cast<Rcode>(flags & 0xf));
}

// Answers the common cases by copying. Returns 0 if the answer must be composed.
[[gnu::always_inline]] inline std::size_t Engine::Parts::quick(const Query& query,
                                                               MutableBytes out) {
  if (query.type == Type::kAny || query.type == Type::kRrsig || query.type == Type::kDs) return 0;
  const std::uint32_t reference = index.find(query.hash, query.name.wire());
  if (reference == 0) return quick_missing(query, out);
  const NodeView node = index.node(reference);
  const Index::ZoneEntry& zone = index.zone(node.zone());
  if (node.has(node_flag::kOccluded)) return quick_missing(query, out);
  if (query.edns.dnssec_ok && zone.has_dnssec) return 0;
  Type type = query.type;
  const bool cut = node.has(node_flag::kCut), alias = !cut && node.has(node_flag::kCname);
  if (cut) type = Type::kNs;
  if (alias) {
    if (type != Type::kA && type != Type::kAaaa) return 0;
    type = Type::kCname;
  }
  SetView set;
  bool found;
  [[clang::always_inline]] found = node.find(type, set);
  if (found) {
    const std::uint32_t prepared = set.head.prepared;
    if (prepared == Index::kCompose) return 0;
    if (prepared == Index::kVerbatim) return cut || alias ? 0 : verbatim(query, out, set);
    return copy(query, out,
                alias && query.type == Type::kAaaa ? index.prepared_after(prepared) : prepared,
                node.name().size(), cut ? 0 : flag::kAuthoritative);
  }
  if (cut || alias) return 0;
  if (zone.negative == Index::kCompose) return 0;
  return copy(query, out, zone.negative, zone.apex_size, flag::kAuthoritative);
}

std::size_t Engine::Parts::quick_missing(const Query& query, MutableBytes out) {
  const std::size_t number = index.zone_of(query.name);
  if (number == kNoZone) return refuse(query, out, Rcode::kRefused);
  const Index::ZoneEntry& zone = index.zone(number);
  if (query.edns.dnssec_ok && zone.has_dnssec) return 0;
  const NodeView encloser = index.closest_encloser(number, query.name).node;
  if (encloser.has(node_flag::kCut)) {
    SetView set;
    if (!encloser.find(Type::kNs, set) || set.head.prepared <= Index::kVerbatim) return 0;
    return copy(query, out, set.head.prepared, encloser.name().size(), 0);
  }
  if (encloser.has(node_flag::kDname | node_flag::kWildcardChild) ||
      zone.negative == Index::kCompose)
    return 0;
  return copy(query, out, zone.negative, zone.apex_size,
              flag::kAuthoritative | static_cast<std::uint16_t>(Rcode::kNxDomain));
}

std::size_t Engine::Parts::compose(const Query& query, MutableBytes out) {
  [[clang::uninitialized]] const auto name =
      Name::from_wire(query.message.subspan(kHeaderSize, query.question_end - 4 - kHeaderSize));
  if (!name) return refuse(query, out, Rcode::kFormErr);
  [[clang::uninitialized]] Writer writer(out);
  writer.reserve_tail(query.opt_size);
  writer.bytes(query.message.first(kHeaderSize));
  writer.question(*name, query.type, query.klass);
  [[clang::uninitialized]] Composer composer(index, writer, query.edns.dnssec_ok);
  const Rcode rcode = composer.run(*name, query.name, query.type);
  std::uint16_t flags = composer.authoritative() ? flag::kAuthoritative : 0;
  if (composer.truncated()) flags |= flag::kTruncated;
  return respond(query, out, flags,
                 {composer.count(Section::kAnswer), composer.count(Section::kAuthority),
                  composer.count(Section::kAdditional)},
                 writer.position(), rcode);
}

[[gnu::always_inline]] inline std::size_t Engine::Parts::answer(const Query& query,
                                                                MutableBytes out,
                                                                Transport transport) {
  std::size_t limit = kMaxMessage;
  if (transport == Transport::kUdp) {
    limit = kPlainUdpSize;
    if (query.has_edns()) {
      limit = std::max<std::size_t>(limit, std::min(query.edns.payload, options.udp_payload));
    }
  }
  out = out.first(std::min(out.size(), limit));
  if (query.verdict != Rcode::kNoError) return refuse(query, out, query.verdict);
  if (const std::size_t size = quick(query, out); size != 0) return size;
  return compose(query, out);
}

// Sets `cookie` for the response and reserves room for it in the OPT record. `known` is set to
// whether the query's own cookie is valid, which proves the client's address. Returns the size of
// the response if the query requests only a cookie.
[[gnu::noinline, clang::minsize]] std::size_t Engine::Parts::take_cookie(Query& query,
                                                                         MutableBytes out,
                                                                         const IpAddress& client,
                                                                         bool& known) {
  if (query.edns.version != 0 || !valid_cookie_size(query.edns.cookie_size)) return 0;
  query.opt_size = kOptSize + 4 + kCookieSize;
  known = guard->cookies().check(query.cookie(), client, guard->seconds(), cookie);
  if (!query.asks_for_cookie) return 0;
  const bool only_client = query.edns.cookie_size == kClientCookieSize;
  return refuse(query, out, known || only_client ? Rcode::kNoError : Rcode::kBadCookie);
}

ResponseClass Engine::Parts::class_of_response() const {
  if (outcome == Rcode::kNoError)
    return answers != 0 ? ResponseClass::kPositive : ResponseClass::kNoData;
  return outcome == Rcode::kNxDomain ? ResponseClass::kNxDomain : ResponseClass::kError;
}

void Engine::Parts::guard_with(Guard* given, Transport transport) {
  guard = given;
  limiter = given != nullptr && transport == Transport::kUdp ? given->limiter() : nullptr;
}

// Responses that are not sent do not count.
[[gnu::noinline, clang::minsize]] void Engine::Parts::uncount(Bytes response) {
  counters[count_of(outcome)].value -= 1;
  if (is_truncated(response)) counters[kTruncated].value -= 1;
}

// Answers a query, subject to the guard.
std::size_t Engine::Parts::reply(Query& query, MutableBytes out, Transport transport,
                                 const IpAddress* client) {
  bool known = false;
  std::size_t size = 0;
  if (query.cookie_at != 0 && guard != nullptr) [[unlikely]]
    size = take_cookie(query, out, *client, known);
  if (size == 0) [[likely]]
    size = answer(query, out, transport);
  if (query.opt_size > kOptSize) [[unlikely]] {
    // Over TCP, a record set takes precedence over a cookie.
    if (transport == Transport::kTcp && is_truncated(out)) {
      uncount(out);
      query.opt_size = kOptSize;
      query.cookie_at = 0;
      return reply(query, out, transport, client);
    }
    append_cookie(query, out, size);
  }
  if (limiter == nullptr || known) return size;
  // Exempt clients must not spend the credit of others in their prefix. Loopback is checked later,
  // by limit(): all its clients are exempt.
  if (guard->has_exemptions() && guard->exempt(*client)) [[unlikely]]
    return size;
  const ResponseClass kind = class_of_response();
  if (limiter->admit(*client, kind)) [[likely]]
    return size;
  return limit(query, out, size, *client, kind);
}

// Withholds the response of `size` octets in `out`, or lets every second one through without its
// records: truncated, or as BADCOOKIE if the client uses cookies (RFC 7873 section 5.2.3).
[[gnu::noinline, clang::minsize]] std::size_t Engine::Parts::limit(const Query& query,
                                                                   MutableBytes out,
                                                                   std::size_t size,
                                                                   const IpAddress& client,
                                                                   ResponseClass kind) {
  if (guard->exempt(client)) return size;
  guard->count(Guard::kLimited);
  uncount(out);
  if (limiter->excess(client, kind) == RateLimiter::Excess::kDrop) return 0;
  guard->count(Guard::kSlipped);
  if (query.opt_size > kOptSize) {
    size = refuse(query, out, Rcode::kBadCookie);
    append_cookie(query, out, size);
    return size;
  }
  // A truncated answer does not reveal whether the name exists.
  const Rcode rcode = kind == ResponseClass::kError ? outcome : Rcode::kNoError;
  return respond(query, out, flag::kTruncated, {}, query.question_end, rcode);
}

[[clang::minsize]] Engine::Engine(const EngineOptions& options)
    : parts_(std::make_unique<Parts>(options)) {}
Engine::~Engine() = default;
[[clang::minsize]] Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

[[clang::minsize]] Result<LoadedZone, Diagnostic> Engine::load(std::string_view file,
                                                               std::string_view text,
                                                               const LoadOptions& options) {
  check(!parts_->built, "dns: a zone is loaded after build()");
  auto zone = std::make_unique<ZoneLoad>();
  [[clang::uninitialized]] const auto loaded = zone->load(file, text, options);
  if (!loaded) return loaded;
  if (options.apex != nullptr && !same_name(*options.apex, zone->apex())) {
    return fail(
        Diagnostic{file, 1, "the SOA record is not at the name that was given for the zone", {}});
  }
  for (auto& other : parts_->loads) {
    if (!same_name(other->apex(), zone->apex())) continue;
    if (!other->broken())
      return fail(Diagnostic{file, 1, "this zone is loaded already, from another file", {}});
    other = std::move(zone);
    return loaded;
  }
  parts_->loads.push_back(std::move(zone));
  return loaded;
}

[[clang::minsize]] void Engine::load_failed(const Name& apex) {
  check(!parts_->built, "dns: a zone is loaded after build()");
  for (const auto& other : parts_->loads) {
    if (same_name(other->apex(), apex)) return;
  }
  auto zone = std::make_unique<ZoneLoad>();
  zone->make_broken(apex);
  parts_->loads.push_back(std::move(zone));
}

[[clang::minsize]] std::optional<Name> zone_name(std::string_view file, std::string_view text,
                                                 const LoadOptions& options) {
  [[clang::uninitialized]] ZoneParser parser(file, text, options.origin, options.includes);
  [[clang::uninitialized]] ZoneRecord record;
  for (;;) {
    [[clang::uninitialized]] const auto more = parser.next(record);
    if (!more || !*more) break;
    if (record.type != Type::kSoa) continue;
    if ([[clang::uninitialized]] const auto owner = Name::from_wire(record.owner)) return *owner;
  }
  if (parser.first_origin()) return parser.first_origin();
  return options.origin == nullptr ? std::nullopt : std::optional<Name>(*options.origin);
}

[[clang::minsize]] void Engine::build() {
  check(!parts_->built, "dns: build() is called twice");
  std::size_t records = 0;
  for (const auto& zone : parts_->loads) records += zone->record_count();
  parts_->index.build(parts_->loads);
  parts_->loads.clear();
  parts_->loads.shrink_to_fit();
  parts_->built = true;
  constexpr std::size_t kAlways = 16384;  // small zones are prepared whole
  const std::size_t per_record = parts_->options.prepared_bytes_per_record;
  parts_->index.prepare(per_record == 0 ? 0 : kAlways + records * per_record);
}

std::size_t Engine::answer(Bytes message, MutableBytes out, Transport transport, Guard* guard,
                           const IpAddress& client) {
  parts_->guard_with(guard, transport);
  ++parts_->counters[kQueries];
  Query& query = parts_->queries[0];
  if (out.size() < kMinAnswerRoom || !read_query(message, query)) {
    ++parts_->counters[kDropped];
    return 0;
  }
  return parts_->reply(query, out, transport, &client);
}

void Engine::answer_batch(std::span<Exchange> exchanges, Transport transport, Guard* guard) {
  // Three passes over a few queries each: the memory prefetched in one pass has arrived by the
  // next.
  Parts& parts = *parts_;
  parts.guard_with(guard, transport);
  while (!exchanges.empty()) {
    const auto some = exchanges.first(std::min(Parts::kAtOnce, exchanges.size()));
    for (std::size_t i = 0; i < some.size(); ++i) {
      Query& query = parts.queries[i];
      query.hash = 0;
      parts.wanted[i] = some[i].out.size() >= kMinAnswerRoom && read_query(some[i].query, query);
      if (parts.wanted[i]) parts.index.prefetch_slot(query.hash);
    }
    for (std::size_t i = 0; i < some.size(); ++i) {
      if (parts.wanted[i]) parts.index.prefetch_node(parts.queries[i].hash);
    }
    parts.counters[kQueries].value += some.size();
    for (std::size_t i = 0; i < some.size(); ++i) {
      if (!parts.wanted[i]) ++parts.counters[kDropped];
      some[i].size = parts.wanted[i]
                         ? parts.reply(parts.queries[i], some[i].out, transport, some[i].client)
                         : 0;
    }
    exchanges = exchanges.subspan(some.size());
  }
}

std::span<const Counter> Engine::counters() const { return parts_->counters; }
std::size_t Engine::memory() const { return parts_->index.size(); }

}  // namespace fata::dns
