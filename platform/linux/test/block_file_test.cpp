// Tests a file as a block device, in addition to tests/conformance/block: opening, locks, and the
// effects that other processes see.
#include "fata/linux/block_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "fata/linux/run.hpp"

namespace fata::linux {
namespace {

using async::Task;
using async::Wait;
namespace fs = std::filesystem;

Task<int> as_int(Task<void> task) {
  co_await std::move(task);
  co_return 0;
}
template <class F>
void run(F make) {
  async::Loop loop;
  enter(loop);
  async::Context context{loop, {}, {}, {}};
  loop.run(as_int(make(&context)));
}

class BlockFileTest : public testing::Test {
 protected:
  BlockFileTest() {
    std::string name = "/tmp/fata-block-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~BlockFileTest() override { fs::remove_all(folder_); }
  // Creates a file of that size in this test's own folder and returns its path.
  std::string file(std::uint64_t size, const std::string& name = "disk.img") {
    const fs::path path = folder_ / name;
    std::ofstream(path).close();
    fs::resize_file(path, size);
    return path;
  }
  fs::path folder_;
};

Task<void> expect_refused(async::Context* context, std::string what, BlockFileErrc why) {
  const auto opened = co_await BlockFile::connect(*context, what);
  EXPECT_FALSE(opened) << what;
  if (!opened) EXPECT_TRUE(opened.error().is(why)) << what << ": " << opened.error().message();
}

TEST_F(BlockFileTest, RefusesWhatIsNoDiskAndSaysWhy) {
  const struct {
    std::string what;
    BlockFileErrc why;
  } cases[] = {{"", BlockFileErrc::kNoName},
               {",ro", BlockFileErrc::kNoName},
               {folder_ / "nothing", BlockFileErrc::kNotFound},
               {folder_, BlockFileErrc::kNotBlock},
               {"/dev/null", BlockFileErrc::kNotBlock},
               {file(0, "empty"), BlockFileErrc::kEmpty},
               {file(1000, "odd"), BlockFileErrc::kBadSize},
               {file(512, "small") + ",sector=4096", BlockFileErrc::kBadSize},
               {file(512, "word") + ",rw", BlockFileErrc::kBadOption}};
  for (const auto& c : cases)
    run([&](async::Context* context) { return expect_refused(context, c.what, c.why); });
}

Task<void> geometries(async::Context* context, std::string path) {
  auto plain = co_await BlockFile::connect(*context, path);
  EXPECT_TRUE(plain.has_value());
  if (!plain) co_return;
  EXPECT_EQ((*plain)->geometry().sector_size, 512U);
  EXPECT_EQ((*plain)->geometry().sectors, 256U);
  EXPECT_TRUE((*plain)->geometry().writable && (*plain)->geometry().discards &&
              (*plain)->geometry().cached);
  plain->reset();
  auto large = co_await BlockFile::connect(*context, path + ",sector=4096");
  EXPECT_EQ((*large)->geometry().sectors, 32U);
  large->reset();
  auto read_only = co_await BlockFile::connect(*context, path + ",sector=4096,ro");
  EXPECT_FALSE((*read_only)->geometry().writable || (*read_only)->geometry().discards);
  std::array<std::byte, 4096> buffer{};
  EXPECT_TRUE(
      (co_await (*read_only)->write(0, buffer, Wait{})).error().is(sig::BlockErrc::kReadOnly));
  EXPECT_TRUE((co_await (*read_only)->discard(0, 1, Wait{})).error().is(sig::BlockErrc::kReadOnly));
  EXPECT_TRUE(co_await (*read_only)->read(0, buffer, Wait{}));
  EXPECT_TRUE(co_await (*read_only)->flush(Wait{}));
}
TEST_F(BlockFileTest, TakesWordsAfterTheName) {
  run([path = file(128 << 10, "a,b.img")](async::Context* context) {
    return geometries(context, path);
  });
}

Task<void> shares(async::Context* context, std::string path) {
  auto writer = co_await BlockFile::connect(*context, path);
  EXPECT_TRUE(writer.has_value());
  co_await expect_refused(context, path, BlockFileErrc::kBusy);
  co_await expect_refused(context, path + ",ro", BlockFileErrc::kBusy);
  writer->reset();
  auto reader = co_await BlockFile::connect(*context, path + ",ro");
  auto another = co_await BlockFile::connect(*context, path + ",ro");
  EXPECT_TRUE(reader && another) << "who only reads does not hinder others who do";
  co_await expect_refused(context, path, BlockFileErrc::kBusy);
}
TEST_F(BlockFileTest, IsSharedByReadersOnly) {
  run([path = file(64 << 10)](async::Context* context) { return shares(context, path); });
}

Task<void> shrinks(async::Context* context, std::string path) {
  auto disk = co_await BlockFile::connect(*context, path);
  fs::resize_file(path, 32 << 10);
  std::vector<std::byte> buffer(64 << 10);
  EXPECT_TRUE((co_await (*disk)->read(0, buffer, Wait{})).error().is(sig::BlockErrc::kFailed));
  EXPECT_TRUE(co_await (*disk)->read(0, std::span(buffer).first(32 << 10), Wait{}));
}
TEST_F(BlockFileTest, ReportsAFileThatBecameShorter) {
  run([path = file(64 << 10)](async::Context* context) { return shrinks(context, path); });
}

// Writes beyond the process's file size limit fail, as they do on a full file system.
Task<void> fills(async::Context* context, std::string path) {
  auto disk = co_await BlockFile::connect(*context, path);
  std::vector<std::byte> buffer(64 << 10, std::byte{1});
  const Result<void> outcome = co_await (*disk)->write(0, buffer, Wait{});
  EXPECT_FALSE(outcome) << "32 KiB are allowed";
  if (!outcome)
    EXPECT_TRUE(outcome.error().is(sig::BlockErrc::kFailed)) << outcome.error().message();
  EXPECT_TRUE(co_await (*disk)->write(0, std::span(buffer).first(32 << 10), Wait{}));
  EXPECT_GE((*disk)->counters()[BlockFile::kContinued].value, 1U) << "the first half was written";
}
TEST_F(BlockFileTest, ContinuesShortWritesAndReportsWhatStopsThem) {
  const std::string path = file(64 << 10);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{32 << 10, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  run([&](async::Context* context) { return fills(context, path); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, ignored);
}

Task<void> punches(async::Context* context, std::string path) {
  auto disk = co_await BlockFile::connect(*context, path);
  std::vector<std::byte> buffer(1 << 20, std::byte{7});
  EXPECT_TRUE(co_await (*disk)->write(0, buffer, Wait{}));
  EXPECT_TRUE(co_await (*disk)->flush(Wait{}));
  struct stat full{}, holed{};
  ::stat(path.c_str(), &full);
  EXPECT_TRUE(co_await (*disk)->discard(512, 1024, Wait{}));
  EXPECT_TRUE(co_await (*disk)->flush(Wait{}));
  ::stat(path.c_str(), &holed);
  EXPECT_EQ(full.st_size, holed.st_size);
  EXPECT_LE(holed.st_blocks, full.st_blocks - 1000);
}
TEST_F(BlockFileTest, GivesDiscardedSpaceBackToTheHost) {
  run([path = file(1 << 20)](async::Context* context) { return punches(context, path); });
}

}  // namespace
}  // namespace fata::linux
