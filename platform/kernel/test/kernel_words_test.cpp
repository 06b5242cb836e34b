// Words that hypervisors and their managers put on a kernel's command line.
#include <gtest/gtest.h>

#include "fata/base/parameters.hpp"
#include "fata/kernel/command_line.hpp"

namespace fata::kernel {
namespace {
using platform::StrayWord;

TEST(KernelWords, what_hypervisors_and_managers_add_or_have_as_examples_is_passed_over) {
  const char* const kLines[] = {
      // Firecracker: its default, its additions for a root drive and without PCI, and its guide.
      "reboot=k panic=1 nomodule 8250.nr_uarts=0 i8042.noaux i8042.nomux i8042.dumbkbd "
      "swiotlb=noforce",
      "reboot=k panic=1 pci=off nomodules 8250.nr_uarts=0 i8042.noaux i8042.nomux i8042.nopnp "
      "i8042.dumbkbd root=/dev/vda rw virtio_mmio.device=4K@0xd0000000:5",
      "root=/dev/vda rw root=PARTUUID=0eaa91a0-01 ro pci=off",
      "console=ttyS0 reboot=k panic=1 pci=off init=/sbin/init random.trust_cpu=on "
      "ip=172.16.0.2::172.16.0.1:255.255.255.0::eth0:off",
      // Cloud Hypervisor, crosvm, Kata.
      "console=hvc0 earlyprintk=ttyS0 root=/dev/vda1 rw",
      "panic=-1 console=ttyS0 root=/dev/vda ro noapic",
      "tsc=reliable no_timer_check rcupdate.rcu_expedited=1 i8042.direct=1 noreplace-smp "
      "cryptomgr.notests net.ifnames=0 pci=lastbus=0 root=/dev/pmem0p1 "
      "rootflags=dax,data=ordered,errors=remount-ro rootfstype=ext4 quiet "
      "systemd.show_status=false nr_cpus=1 agent.debug_console",
      // QEMU's microvm, libvirt, xl, boot loaders.
      "earlyprintk=ttyS0 acpi=off", "console=ttyS0,115200n8 selinux=0 audit=0 loglevel=3 debug",
      "root=/dev/xvda1 ro console=hvc0 xencons=tty earlyprintk=xen mem=128M",
      "BOOT_IMAGE=/boot/vmlinuz initrd=initrd.img quiet splash nomodeset vga=normal "
      "mitigations=off "
      "nokaslr"};
  for (const char* line : kLines) {
    CommandLine parsed;
    bus::FoundDevices found;
    ASSERT_EQ(parsed.parse(line, found), "");
    for (const std::string_view word : parsed.arguments()) {
      EXPECT_NE(classify_kernel_word(word), StrayWord::kImage) << word;
    }
  }
}

TEST(KernelWords, modules_words_and_those_listed_are_a_hypervisor_s_whatever_they_resemble) {
  for (const char* word : {"pci=off", "pci", "root=/dev/vda", "ro", "rw", "earlyprintk=xen",
                           "earlyprintk", "8250.nr_uarts=0", "i8042.noaux", "a.b=c d"})
    EXPECT_EQ(classify_kernel_word(word), StrayWord::kHypervisor) << word;
}

TEST(KernelWords, another_name_with_a_value_may_be_theirs) {
  for (const char* word : {"ds=nocloud-net;s=http://169.254.169.254/", "network-config=ZXRo",
                           "ks=http://example.com/", "port=53", "x=", "nokaslr", "nomodules"})
    EXPECT_EQ(classify_kernel_word(word), StrayWord::kPerhaps) << word;
}

TEST(KernelWords, what_has_dashes_or_another_shape_is_the_image_s) {
  for (const char* word :
       {"--pci=off", "-q", "--", "hello", "53", "", "=", "=x", "1=2", "10.0.0.1/24", "ro rw",
        "consol", "onsole", "p", "pc", "o", "k", "a b=c", "/dev/vda"})
    EXPECT_EQ(classify_kernel_word(word), StrayWord::kImage) << word;
}

struct Image {
  std::uint16_t port = 53;
  std::string_view root, name;
  bool verbose = false;
  std::array<Parameter, 4> table{
      Parameter("port", "", std::nullopt, port), Parameter("root", "", std::nullopt, root),
      Parameter("name", "", std::nullopt, name), Parameter("verbose", "", std::nullopt, verbose)};
  Text<256> passed;
  Strays strays{classify_kernel_word, passed};

  CommandLine parsed;
  bus::FoundDevices found;

  std::string read(std::string_view line) {
    EXPECT_EQ(parsed.parse(line, found), "");
    const auto outcome = parse_parameters(table, parsed.arguments(), &strays);
    return outcome ? "ok" : std::string(Text<256>(std::in_place, outcome.error()).view());
  }
};

TEST(KernelWords, they_are_passed_over_wherever_they_stand) {
  Image image;
  EXPECT_EQ(image.read("pci=off --port=54 root=/dev/vda rw --verbose ro --name pci=off quiet"),
            "ok");
  EXPECT_EQ(image.port, 54);
  EXPECT_TRUE(image.verbose);
  EXPECT_EQ(image.root, "") << "without dashes it is no parameter of the image";
  EXPECT_EQ(image.name, "pci=off")
      << "the value of a parameter is the image's, whatever it looks like";
  EXPECT_EQ(image.passed.view(), " pci=off root=/dev/vda rw ro quiet");
}

TEST(KernelWords, a_value_in_quotes_is_one_word) {
  Image image;
  EXPECT_EQ(image.read(R"(dyndbg.x="file a.c +p" console="tty S0" --name "a b" --root="c d")"),
            "ok");
  EXPECT_EQ(image.name, "a b");
  EXPECT_EQ(image.root, "c d");
}

TEST(KernelWords, an_unknown_one_is_passed_over) {
  Image image;
  EXPECT_EQ(image.read("ds=nocloud pci=off"), "ok");
  EXPECT_EQ(image.passed.view(), " ds=nocloud pci=off");
}

TEST(KernelWords, a_parameter_without_its_dashes_or_misspelt_is_still_an_error) {
  EXPECT_EQ(Image().read("port=54"), "'port=54' is no parameter; did you mean --port?");
  EXPECT_EQ(Image().read("prot=54"), "'prot=54' is no parameter; did you mean --port?");
  EXPECT_EQ(Image().read("--prot=54"), "unknown parameter --prot; did you mean --port?");
  EXPECT_EQ(Image().read("--pci=off"), "unknown parameter --pci; --help lists them");
  EXPECT_EQ(Image().read("greetings"),
            "'greetings' is no parameter: write --name=value (--help lists them)");
  EXPECT_EQ(Image().read("verbos"), "'verbos' is no parameter; did you mean --verbose?");
  EXPECT_EQ(Image().read("--port pci=off"), "--port takes a number from 0 to 65535, not 'pci=off'");
}

TEST(KernelWords, more_of_them_than_a_line_holds_are_passed_over_too) {
  Image image;
  std::string line;
  for (int i = 0; i < 100; ++i) line += "module" + std::to_string(i) + ".option=value ";
  EXPECT_EQ(image.read(line + "--port=7"), "ok");
  EXPECT_EQ(image.port, 7);
}

}  // namespace
}  // namespace fata::kernel
