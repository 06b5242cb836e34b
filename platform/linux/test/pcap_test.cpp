#include "fata/host/pcap.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "fata/sig/archetype.hpp"

namespace fata::host {
namespace {

static_assert(sig::NetDevice<Pcap<sig::archetype::NetDevice>>);

TEST(PcapWriter, WritesBlocksThatAddUpToTheFile) {
  std::string path = "/tmp/fata-pcap-XXXXXX";
  ::close(::mkstemp(path.data()));
  {
    Result<PcapWriter> writer = PcapWriter::create(path);
    ASSERT_TRUE(writer);
    writer->add(as_bytes("abcde"), PcapWriter::Way::kIn, WallTime{0x1'0000'0002});
    writer->add(as_bytes("12345678"), PcapWriter::Way::kOut, WallTime{7});
    writer->flush();
  }
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::remove(path.c_str());

  const auto word = [&](std::size_t at) {
    return load_le<std::uint32_t>(as_bytes(std::string_view(text).substr(at, 4)));
  };
  std::vector<std::uint32_t> types;
  std::size_t at = 0;
  while (at + 8 <= text.size()) {
    const std::uint32_t size = word(at + 4);
    ASSERT_TRUE(size >= 12 && size % 4 == 0 && size <= text.size() - at) << at;
    EXPECT_EQ(word(at + size - 4), size) << "a block ends in its size";
    types.push_back(word(at));
    at += size;
  }
  EXPECT_EQ(at, text.size());
  EXPECT_EQ(types, (std::vector<std::uint32_t>{0x0a0d0d0a, 1, 6, 6}));
  EXPECT_EQ(word(60 + 12), 1U);  // time, high and low
  EXPECT_EQ(word(60 + 16), 2U);
  EXPECT_EQ(text.substr(60 + 28, 8), std::string("abcde\0\0\0", 8));
}

TEST(PcapWriter, SaysWhyItCannotMakeTheFile) {
  const Result<PcapWriter> writer = PcapWriter::create("/nowhere/at/all.pcapng");
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code(), static_cast<std::uint32_t>(ENOENT));
}

}  // namespace
}  // namespace fata::host
