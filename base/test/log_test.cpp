#include "fata/base/log.hpp"

#include <gtest/gtest.h>

#include "fata/sim/platform.hpp"

namespace fata {
namespace {

using log::Level;
using log::Rules;

TEST(LogRules, LetTheLastRuleThatFitsWin) {
  const auto rules = Rules::parse("*:warning,dns:debug,net:off");
  ASSERT_TRUE(rules);
  EXPECT_EQ(rules->level_of("dns"), Level::kDebug);
  EXPECT_EQ(rules->level_of("net"), Level::kOff);
  EXPECT_EQ(rules->level_of("app"), Level::kWarning);
  EXPECT_EQ(Rules::parse("error")->level_of("any"), Level::kError);
  EXPECT_EQ(Rules::parse("")->level_of("any"), Level::kInfo);
}

TEST(LogRules, NameTheWordThatIsWrong) {
  const auto level = Rules::parse("*:info,dns:loud");
  ASSERT_FALSE(level);
  EXPECT_EQ(level.error().word, "dns:loud");
  EXPECT_EQ(level.error().reason, "the level is none of off, error, warning, info, debug");
  EXPECT_EQ(Rules::parse(":info").error().reason, "the source before ':' is missing");
  EXPECT_FALSE(Rules::parse(
      "info,info,info,info,info,info,info,info,info,info,info,info,info,info,info,info,info"));
}

TEST(Logger, WritesUptimeLevelAndSourceAndNothingBelowItsThreshold) {
  sim::Platform platform;
  const Logger logger("dns", Level::kInfo);
  logger.info("zone ", "example.org", " has ", 12, " records");
  logger.debug("not this");
  EXPECT_EQ(platform.log(), "[    0.000] info dns: zone example.org has 12 records\n");
}

TEST(Logger, CutsLongLinesVisibly) {
  sim::Platform platform;
  Logger("app", Level::kInfo).info(std::string_view(std::string(1000, 'x')));
  EXPECT_EQ(platform.log().size(), log::kMaxLine + 1);
  EXPECT_TRUE(platform.log().ends_with("x...\n"));
}

}  // namespace
}  // namespace fata
