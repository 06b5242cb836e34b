#include "fata/tar/archive.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace fata::tar {
namespace {

using Map = std::map<std::string, std::string>;

void put(std::string& block, std::size_t at, std::string_view text) {
  block.replace(at, text.size(), text);
}
void seal(std::string& header) {
  header.replace(148, 8, 8, ' ');
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::array<char, 9> digits{};
  std::snprintf(digits.data(), digits.size(), "%06o", sum);
  put(header, 148, std::string(digits.data(), 7));
}
struct Fields {
  std::string name = "a.txt";
  std::string content = "hello\n";
  char type = '0';
  std::string magic = std::string(
      "ustar\0"
      "00",
      8);
  std::string prefix{};
  std::string link{};
  std::string size{};  // the field; empty: right
};
std::string entry(const Fields& fields) {
  std::string header(512, '\0');
  put(header, 0, fields.name);
  put(header, 100, "0000644");
  std::array<char, 13> size{};
  std::snprintf(size.data(), size.size(), "%011zo", fields.content.size());
  put(header, 124, fields.size.empty() ? size.data() : fields.size);
  put(header, 136, "00000000000");
  header[156] = fields.type;
  put(header, 157, fields.link);
  put(header, 257, fields.magic);
  put(header, 345, fields.prefix);
  seal(header);
  std::string content = fields.content;
  content.resize((content.size() + 511) / 512 * 512, '\0');
  return header + content;
}
std::string pax(std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length) ++length;
  return std::to_string(length) + " " + std::string(key) + "=" + std::string(value) + "\n";
}
const std::string kEnd(1024, '\0');

Map files_of(const std::string& archive) {
  const Result<Archive> read = Archive::read(as_bytes(archive));
  if (!read) return {{"error", std::string(read.error().message())}};
  Map files;
  for (const Archive::File& file : read->files())
    files[file.name] = std::string(as_text(file.content));
  return files;
}

TEST(Tar, ReadsFilesAndSkipsFolders) {
  const std::string archive = entry({.name = "./", .content = "", .type = '5'}) +
                              entry({.name = "./b/", .content = "", .type = '5'}) +
                              entry({.name = "./b/two.txt", .content = std::string(513, 'x')}) +
                              entry({}) + entry({.name = "empty", .content = ""}) + kEnd;
  EXPECT_EQ(files_of(archive),
            (Map{{"a.txt", "hello\n"}, {"b/two.txt", std::string(513, 'x')}, {"empty", ""}}));
}

TEST(Tar, JoinsThePrefixOfUstarOnly) {
  EXPECT_EQ(files_of(entry({.prefix = "long/way"}) + kEnd), (Map{{"long/way/a.txt", "hello\n"}}));
  EXPECT_EQ(files_of(entry({.magic = std::string("ustar  \0", 8), .prefix = "13456701234"}) + kEnd),
            (Map{{"a.txt", "hello\n"}}));
  EXPECT_EQ(files_of(entry({.type = '\0', .magic = ""}) + kEnd), (Map{{"a.txt", "hello\n"}}));
}

TEST(Tar, TakesNamesAndSizesFromExtendedHeaders) {
  const std::string name = "deep/" + std::string(300, 'n');
  const std::string records = pax("mtime", "1.5") + pax("path", name) + pax("size", "6");
  EXPECT_EQ(files_of(entry({.content = records, .type = 'x'}) + entry({}) +
                     entry({.name = "b.txt"}) + kEnd),
            (Map{{name, "hello\n"}, {"b.txt", "hello\n"}}));
  EXPECT_EQ(files_of(entry({.content = name + '\0', .type = 'L'}) + entry({}) + kEnd),
            (Map{{name, "hello\n"}}));
  EXPECT_EQ(files_of(entry({.content = pax("comment", "x"), .type = 'g'}) + entry({}) + kEnd),
            (Map{{"a.txt", "hello\n"}}));
}

TEST(Tar, AHardLinkHasTheContentOfAnEarlierFile) {
  const Fields link{.name = "b", .content = "", .type = '1', .link = "./a.txt"};
  EXPECT_EQ(files_of(entry({.name = "./a.txt"}) + entry(link) + kEnd),
            (Map{{"a.txt", "hello\n"}, {"b", "hello\n"}}));
  EXPECT_EQ(files_of(entry({.content = "old"}) + entry({.content = "new"}) + entry(link) + kEnd),
            (Map{{"a.txt", "new"}, {"b", "new"}}));
  const std::string name(300, 'n');
  const Fields linked{.name = "b", .content = "", .type = '1'};
  for (const std::string& extension : {entry({.content = pax("linkpath", name), .type = 'x'}),
                                       entry({.content = name + '\0', .type = 'K'})}) {
    EXPECT_EQ(files_of(entry({.content = pax("path", name), .type = 'x'}) + entry({}) + extension +
                       entry(linked) + kEnd),
              (Map{{name, "hello\n"}, {"b", "hello\n"}}));
  }
}

TEST(Tar, AFolderHasNoDataWhateverItsSizeSays) {
  EXPECT_EQ(files_of(entry({.name = "d/", .content = "", .type = '5', .size = "00000001000"}) +
                     entry({}) + kEnd),
            (Map{{"a.txt", "hello\n"}}));
}

TEST(Tar, AnEmptyRecordEndsAnEarlierOne) {
  EXPECT_EQ(files_of(entry({.content = pax("path", "x") + pax("path", ""), .type = 'x'}) +
                     entry({}) + kEnd),
            (Map{{"a.txt", "hello\n"}}));
}

TEST(Tar, TheLaterOfTwoEntriesOfOneNameCounts) {
  EXPECT_EQ(files_of(entry({.content = "old"}) + entry({.name = "b"}) + entry({.content = "new"})),
            (Map{{"a.txt", "new"}, {"b", "hello\n"}}));
}

TEST(Tar, RefusesEachMalformedArchiveWithItsReasonAndBlock) {
  std::string wrong_sum = entry({.name = "b"});
  wrong_sum[0] ^= 1;
  const std::string link = entry({.name = "b", .content = "", .type = '2'});
  struct Case {
    const char* what;
    std::string archive;
    Errc reason;
    std::uint32_t block;
  };
  const Case cases[] = {
      {"half a header", entry({}) + std::string(100, 'x'), Errc::kTruncated, 3},
      {"half a file", entry({.content = std::string(600, 'x')}).substr(0, 1100), Errc::kTruncated,
       1},
      {"a huge size", entry({.size = "77777777777"}), Errc::kTruncated, 1},
      {"a changed header", entry({}) + wrong_sum, Errc::kChecksum, 3},
      {"text instead of an archive", std::string(512, 'x'), Errc::kChecksum, 1},
      {"a size of letters", entry({.size = "1x"}), Errc::kNumber, 1},
      {"a size in base 256", entry({.size = "\x80\x01"}), Errc::kNumber, 1},
      {"no size", entry({.size = " "}), Errc::kNumber, 1},
      {"an absolute name", entry({.name = "/etc/passwd"}), Errc::kName, 1},
      {"a name that leaves", entry({.name = "a/../../b"}), Errc::kName, 1},
      {"an empty component", entry({.name = "a//b"}), Errc::kName, 1},
      {"no name", entry({.name = ""}), Errc::kName, 1},
      {"a file with a folder's name", entry({.name = "a/"}), Errc::kName, 1},
      {"a long name",
       entry({.content = pax("path", std::string(4097, 'n')), .type = 'x'}) + entry({}),
       Errc::kName, 11},
      {"a symbolic link", entry({}) + link, Errc::kKind, 3},
      {"a hard link to nothing",
       entry({}) + entry({.name = "b", .content = "", .type = '1', .link = "c"}), Errc::kKind, 3},
      {"a device", entry({.content = "", .type = '3'}), Errc::kKind, 1},
      {"a sparse file", entry({.content = pax("GNU.sparse.major", "1"), .type = 'x'}) + entry({}),
       Errc::kKind, 1},
      {"an extended header without its entry",
       entry({}) + entry({.content = pax("path", "x"), .type = 'x'}) + kEnd, Errc::kTruncated, 5},
      {"a record without its length", entry({.content = "path=x\n", .type = 'x'}), Errc::kExtended,
       1},
      {"a record that is too long", entry({.content = "99 path=x\n", .type = 'x'}), Errc::kExtended,
       1},
      {"a record without its end", entry({.content = "9 path=xy", .type = 'x'}), Errc::kExtended,
       1},
      {"a record without a key", entry({.content = "5 =x\n", .type = 'x'}), Errc::kExtended, 1},
      {"a path for all entries", entry({.content = pax("path", "x"), .type = 'g'}), Errc::kExtended,
       1},
      {"a size of letters in a record",
       entry({.content = pax("size", "six"), .type = 'x'}) + entry({}), Errc::kNumber, 1},
      {"a file that is a folder, too",
       entry({.name = "a"}) + entry({.name = "a-b"}) + entry({.name = "a/b"}), Errc::kConflict, 5},
  };
  for (const Case& each : cases) {
    const Result<Archive> read = Archive::read(as_bytes(each.archive));
    ASSERT_FALSE(read) << each.what;
    EXPECT_EQ(read.error(), Error(each.reason, each.block))
        << each.what << ": " << read.error().message() << " " << read.error().detail();
  }
}

TEST(Tar, RefusesMoreFilesThanItsBound) {
  std::string archive;
  for (std::size_t i = 0; i <= Archive::kMaxFiles; ++i)
    archive += entry({.name = std::to_string(i), .content = ""});
  EXPECT_EQ(Archive::read(as_bytes(archive)).error(),
            Error(Errc::kTooMany, std::uint32_t{Archive::kMaxFiles} + 1));
  archive.resize(archive.size() - 512);
  const Result<Archive> most = Archive::read(as_bytes(archive));
  ASSERT_TRUE(most);
  EXPECT_EQ(most->files().size(), Archive::kMaxFiles);
  EXPECT_TRUE(most->find("65535") && !most->find("65536"));
}

TEST(Tar, SurvivesEveryCutAndEveryChangedByte) {
  const std::string whole = entry({.content = pax("path", "deep/name"), .type = 'x'}) + entry({}) +
                            entry({.name = "b", .content = std::string(700, 'y')}) + kEnd;
  for (std::size_t size = 0; size < whole.size(); ++size)
    (void)Archive::read(as_bytes(whole).first(size));
  std::mt19937 random{1};
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(random());
    const Result<Archive> read = Archive::read(as_bytes(changed));
    if (read && at < 148) EXPECT_EQ(changed[at], whole[at]) << "a change that no checksum found";
  }
}

}  // namespace
}  // namespace fata::tar
