// Every *.tcp file in this folder is a test, named after its path.
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
    testing::RegisterTest(
        "TcpScript", name.c_str(), nullptr, nullptr, file.c_str(), 1,
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

// The runner's message about a script, without the file name.
std::string said_of(const std::string& script) {
  const std::string path = testing::TempDir() + "said_of.tcp";
  std::ofstream(path) << script;
  std::string said = Runner().run(path);
  std::filesystem::remove(path);
  return said.starts_with(path) ? said.substr(path.size()) : said;
}

TEST(TcpScripts, SayWhereAndHowTheEngineDiffers) {
  EXPECT_EQ(said_of("given listen\n0ms < S seq 0 mss 1460\n0ms > SA seq 0 ack 1\n"), "");
  EXPECT_EQ(
      said_of("given listen\n0ms < S seq 0 mss 1460\n0ms > SA seq 0 ack 2\n"),
      ":3: 0ms > SA seq 0 ack 2\n  differs in ack, came: 0ns > SA seq 0 ack 1 win 65535 mss 1460");
  EXPECT_EQ(said_of("given listen\n0ms < S seq 0 mss 1460\n5ms quiet\n"),
            ":3: 5ms quiet\n  unexpected before this: 0ns > SA seq 0 ack 1 win 65535 mss 1460");
  EXPECT_EQ(said_of("given listen\n1ms < R seq 0\n1ms > A seq 0 ack 0\n"),
            ":3: 1ms > A seq 0 ack 0\n  nothing was sent up to 1.0ms");
  EXPECT_EQ(said_of("given established\nwrite 10\n5ms > PA seq 1 ack 1 len 10\n"),
            ":3: 5ms > PA seq 1 ack 1 len 10\n  came at another time: 0ns > PA seq 1 ack 1 len 10 "
            "win 65535");
  EXPECT_EQ(said_of("given established\nread -> eof\n"), ":2: read -> eof\n  gave nothing");
  EXPECT_EQ(said_of("given established\nexpect state CLOSED\n"),
            ":2: expect state CLOSED\n  the state is ESTABLISHED");
  EXPECT_EQ(said_of("given established\nexpect cwnd 1\n"), ":2: expect cwnd 1\n  it is 14600");
}

TEST(TcpScripts, AreRefusedIfTheyCannotBeUnderstood) {
  EXPECT_EQ(said_of(""), ": holds no line");
  EXPECT_EQ(said_of("10ms\n"), ":1: a time with nothing to happen at it");
  EXPECT_TRUE(said_of("given nowhere\n").contains("nowhere.given: cannot be opened"));
  EXPECT_EQ(said_of("set colour blue\n"),
            ":1: set colour blue\n  no such setting, or no such value of it");
  EXPECT_EQ(said_of("listen 80\nset sack off\n"),
            ":2: set sack off\n  settings come before everything else");
  EXPECT_EQ(said_of("< X seq 0\n"), ":1: < X seq 0\n  'X' are no flags: letters of SFRPAUEC, or -");
  EXPECT_EQ(said_of("< S\n"), ":1: < S\n  a segment needs seq");
  EXPECT_EQ(said_of("< S seq 0 colour 5\n"), ":1: < S seq 0 colour 5\n  a segment has no 'colour'");
  EXPECT_EQ(said_of("listen 80\n5ms quiet\n4ms quiet\n"),
            ":3: 4ms quiet\n  its time is before that of the line above");
  EXPECT_EQ(said_of("listen 80\ndance\n"),
            ":2: dance\n  there is no connection to call this on, or no such call");
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(TcpScripts, ThatTheTableOfRequirementsNamesExistAndNoRequirementIsLeftOut) {
  const std::filesystem::path root(FATA_TCP_SCRIPTS);
  const std::filesystem::path libraries = root / "../../lib";
  const std::string table = text_of(libraries / "tcp/TCP.md");
  std::string tests;
  for (const char* folder : {"ip/test", "tcp/test"}) {
    for (const auto& file : files_below(libraries / folder)) tests += text_of(file);
  }
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
      EXPECT_NE(tests.find("(" + name.substr(0, dot) + ", " + name.substr(dot + 1) + ")"),
                std::string::npos)
          << name;
    }
  }
  EXPECT_GT(named, 120);
  for (int i = 1; i <= 69; ++i) {
    if (i == 52) continue;  // in the row "MUST-51 to MUST-53"
    EXPECT_NE(table.find("MUST-" + std::to_string(i) + " "), std::string::npos) << "MUST-" << i;
  }
  for (int i = 1; i <= 31; ++i) {
    const std::string name = "SHLD-" + std::to_string(i);
    EXPECT_TRUE(table.contains(name + " ") || table.contains(name + ",")) << name;
  }
}

}  // namespace
}  // namespace fata::test
