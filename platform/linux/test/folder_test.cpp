#include "fata/linux/folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "fata/linux/run.hpp"

namespace fata::linux {
namespace {

async::Task<int> check_folder(async::Context* context, std::string path) {
  auto folder = co_await Folder::connect(*context, path);
  EXPECT_TRUE(folder.has_value());
  const auto get = [&](std::string_view key) { return (*folder)->get(key); };
  auto file = co_await get("a.txt");
  EXPECT_TRUE(file && file->text() == "content");
  EXPECT_EQ((co_await get("sub/b.txt"))->text(), "");
  EXPECT_TRUE((co_await get("none")).error().is(sig::KeyErrc::kNotFound));
  EXPECT_TRUE((co_await get("a.txt/x")).error().is(sig::KeyErrc::kNotFound));
  EXPECT_TRUE((co_await get("sub")).error().is(sig::KeyErrc::kIsFolder));
  EXPECT_TRUE((co_await get("/etc/passwd")).error().is(sig::KeyErrc::kBadKey));
  EXPECT_TRUE((co_await get("../outside")).error().is(sig::KeyErrc::kBadKey));
  EXPECT_TRUE((co_await get("escape")).error().is(sig::KeyErrc::kBadKey))
      << "a link that leads out";
  const auto root = co_await (*folder)->list("");
  EXPECT_TRUE(root.has_value());
  std::string names;
  for (const auto& entry : *root) names += entry.name + (entry.folder ? "/ " : " ");
  EXPECT_EQ(names, "a.txt escape sub/ ");
  auto none = co_await Folder::connect(*context, path + "/none");
  EXPECT_FALSE(none.has_value());
  co_return 0;
}

TEST(Folder, GivesItsFilesAndNothingElse) {
  const std::filesystem::path top =
      std::filesystem::temp_directory_path() / ("fata-folder-" + std::to_string(::getpid()));
  std::filesystem::create_directories(top / "in" / "sub");
  std::ofstream(top / "outside") << "secret";
  std::ofstream(top / "in" / "a.txt") << "content";
  std::ofstream(top / "in" / "sub" / "b.txt");
  std::filesystem::create_symlink("../outside", top / "in" / "escape");
  {
    async::Loop loop;
    enter(loop);
    async::Context context{loop, {}};
    loop.run(check_folder(&context, (top / "in").string()));
  }
  std::filesystem::remove_all(top);
}

}  // namespace
}  // namespace fata::linux
