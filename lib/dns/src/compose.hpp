// Composes an answer from the index in the general case: the algorithm of RFC 1034 section 4.3.2,
// with wildcards (RFC 4592), DNAME (RFC 6672), negative answers (RFC 2308) and minimal ANY (RFC
// 8482).
#pragma once

#include <array>

#include "fata/dns/message.hpp"
#include "index.hpp"

namespace fata::dns {

class Composer {
 public:
  // `out` already holds the header and question (whose names it has registered).
  Composer(const Index& index, Writer& out, bool dnssec_ok)
      : index_(index), out_(out), dnssec_ok_(dnssec_ok) {}

  // `name` is the question's, in its original case.
  Rcode run(const Name& name, const LowerName& lower_name, Type type);

  // Adds the authority section of a negative answer for `name` in that zone.
  void negative(std::size_t zone, const Name& name);

  bool authoritative() const { return authoritative_; }
  bool truncated() const { return truncated_; }
  std::uint16_t count(Section section) const { return counts_[static_cast<std::size_t>(section)]; }

 private:
  static constexpr std::size_t kMaxChain = 16;
  enum class Step : std::uint8_t { kDone, kFollow };

  std::size_t first_zone() const;
  Step step();
  Step from_node(const NodeView& node);
  Step missing();
  Step referral(const NodeView& cut);
  Step redirect(const NodeView& owner, const SetView& dname);
  Step any(const NodeView& node);
  Step no_data(const NodeView& node);
  void add_soa();
  Step follow(const Name& target);
  // Adds a whole set with its signatures. False if it does not fit; then nothing of it remains.
  bool add(const NodeView& node, const SetView& set, Bytes owner, Section section);
  bool add_records(const SetView& set, Bytes owner, Section section);
  bool gave_dname(const NodeView& owner) const;
  void add_additional();
  bool add_addresses(const NodeView& node, Bytes owner);
  void add_targets(bool necessary);
  NodeView target_node(Bytes target) const;
  void add_service(Bytes target);
  void add_services();
  Step truncate();

  const Index& index_;
  Writer& out_;
  bool dnssec_ok_;
  bool authoritative_ = false;
  bool truncated_ = false;
  Rcode rcode_ = Rcode::kNoError;
  Type type_{};
  std::size_t zone_ = kNoZone;
  Name name_;  // of the current step
  LowerName lower_;
  std::array<std::uint16_t, 3> counts_{};
  // Hashes of the visited names; a false match only ends a chain early.
  std::array<std::uint64_t, kMaxChain> visited_;
  std::size_t visited_count_ = 0;
  // Names of the nodes whose DNAME is in the answer.
  std::array<const std::byte*, kMaxChain + 1> dnames_{};
  std::size_t dname_count_ = 0;
  // The set whose targets belong in the additional section, and its node.
  SetView asked_{};
  NodeView asked_at_;
  // For a referral: the delegation's name. Glue below it must fit (RFC 9471).
  Bytes cut_;
};

}  // namespace fata::dns
