// GrantTable::map(): pages of other domains, in the simulated domain.
#include <gtest/gtest.h>

#include <cstring>

#include "fata/bus/xen/grants.hpp"
#include "fata/sim/bus/xen_domain.hpp"

namespace fata::bus::xen {
namespace {

using sig::DomainErrc;
using sig::GrantAccess;
using References = std::vector<sig::GrantReference>;

struct World {
  sim::Platform platform;
  sim::XenDomain domain{platform};
  sim::ForeignPages& foreign = domain.foreign;
};

// As in a kernel, a table is never destroyed, since the addresses that it surrendered are lost.
GrantTable& new_table() {
  static auto& tables = *new std::vector<GrantTable*>;
  return *tables.emplace_back(new GrantTable(sim::XenHost::grow));
}

DomainErrc why(const Result<GrantTable::Mapping>& mapping) {
  EXPECT_FALSE(mapping);
  return mapping ? DomainErrc{} : static_cast<DomainErrc>(mapping.error().code());
}

TEST(GrantMap, APageIsTheSameMemoryForBothDomains) {
  World world;
  GrantTable& table = new_table();
  const References refs{world.foreign.share(3, false), world.foreign.share(3, false)};
  std::memcpy(world.foreign.of(refs[1]), "theirs", 6);
  {
    auto mapping = table.map(3, refs, GrantAccess::kWrite);
    ASSERT_TRUE(mapping);
    const MutableBytes memory = mapping->memory();
    ASSERT_EQ(memory.size(), 2 * sig::kGrantPage);
    EXPECT_EQ(std::memcmp(memory.subspan(sig::kGrantPage).data(), "theirs", 6), 0);
    std::memcpy(memory.data(), "ours", 4);
    EXPECT_EQ(std::memcmp(world.foreign.of(refs[0]), "ours", 4), 0);
    EXPECT_EQ(world.foreign.mapped(), 2U);
  }
  EXPECT_EQ(world.foreign.mapped(), 0U);
}

TEST(GrantMap, AddressesAreUsedAgain) {
  World world;
  GrantTable& table = new_table();
  const References refs{world.foreign.share(3, false), world.foreign.share(3, false)};
  for (int i = 0; i < 20; ++i) {
    const auto two = table.map(3, refs, GrantAccess::kRead);
    const auto one = table.map(3, std::span(refs).first(1), GrantAccess::kRead);
    ASSERT_TRUE(two && one);
    EXPECT_EQ(world.foreign.mapped(), 3U);
  }
  EXPECT_EQ(world.foreign.surrendered, 3U);
}

TEST(GrantMap, AReferenceThatIsWrongMapsNothing) {
  World world;
  GrantTable& table = new_table();
  const sig::GrantReference good = world.foreign.share(3, false);
  const sig::GrantReference to_read = world.foreign.share(3, true);
  const sig::GrantReference of_another = world.foreign.share(4, false);
  const auto error = [&](sig::DomainId from, References refs, GrantAccess access) {
    const DomainErrc found = why(table.map(from, refs, access));
    EXPECT_EQ(world.foreign.mapped(), 0U);
    return found;
  };
  EXPECT_EQ(error(5, {good}, GrantAccess::kRead), DomainErrc::kNotFound);
  EXPECT_EQ(error(3, {}, GrantAccess::kRead), DomainErrc::kBadReference);
  EXPECT_EQ(error(3, {good, 999}, GrantAccess::kRead), DomainErrc::kBadReference);
  EXPECT_EQ(error(3, {good, of_another}, GrantAccess::kRead), DomainErrc::kBadReference);
  EXPECT_EQ(error(3, {good, to_read}, GrantAccess::kWrite), DomainErrc::kBadReference);
  EXPECT_TRUE(table.map(3, References{good, to_read}, GrantAccess::kRead));
}

TEST(GrantMap, HasABoundOfPages) {
  World world;
  GrantTable& table = new_table();
  const References refs(GrantTable::kMaxMapped, world.foreign.share(3, false));
  {
    const auto all = table.map(3, refs, GrantAccess::kRead);
    ASSERT_TRUE(all);
    EXPECT_EQ(why(table.map(3, std::span(refs).first(1), GrantAccess::kRead)),
              DomainErrc::kExhausted);
  }
  EXPECT_TRUE(table.map(3, refs, GrantAccess::kRead));
}

TEST(GrantMap, AMappingEndsWithTheHostThatTheDomainLeft) {
  World world;
  GrantTable& table = new_table();
  const References old{world.foreign.share(3, false)};
  auto mapping = table.map(3, old, GrantAccess::kRead);
  ASSERT_TRUE(mapping);
  world.domain.migrate([] {});
  table.resume();
  EXPECT_EQ(world.foreign.mapped(), 0U);
  mapping = fail(Error(DomainErrc::kNotFound));  // unmaps nothing: the new host has no such handle
  const References fresh{world.foreign.share(3, false)};
  const auto again = table.map(3, fresh, GrantAccess::kRead);
  ASSERT_TRUE(again);
  EXPECT_EQ(world.foreign.mapped(), 1U);
}

}  // namespace
}  // namespace fata::bus::xen
