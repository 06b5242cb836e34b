#include "fata/crunch/files.hpp"

#include <gtest/gtest.h>

#include <fata/sim/platform.hpp>
#include <set>
#include <string>

#include "fata/crunch/build.hpp"

namespace fata::crunch {
namespace {

static_assert(sig::KeyValueReader<Files>);

// A table in which each key's content is the key itself.
class Made {
 public:
  explicit Made(std::vector<std::string> keys) : keys_(std::move(keys)) {
    const Layout layout = build_layout({keys_.begin(), keys_.end()});
    seeds_ = layout.seeds;
    for (const std::size_t key : layout.slots) files_.push_back({keys_[key], as_bytes(keys_[key])});
    table = {seeds_, files_};
  }
  Table table;

 private:
  std::vector<std::string> keys_;
  std::vector<std::uint32_t> seeds_;
  std::vector<File> files_;
};

TEST(CrunchTable, FindsEveryKeyAndNoOther) {
  for (const std::size_t count : {0U, 1U, 2U, 3U, 10U, 1000U}) {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < count; ++i) keys.push_back("file" + std::to_string(i * 7919));
    const Made made(keys);
    for (const std::string& key : keys) {
      const auto slot = find(made.table, key);
      ASSERT_TRUE(slot) << key << " of " << count;
      EXPECT_EQ(made.table.files[*slot].key, key);
      EXPECT_FALSE(find(made.table, key + "x"));
    }
    EXPECT_FALSE(find(made.table, ""));
  }
}

TEST(CrunchFiles, GiveTheirOwnMemory) {
  sim::Platform platform;
  const Made made({"a.txt", "zones/example.org"});
  Files files(made.table);
  const auto found = files.find("zones/example.org");
  ASSERT_TRUE(found);
  const auto get = [](Files* from, const std::byte* expected) -> async::Task<int> {
    const auto slice = co_await from->get("zones/example.org");
    EXPECT_TRUE(slice.has_value());
    EXPECT_EQ(slice->bytes().data(), expected);
    EXPECT_EQ(slice->text(), "zones/example.org");
    EXPECT_FALSE(slice->is_sole_holder());
    co_return 7;
  };
  EXPECT_EQ(platform.run([&] { return get(&files, found->data()); }), 7);
}

TEST(CrunchFiles, SayWhyAKeyIsMissing) {
  sim::Platform platform;
  const Made made({"a.txt", "zones/example.org"});
  Files files(made.table);
  const auto check_errors = [](Files* from) -> async::Task<int> {
    EXPECT_TRUE((co_await from->get("b.txt")).error().is(sig::KeyErrc::kNotFound));
    EXPECT_TRUE((co_await from->get("zones")).error().is(sig::KeyErrc::kIsFolder));
    for (const std::string_view bad :
         {"", "/a.txt", "zones/", "../a.txt", "zones//example.org", "./a.txt"}) {
      EXPECT_TRUE((co_await from->get(bad)).error().is(sig::KeyErrc::kBadKey)) << bad;
    }
    co_return 0;
  };
  platform.run([&] { return check_errors(&files); });
}

TEST(CrunchFiles, ListOneLevelOfAFolder) {
  sim::Platform platform;
  const Made made({"b", "a/x", "a/y", "a/deep/z"});
  Files files(made.table);
  const auto names = [](Files* from, std::string_view folder,
                        std::string* out) -> async::Task<int> {
    const auto entries = co_await from->list(folder);
    if (!entries) co_return 1;
    for (const sig::KeyEntry& entry : *entries) *out += entry.name + (entry.folder ? "/ " : " ");
    co_return 0;
  };
  std::string root, inner, none;
  platform.run([&] { return names(&files, "", &root); });
  platform.run([&] { return names(&files, "a", &inner); });
  EXPECT_EQ(platform.run([&] { return names(&files, "c", &none); }), 1);
  EXPECT_EQ(root, "a/ b ");
  EXPECT_EQ(inner, "deep/ x y ");
}

}  // namespace
}  // namespace fata::crunch
