// Files of the host pass the suite, through the page cache and with direct I/O, with small and
// large sectors.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "conformance.hpp"
#include "fata/linux/block_file.hpp"
#include "fata/linux/run.hpp"

namespace fata {
namespace {

async::Task<int> conforms(async::Context* context, std::string what, block_test::Report* report) {
  auto disk = co_await linux::BlockFile::connect(*context, what);
  if (!disk && disk.error().is(linux::BlockFileErrc::kNoDirect)) co_return 77;
  EXPECT_TRUE(disk.has_value()) << what << ": " << disk.error().message();
  if (disk) co_await block_test::conform(disk->get(), 1, report);
  co_return 0;
}

class BlockOfAFile : public testing::TestWithParam<const char*> {};

TEST_P(BlockOfAFile, Conforms) {
  std::string name = "/var/tmp/fata-block-XXXXXX";
  const std::filesystem::path folder = ::mkdtemp(name.data());
  const std::filesystem::path path = folder / "disk.img";
  std::ofstream(path).close();
  std::filesystem::resize_file(path, 16 << 20);
  async::Loop loop;
  linux::enter(loop);
  async::Context context{loop, {}, {}, {}};
  block_test::Report report([](std::string_view line) { ADD_FAILURE() << line; });
  const auto begun = std::chrono::steady_clock::now();
  const int status = loop.run(conforms(&context, path.string() + GetParam(), &report));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(50))
      << "a lost wake-up costs a minute";
  std::filesystem::remove_all(folder);
  if (status == 77) GTEST_SKIP() << "a file system without O_DIRECT";
  EXPECT_GT(report.checks(), 100U);
}
INSTANTIATE_TEST_SUITE_P(Host, BlockOfAFile,
                         testing::Values("", ",direct", ",sector=4096", ",direct,sector=4096"));

}  // namespace
}  // namespace fata
