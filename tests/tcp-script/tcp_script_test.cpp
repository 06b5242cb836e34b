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

}  // namespace
}  // namespace fata::test
