#include "fata/linux/capture_file.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "fata/linux/os_error.hpp"
#include "fata/linux/run.hpp"
#include "fata/stack/pcap.hpp"
#include "fata/wire/checksum.hpp"
#include "fata/wire/ethernet.hpp"
#include "fata/wire/ipv4.hpp"
#include "fata/wire/udp.hpp"

namespace fata::linux {
namespace {

static_assert(sig::CaptureSink<CaptureFile>);

class Captures : public testing::Test {
 protected:
  Captures() {
    enter(loop_);
    std::string pattern = "/tmp/fata-capture-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Captures() override { std::system(("rm -rf " + folder_).c_str()); }

  static async::Task<int> open(async::Context* context, std::string path,
                               Result<std::unique_ptr<CaptureFile>>* file) {
    *file = co_await CaptureFile::connect(*context, path);
    co_return 0;
  }
  Result<std::unique_ptr<CaptureFile>> open(const std::string& path) {
    Result<std::unique_ptr<CaptureFile>> file;
    loop_.run(open(&context_, path, &file));
    return file;
  }
  static std::size_t size_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    return file ? static_cast<std::size_t>(file.tellg()) : 0;
  }

  async::Loop loop_;
  async::Context context_{loop_, {}};
  std::string folder_;
};

async::Task<int> pass(Duration time) {
  (void)co_await async::sleep(time);
  co_return 0;
}

TEST_F(Captures, WithoutAPathThereIsNone) {
  const auto file = open("");
  ASSERT_TRUE(file);
  EXPECT_FALSE((*file)->enabled());
  (*file)->write(as_bytes("ignored"));
  EXPECT_EQ((*file)->dropped(), 0u);
}

TEST_F(Captures, AFileThatCannotBeMadeIsAnError) {
  const auto file = open(folder_ + "/none/x.pcapng");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error(), os_error(ENOENT));
}

TEST_F(Captures, WhatWasWrittenIsInTheFileWithinASecondAndAtTheEnd) {
  const std::string path = folder_ + "/x.pcapng";
  auto file = open(path);
  ASSERT_TRUE(file);
  (*file)->write(as_bytes("one"));
  EXPECT_EQ(size_of(path), 0u);
  loop_.run(pass(CaptureFile::kTimeout + milliseconds(100)));
  EXPECT_EQ(size_of(path), 3u);
  (*file)->write(as_bytes("two"));
  file->reset();
  EXPECT_EQ(size_of(path), 6u);
}

TEST_F(Captures, TheBufferIsBoundedAndNothingIsLostWhenItIsFull) {
  const std::string path = folder_ + "/x.pcapng";
  auto file = open(path);
  ASSERT_TRUE(file);
  const std::vector<std::byte> block(1000);
  for (int i = 0; i < 1000; ++i) (*file)->write(block);
  EXPECT_GE(size_of(path), 1'000'000 - CaptureFile::kBuffer);
  (*file)->write(std::vector<std::byte>(CaptureFile::kBuffer + 1));
  EXPECT_EQ((*file)->dropped(), 1u);
  file->reset();
  EXPECT_EQ(size_of(path), 1'000'000u);
}

TEST_F(Captures, AFullDiskEndsTheCaptureNotTheProcess) {
  const auto file = open("/dev/full");
  ASSERT_TRUE(file);
  (*file)->write(as_bytes("one"));
  (*file)->flush();
  (*file)->write(as_bytes("two"));
  EXPECT_EQ((*file)->dropped(), 1u);
}

// A frame from 10.0.0.1:1000 to 10.0.0.2:53.
std::vector<std::byte> udp_frame() {
  std::vector<std::byte> frame(47);
  const MutableBytes bytes(frame);
  wire::ethernet::Header{MacAddress::broadcast(), {}, 0x0800}.write(bytes);
  wire::ipv4::Header ip;
  ip.source = Ipv4Address::of(10, 0, 0, 1);
  ip.destination = Ipv4Address::of(10, 0, 0, 2);
  ip.protocol = wire::ipv4::kUdp;
  ip.total_length = 33;
  ip.write(bytes.subspan(14));
  ByteWriter udp(bytes.subspan(34));
  udp.u16(1000);
  udp.u16(7);
  udp.u16(13);
  udp.u16(0);
  udp.bytes(as_bytes("hello"));
  return frame;
}

TEST_F(Captures, AreReadByTcpdump) {
  if (std::system("command -v tcpdump >/dev/null 2>&1") != 0) GTEST_SKIP() << "install tcpdump";
  const std::string path = folder_ + "/x.pcapng";
  auto file = open(path);
  ASSERT_TRUE(file);
  std::vector<std::byte> block(2000);
  (*file)->write(Bytes(block).first(stack::pcap::write_preamble(block)));
  for (const std::int64_t time : {1'700'000'000'000'000'001, 1'700'000'001'500'000'002}) {
    const std::size_t size =
        stack::pcap::write_packet(block, {time}, stack::pcap::Direction::kSent, udp_frame(), {});
    (*file)->write(Bytes(block).first(size));
  }
  file->reset();
  FILE* out = ::popen(("TZ=UTC tcpdump -n --nano -tttt -r " + path + " 2>&1").c_str(), "r");
  ASSERT_NE(out, nullptr);
  std::string text(10'000, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), out));
  EXPECT_EQ(::pclose(out), 0) << text;
  EXPECT_NE(text.find("2023-11-14 22:13:20.000000001 IP 10.0.0.1.1000 > 10.0.0.2.7: UDP, length 5"),
            text.npos)
      << text;
  EXPECT_NE(text.find("2023-11-14 22:13:21.500000002 IP "), text.npos) << text;
}

}  // namespace
}  // namespace fata::linux
