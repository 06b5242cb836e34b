#include "fata/tar/boot_files.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "fata/sig/archetype.hpp"
#include "fata/sim/platform.hpp"

namespace fata::tar {
namespace {

// What the image gets: an archive that Debian's tar has made of a folder.
std::string archive_of(const std::filesystem::path& folder, const std::string& format) {
  const std::filesystem::path file = folder.string() + "." + format + ".tar";
  const std::string command = "tar --format=" + format + " --sort=name -C '" + folder.string() +
                              "' -cf '" + file.string() + "' .";
  EXPECT_EQ(std::system(command.c_str()), 0);
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Made : testing::TestWithParam<const char*> {
  Made() {
    folder = std::filesystem::temp_directory_path() / ("fata-tar-" + std::to_string(getpid()));
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder / "zones" / long_name());
    std::filesystem::create_directories(folder / "empty");
    write("key.pem", "secret");
    write("zones/b.zone", std::string(5000, 'b'));
    write("zones/a.zone", "");
    write("zones/nnn", "before the folder in the archive's order");
    write("zones/" + long_name() + "-", "after it in the list");
    write("zones/" + long_name() + "/" + long_name(), "deep");
  }
  ~Made() override { std::filesystem::remove_all(folder); }
  // Longer than a name of ustar, and short enough for its prefix.
  static std::string long_name() { return std::string(90, 'n'); }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder / name) << content;
  }
  std::filesystem::path folder;
};

async::Task<std::string> value(BootFiles* files, std::string key) {
  const Result<Slice> found = co_await files->get(key);
  co_return std::string(found ? found->text() : found.error().message());
}

async::Task<int> check_store(BootFiles* files, Bytes archive) {
  const std::string deep = Made::long_name();
  EXPECT_EQ(co_await value(files, "key.pem"), "secret");
  EXPECT_EQ(co_await value(files, "zones/b.zone"), std::string(5000, 'b'));
  EXPECT_EQ(co_await value(files, "zones/a.zone"), "");
  EXPECT_EQ(co_await value(files, "zones/" + deep + "/" + deep), "deep");
  EXPECT_EQ(co_await value(files, "zones"), "the key is a folder");
  EXPECT_EQ(co_await value(files, "nothing"), "no such key");
  EXPECT_EQ(co_await value(files, "../key.pem"), "not a relative path");
  const auto list = co_await files->list("zones");
  std::string names;
  for (const sig::KeyEntry& entry : list.value()) names += entry.name + (entry.folder ? "/ " : " ");
  EXPECT_EQ(names, "a.zone b.zone nnn " + deep + "/ " + deep + "- ");
  const auto root = co_await files->list("");
  EXPECT_EQ(root.value().size(), 2u);
  const auto empty = co_await files->list("empty");
  EXPECT_FALSE(empty);
  // Not copied: the value lies in the archive.
  const Result<Slice> b = co_await files->get("zones/b.zone");
  EXPECT_GE(b.value().bytes().data(), archive.data());
  EXPECT_LT(b.value().bytes().data(), archive.data() + archive.size());
  co_return 0;
}

TEST_P(Made, IsAStoreOfTheFoldersFiles) {
  const std::string archive = archive_of(folder, GetParam());
  Result<std::unique_ptr<BootFiles>> files = BootFiles::read(as_bytes(archive));
  ASSERT_TRUE(files) << files.error().message() << " " << files.error().detail();
  sim::Platform platform;
  EXPECT_EQ(platform.run([&] { return check_store(files->get(), as_bytes(archive)); }), 0);
}
INSTANTIATE_TEST_SUITE_P(Formats, Made, testing::Values("ustar", "pax", "gnu"));

TEST(BootFiles, WithoutAnArchiveSayHowToPassOne) {
  const auto none = BootFiles::read({});
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().message().contains("fata run --files FOLDER"));
}

}  // namespace
}  // namespace fata::tar
