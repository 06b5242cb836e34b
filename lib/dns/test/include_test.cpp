// The files named by $INCLUDE.
#include "fata/dns/include_path.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "fata/dns/zonefile.hpp"

namespace fata::dns::test {
namespace {

using testing::ElementsAre;

TEST(IncludePath, IsNormal) {
  const std::pair<const char*, const char*> cases[] = {
      {"part", "part"},         {"./part", "part"},
      {"sub/part", "sub/part"}, {"sub//./part", "sub/part"},
      {"sub/../part", "part"},  {"a/b/../../c/./d", "c/d"},
      {"..part", "..part"},     {"sub/part/", "sub/part"},
      {".part", ".part"},
  };
  for (const auto& [path, want] : cases) EXPECT_EQ(normal_path(path), want) << path;
  for (const char* path : {"", ".", "./", "..", "../part", "sub/../../part", "/part", "//", "a/.."})
    EXPECT_EQ(normal_path(path), std::nullopt) << path;
}

TEST(IncludePath, IsBelowTheRootOrBesideTheIncluder) {
  EXPECT_EQ(include_paths("a.zone", "x/y").below_root, "x/y");
  EXPECT_EQ(include_paths("a.zone", "x/y").beside, std::nullopt);
  EXPECT_EQ(include_paths("sub/a.zone", "./y").below_root, "y");
  EXPECT_EQ(include_paths("sub/a.zone", "./y").beside, "sub/y");
  EXPECT_EQ(include_paths("sub/a.zone", "../y").below_root, std::nullopt);
  EXPECT_EQ(include_paths("sub/a.zone", "../y").beside, "y");
  EXPECT_EQ(include_paths("sub/a.zone", "../../y").beside, std::nullopt);
  EXPECT_EQ(include_paths("sub/a.zone", "/y").beside, std::nullopt);
}

TEST(IncludePath, AllFilesThatATextIncludesAreFound) {
  EXPECT_THAT(included_files("$ORIGIN e.\n$INCLUDE a\n  $include \"b c\" o ; $INCLUDE no\n"
                             "x TXT $INCLUDE no\ny TXT (\n$INCLUDE\nno )\n; $INCLUDE no\n"
                             "$INCLUDE ( d\n)\n$INCLUDE\n$INCLUDE e"),
              ElementsAre("a", "b c", "d", "e"));
  EXPECT_THAT(included_files("$INCLUDE a\n)\n$INCLUDE b"), ElementsAre("a"));
}

class Store final : public Includes {
 public:
  std::optional<std::string_view> text_of(std::string_view file) override {
    const auto found = files.find(file);
    if (found == files.end()) return {};
    return found->second;
  }
  std::map<std::string, std::string, std::less<>> files;
};

// The owners of the records, or the error.
std::string owners(Store& store, std::string_view file, std::string_view text) {
  const auto origin = Name::from_text("x.");
  ZoneParser parser(file, text, &*origin, &store);
  ZoneRecord record;
  Text<1024> out;
  for (;;) {
    const auto more = parser.next(record);
    if (!more) print(out, more.error());
    if (!more || !*more) return std::string(out.view());
    print(out, *Name::from_wire(record.owner), ' ');
  }
}

TEST(Include, FindsFilesInFolders) {
  Store store;
  store.files = {{"part", "root A 1.2.3.4\n"},
                 {"sub/part", "sub A 1.2.3.4\n"},
                 {"sub/only", "only A 1.2.3.4\n$INCLUDE deep/er\n"},
                 {"sub/deep/er", "deeper A 1.2.3.4\n$INCLUDE ../part\n"}};
  EXPECT_EQ(owners(store, "z", "$INCLUDE ./part\n"), "root.x. ");
  EXPECT_EQ(owners(store, "z", "$INCLUDE sub/part\n$INCLUDE sub/../part\n"), "sub.x. root.x. ");
  EXPECT_EQ(owners(store, "sub/z", "$INCLUDE part\n$INCLUDE sub/part\n"), "root.x. sub.x. ");
  EXPECT_EQ(owners(store, "./sub/z", "$INCLUDE only\n"), "only.x. deeper.x. sub.x. ");
}

TEST(Include, StaysBelowTheRoot) {
  Store store;
  store.files = {{"part", "root A 1.2.3.4\n"}};
  for (const std::string path : {"../part", "sub/../../part", "/part", "..", "."}) {
    EXPECT_EQ(owners(store, "z", "\n$INCLUDE " + path + "\n"),
              "z:2: $INCLUDE needs a path below the folder of the zone files: \"" + path + "\"");
  }
  EXPECT_EQ(owners(store, "sub/z", "$INCLUDE ../../part\n"),
            "sub/z:1: $INCLUDE needs a path below the folder of the zone files: \"../../part\"");
  EXPECT_EQ(owners(store, "z", "$INCLUDE sub/no\n"),
            "z:1: the file to include is not there: \"sub/no\"");
}

}  // namespace
}  // namespace fata::dns::test
