#include "fata/plan/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fata::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Plan example() {
  Plan plan{.name = "echo", .target = "kvm", .net = "direct", .arch = "any", .memory_mib = 32};
  plan.keys = {{"fast", "bool", "true", "false", "whether to hurry"}};
  plan.parameters = {{.name = "port",
                      .help = "a \"port\"",
                      .cpp_type = "std::uint16_t",
                      .default_text = "53",
                      .has_default = false,
                      .headers = {"a.hpp"},
                      .where = {"config.cpp", 7}}};
  Device nic{.name = "net_device", .tag = "NetDevice", .type = "fata::virtio::NetDevice"};
  nic.form = Form::kConnect;
  nic.is_nic = true;
  nic.is_boot_files = true;
  nic.libraries = {"virtio"};
  nic.chosen_by.emplace();
  Device job{.name = "server", .tag = "Job", .type = "Server"};
  job.form = Form::kJob;
  job.arguments = {{Argument::Kind::kDevice, 0, ""},
                   {Argument::Kind::kParameter, 0, "port"},
                   {Argument::Kind::kLiteral, 0, "true"}};
  job.third_party = {{"z", "zlib1g-dev", {"zlib.h"}, {"getrusage"}}};
  job.where = {"config.cpp", 9};
  plan.devices = {nic, job};
  plan.jobs = {1};
  plan.forwards = {{Protocol::kTcp, "port"}};
  plan.disks = {"disk"};
  plan.forwarded_clients = "clients";
  return plan;
}

TEST(PlanJson, IsReadAsItWasWritten) {
  const Plan plan = from_json(to_json(example()));
  EXPECT_EQ(to_json(plan), to_json(example()));
  EXPECT_EQ(plan.devices[0].form, Form::kConnect);
  EXPECT_EQ(plan.devices[1].arguments[1].kind, Argument::Kind::kParameter);
  EXPECT_EQ(plan.forwards[0].protocol, Protocol::kTcp);
  EXPECT_EQ(plan.parameters[0].help, "a \"port\"");
  EXPECT_EQ(plan.devices[1].where.line, 9U);
}

TEST(PlanJson, TellsNoParametersFromAllOfThem) {
  const Plan plan = from_json(to_json(example()));
  ASSERT_TRUE(plan.devices[0].chosen_by.has_value());
  EXPECT_TRUE(plan.devices[0].chosen_by->empty());
  EXPECT_FALSE(plan.devices[1].chosen_by.has_value());
}

std::string reason(const std::string& text) {
  try {
    from_json(text);
  } catch (const Invalid& error) {
    return error.what();
  }
  return "none";
}

std::string with(std::string_view part, std::string_view in_its_place) {
  std::string text = to_json(example());
  return text.replace(text.find(part), part.size(), in_its_place);
}

TEST(PlanJson, RefusesAnotherVersion) {
  const std::string ours = "\"version\": " + std::to_string(kVersion);
  EXPECT_EQ(reason(with(ours, "\"version\": 4")), "a plan of another version of Fata");
}
TEST(PlanJson, RefusesWhatIsNoPlan) {
  EXPECT_THAT(reason("{"), HasSubstr("not a plan ("));
  EXPECT_THAT(reason("[]"), HasSubstr("not a plan ("));
  EXPECT_THAT(reason(with("\"memory_mib\": 32", "\"memory_mib\": \"much\"")),
              HasSubstr("not a plan ("));
  EXPECT_THAT(reason(with("\"is_nic\": true,", "")), HasSubstr("is_nic"));
  EXPECT_EQ(reason(with("\"form\": \"job\"", "\"form\": \"jobs\"")), "'jobs' is unknown");
}

TEST(Plan, ListsWhatItsDevicesNeedOnce) {
  Plan plan = example();
  plan.devices.push_back(plan.devices[0]);
  plan.devices.push_back(plan.devices[1]);
  EXPECT_EQ(plan.nics(), 2U);
  EXPECT_THAT(plan.libraries(), ElementsAre("async", "base", "sig", "virtio"));
  EXPECT_THAT(plan.packages(), ElementsAre("zlib1g-dev"));
  EXPECT_EQ(plan.third_party().size(), 1U);
}

TEST(Plan, NamesAParameterThatIsMissing) {
  EXPECT_EQ(example().parameter("port").where.line, 7U);
  try {
    example().parameter("host");
    FAIL();
  } catch (const Invalid& error) {
    EXPECT_STREQ(error.what(), "the plan has no parameter --host");
  }
}

TEST(Plan, NamesADevicesTypeAfterItsVariable) {
  EXPECT_EQ(example().devices[0].type_name(), "NetDevice");
}

}  // namespace
}  // namespace fata::plan
