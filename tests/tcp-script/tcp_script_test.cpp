// Every *.tcp file of this folder is a test by its name.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <vector>

#include "runner.hpp"

namespace fata::test {
namespace {

class ScriptTest : public testing::Test {
 public:
  explicit ScriptTest(std::string path) : path_(std::move(path)) {}
  void TestBody() override {
    const std::string failure = Runner().run(path_);
    if (!failure.empty()) ADD_FAILURE() << failure;
  }

 private:
  std::string path_;
};

std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (auto at = std::filesystem::recursive_directory_iterator(folder, error);
       at != std::filesystem::recursive_directory_iterator(); at.increment(error)) {
    if (at->is_regular_file(error)) files.push_back(at->path());
  }
  std::ranges::sort(files);
  return files;
}

const int kRegistered = [] {
  int count = 0;
  const std::filesystem::path root(FATA_TCP_SCRIPTS);
  for (const auto& file : files_below(root)) {
    if (file.extension() != ".tcp") continue;
    std::string name = std::filesystem::relative(file, root).replace_extension().string();
    testing::RegisterTest("TcpScript", name.c_str(), nullptr, nullptr, file.c_str(), 1,
                          [path = file.string()]() -> testing::Test* { return new ScriptTest(path); });
    ++count;
  }
  return count;
}();

TEST(TcpScripts, AreAllRunAndNoFileOfAnotherNameIsOverlooked) {
  EXPECT_GE(kRegistered, 300);
  const std::set<std::string> known{".tcp", ".given", ".cpp", ".hpp", ".md", ".txt"};
  for (const auto& file : files_below(FATA_TCP_SCRIPTS))
    EXPECT_TRUE(known.contains(file.extension())) << file;
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(TcpScripts, ThatTheTableOfRequirementsNamesExistAndNoRequirementIsLeftOut) {
  const std::filesystem::path root(FATA_TCP_SCRIPTS);
  const std::filesystem::path library = root / "../../lib/net";
  const std::string table = text_of(library / "TCP.md");
  std::string tests;
  for (const auto& file : files_below(library / "test/tcp")) tests += text_of(file);
  int named = 0;
  for (std::size_t at = table.find('`'); at != std::string::npos; at = table.find('`', at)) {
    const std::size_t end = table.find('`', at + 1);
    ASSERT_NE(end, std::string::npos);
    const std::string name = table.substr(at + 1, end - at - 1);
    at = end + 1;
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos || name == "name.tcp" || name == "Suite.Name") continue;
    ++named;
    if (name.ends_with(".tcp")) {
      EXPECT_TRUE(std::filesystem::exists(root / name)) << name;
    } else {
      EXPECT_NE(tests.find("(" + name.substr(0, dot) + ", " + name.substr(dot + 1) + ")"), std::string::npos)
          << name;
    }
  }
  EXPECT_GT(named, 120);
  for (int i = 1; i <= 69; ++i) {
    if (i == 52) continue;  // stands between 51 and 53
    EXPECT_NE(table.find("MUST-" + std::to_string(i) + " "), std::string::npos) << "MUST-" << i;
  }
  for (int i = 1; i <= 31; ++i) {
    const std::string name = "SHLD-" + std::to_string(i);
    EXPECT_TRUE(table.contains(name + " ") || table.contains(name + ",")) << name;
  }
}

}  // namespace
}  // namespace fata::test
