#include "fata/resolver/answer.hpp"

#include <array>
#include <memory>

#include "fata/dns/rdata.hpp"

namespace fata::resolver {

using dns::RecordView;
using dns::Type;

namespace {

// RFC 2181 section 8: a TTL with its highest bit set is zero.
std::uint32_t ttl_of(const RecordView& record) {
  return record.ttl >> 31 != 0 ? 0 : std::min(record.ttl, kMaxTtl);
}

bool is_internet(const RecordView& record) {
  return record.klass == static_cast<std::uint16_t>(dns::Class::kIn);
}

// Positions of a response's sections.
struct Sections {
  dns::Header header;
  std::size_t answers = 0;
  std::size_t authorities = 0;
  unsigned rcode = 0;
};

Result<Sections, dns::Errc> sections_of(Bytes message) {
  dns::Reader reader(message);
  const auto header = reader.header();
  if (!header) return fail(header.error());
  if (header->answers > kMaxAnswerRecords) return fail(dns::Errc::kNoRoom);
  for (unsigned i = 0; i < header->questions; ++i) {
    if (const auto question = reader.question(); !question) return fail(question.error());
  }
  Sections sections{.header = *header, .answers = reader.position(), .rcode = header->rcode()};
  for (unsigned i = 0; i < header->answers; ++i) {
    if (const auto record = reader.record(); !record) return fail(record.error());
  }
  sections.authorities = reader.position();
  for (unsigned i = 0; i < header->authorities; ++i) {
    if (const auto record = reader.record(); !record) return fail(record.error());
  }
  for (unsigned i = 0; i < header->additionals; ++i) {
    const auto record = reader.record();
    if (!record) return fail(record.error());
    if (record->type != Type::kOpt) continue;
    const auto edns = dns::read_edns(*record);
    if (!edns) return fail(edns.error());
    sections.rcode |= static_cast<unsigned>(edns->extended_rcode) << 4;
  }
  return sections;
}

// One step along the chain: the records of the type at `name`, or the alias there.
struct Step {
  bool alias = false;
  dns::Name target;
  std::uint32_t alias_ttl = 0;
};

Result<Step, dns::Errc> collect(Bytes message, const Sections& sections, const dns::Name& name,
                                Type type, MutableBytes scratch, sig::RecordSet& set) {
  Step step;
  dns::Reader reader(message);
  reader.seek(sections.answers);
  for (unsigned i = 0; i < sections.header.answers; ++i) {
    const auto record = reader.record();
    if (!record) return fail(record.error());
    if (!is_internet(*record) || !dns::same_name(record->owner, name)) continue;
    if (record->type == type) {
      const auto size = dns::expand_rdata(message, *record, scratch);
      if (!size) return fail(size.error());
      if (set.bytes.size() + *size + 2 > kMaxSet) return fail(dns::Errc::kNoRoom);
      set.ttl = set.empty() ? ttl_of(*record) : std::min(set.ttl, ttl_of(*record));
      set.add(scratch.first(*size));
    } else if (record->type == Type::kCname && !step.alias) {
      const auto size = dns::expand_rdata(message, *record, scratch);
      if (!size) return fail(size.error());
      const auto target = dns::Name::from_wire(scratch.first(*size));
      if (!target) return fail(target.error());
      step = {.alias = true, .target = *target, .alias_ttl = ttl_of(*record)};
    }
  }
  return step;
}

// The SOA record that makes a negative answer one (RFC 2308 section 2.2).
struct NegativeProof {
  bool found = false;
  std::uint32_t ttl = 0;
};

NegativeProof negative_proof(Bytes message, const Sections& sections, const dns::Name& name,
                             MutableBytes scratch) {
  dns::Reader reader(message);
  reader.seek(sections.authorities);
  for (unsigned i = 0; i < sections.header.authorities; ++i) {
    const auto record = reader.record();
    if (!record) return {};
    if (record->type != Type::kSoa || !is_internet(*record) ||
        !dns::is_under(name, record->owner)) {
      continue;
    }
    const auto size = dns::expand_rdata(message, *record, scratch);
    if (!size) continue;
    const auto minimum = load_be<std::uint32_t>(scratch.subspan(*size - 4, 4));
    return {true, std::min({ttl_of(*record), minimum, kMaxNegativeTtl})};
  }
  return {};
}

}  // namespace

Result<Echo, dns::Errc> read_echo(Bytes message) {
  dns::Reader reader(message);
  const auto header = reader.header();
  if (!header) return fail(header.error());
  if ((header->flags & dns::flag::kResponse) == 0 || header->opcode() != 0 ||
      header->questions != 1) {
    return fail(dns::Errc::kBadRdata);
  }
  const auto question = reader.question();
  if (!question) return fail(question.error());
  return Echo{*header, *question};
}

Answer read_answer(Bytes message, const dns::Name& name, Type type) {
  Answer answer;
  answer.target = name;
  const auto sections = sections_of(message);
  if (!sections) return answer;
  answer.rcode = sections->rcode;
  const auto rcode = static_cast<dns::Rcode>(answer.rcode);
  if (rcode != dns::Rcode::kNoError && rcode != dns::Rcode::kNxDomain) {
    answer.kind = Answer::Kind::kFailed;
    return answer;
  }
  const auto memory = std::make_unique_for_overwrite<std::array<std::byte, kMaxSet>>();
  const MutableBytes scratch(*memory);
  std::uint32_t ttl = kMaxTtl;
  std::size_t aliases = 0;
  for (;; ++aliases) {
    const auto step = collect(message, *sections, answer.target, type, scratch, answer.records);
    if (!step || aliases > kMaxChain) return answer;
    if (!answer.records.empty()) {
      answer.records.ttl = std::min(answer.records.ttl, ttl);
      answer.kind = Answer::Kind::kRecords;
      return answer;
    }
    if (!step->alias) break;
    answer.target = step->target;
    ttl = std::min(ttl, step->alias_ttl);
  }
  const NegativeProof proof = negative_proof(message, *sections, answer.target, scratch);
  answer.records.ttl = std::min(ttl, proof.ttl);
  if (rcode == dns::Rcode::kNxDomain) {
    answer.kind = Answer::Kind::kNotFound;
  } else if (aliases != 0 && !proof.found) {
    answer.records.ttl = ttl;
    answer.kind = Answer::Kind::kAlias;
  } else if ((sections->header.flags &
              (dns::flag::kAuthoritative | dns::flag::kRecursionAvailable)) == 0) {
    // A referral from a server that is neither recursive nor responsible for the name.
    answer.rcode = static_cast<unsigned>(dns::Rcode::kRefused);
    answer.kind = Answer::Kind::kFailed;
  } else {
    answer.kind = Answer::Kind::kNoData;
  }
  return answer;
}

}  // namespace fata::resolver
