"""boot_files(): an image gets the files of a folder at its start, on every target."""
import json
import os
import random
import subprocess
import unittest

from fata import BUILD, FataTest

READER = ["examples/devices/kv-ro", "-D", "files=boot"]
KVM = [*READER, "-t", "kvm", "--build-dir", BUILD / "kv-ro-boot-kvm"]
LINUX = [*READER, "--build-dir", BUILD / "kv-ro-boot-linux"]
HUNGRY = {
    "config_cpp": """#include <fata/config.hpp>
using namespace fata::config;
Plan plan(const Context& context) {
  auto job = functor<Job(KeyValue, Console)>("hungry::Hungry", "hungry.hpp");
  Plan plan("hungry");
  plan.run(job(boot_files(context), default_console()));
  return plan;
}
""",
    "hungry_hpp": """#pragma once
#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/base/text.hpp>
#include <fata/sig/key_value.hpp>
#include <cstdlib>
#include <cstring>
namespace hungry {
// Fills nearly all of its memory, and then sums up its file.
template <class Files, class Console>
class Hungry {
 public:
  Hungry(fata::async::Context& context, Files& files, Console& console)
      : memory_(context.memory), files_(&files), console_(&console) {}
  fata::async::Task<int> start() {
    const std::size_t mebibytes = (memory_ >> 20) - 2;
    for (std::size_t i = 0; i < mebibytes; ++i) {
      kept_ = std::malloc(1 << 20);
      std::memset(kept_, 0xff, 1 << 20);
    }
    const auto file = co_await files_->get("large", fata::async::Wait{});
    unsigned sum = 0;
    for (const std::byte b : file->bytes()) sum = sum * 31 + static_cast<unsigned>(b);
    console_->write(fata::Text<80>(std::in_place, "sum ", sum, " of ", file->size(), " after ",
                                   mebibytes, " MiB\\n").view());
    co_return 0;
  }

 private:
  std::size_t memory_;
  Files* files_;
  Console* console_;
  void* volatile kept_ = nullptr;
};
}  // namespace hungry
""",
}

VANDAL = {
    "config_cpp": HUNGRY["config_cpp"].replace("hungry", "vandal").replace("Hungry", "Vandal"),
    "vandal_hpp": """#pragma once
#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/sig/key_value.hpp>
namespace vandal {
// Writes to its file.
template <class Files, class Console>
class Vandal {
 public:
  Vandal(fata::async::Context&, Files& files, Console& console)
      : files_(&files), console_(&console) {}
  fata::async::Task<int> start() {
    const auto file = co_await files_->get("large", fata::async::Wait{});
    console_->write("writing\\n");
    *const_cast<volatile std::byte*>(file->bytes().data()) = std::byte{1};
    console_->write("written\\n");
    co_return 0;
  }

 private:
  Files* files_;
  Console* console_;
};
}  // namespace vandal
""",
}


class Files(FataTest):
    def setUp(self):
        super().setUp()
        self.files = self.folder / "boot files"
        (self.files / "zones").mkdir(parents=True)
        (self.files / "key.pem").write_text("secret\n")
        (self.files / "zones/a.zone").write_text("a" * 5000)
        (self.files / "zones/link.zone").symlink_to("a.zone")

    def boot(self, archive, *words):
        """Runs the script that was written for QEMU."""
        return subprocess.run(
            ["sh", BUILD / "kv-ro-boot-kvm/kv-ro.qemu.sh", *words],
            env={**os.environ, "FILES": str(archive)},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )

    def test_each_target_lists_and_reads_the_folder(self):
        listing = "key.pem 7\nzones/a.zone 5000\nzones/link.zone 5000\n"
        for target in (LINUX, KVM):
            done = self.run_fata("run", *target, "--files", self.files)
            self.assertEqual(done.stdout, listing)
            done = self.run_fata("run", *target, "--files", self.files, "--", "--key=key.pem")
            self.assertEqual(done.stdout, "secret\n")
        q35 = self.run_fata("run", *KVM, "--machine", "q35", "--files", self.files)
        self.assertEqual(q35.stdout, listing)

    def test_the_written_script_passes_any_archive(self):
        self.run_fata("build", *KVM)
        archive = self.folder / "my files.tar"
        # As a user would make it, with GNU tar's own format.
        subprocess.run(["tar", "-C", self.files, "-hcf", archive, "."], check=True)
        done = self.boot(archive, "--key=key.pem")
        self.assertEqual((done.stdout.splitlines(), done.returncode), (["secret"], 3), done.stderr)

    def test_a_missing_or_malformed_archive_is_one_line_and_status_64(self):
        self.run_fata("build", *KVM)
        for content, reason in (
            (b"x" * 2000, "tar: a header has a wrong checksum, in block (1)"),
            (b"x" * 100, "tar: the archive ends within an entry, in block (1)"),
        ):
            archive = self.folder / "bad.tar"
            archive.write_bytes(content)
            done = self.boot(archive)
            self.assertEqual(done.stdout, f"kv-ro: cannot set up the boot files: {reason}\n")
            self.assertEqual(done.returncode, 2 * 64 + 3)
        done = self.run_fata("run", *KVM, status=64)
        self.assertEqual(
            done.stdout,
            (
                "kv-ro: cannot set up the boot files: tar: the image was started without an"
                " archive; start it with one as initial ramdisk (fata run --files FOLDER)\n"
            ),
        )

    def test_the_files_of_hypervisors_name_the_archive(self):
        self.run_fata("configure", *KVM)
        folder = BUILD / "kv-ro-boot-kvm"
        archive = str(folder / "kv-ro.files.tar")
        firecracker = json.loads((folder / "kv-ro.firecracker.json").read_text())
        self.assertEqual(firecracker["boot-source"]["initrd_path"], archive)
        hypervisor = json.loads((folder / "kv-ro.cloud-hypervisor.json").read_text())
        self.assertEqual(hypervisor["payload"]["initramfs"], archive)
        self.assertIn(f"<initrd>{archive}</initrd>", (folder / "kv-ro.libvirt.xml").read_text())
        xen = [*READER, "-t", "xen", "--build-dir", BUILD / "kv-ro-boot-xen"]
        self.run_fata("configure", *xen)
        folder = BUILD / "kv-ro-boot-xen"
        self.assertIn(
            f'\nramdisk = "{folder}/kv-ro.files.tar"\n', (folder / "kv-ro.xl").read_text()
        )

    def test_the_memory_of_the_files_is_never_given_to_the_heap(self):
        hungry = self.application("hungry", **HUNGRY)
        content = random.Random(1).randbytes(12 << 20)
        (self.files / "large").write_bytes(content)
        wanted = 0
        for byte in content:
            wanted = (wanted * 31 + byte) & 0xFFFFFFFF
        done = self.run_fata("run", hungry, "-t", "kvm", "--memory", 32, "--files", self.files)
        self.assertRegex(done.stdout, rf"^sum {wanted} of {12 << 20} after 1[0-9] MiB\n$")

    def test_the_files_of_a_kernel_cannot_be_written(self):
        vandal = self.application("vandal", **VANDAL)
        (self.files / "large").write_bytes(bytes(10000))
        done = self.run_fata("run", vandal, "-t", "kvm", "--files", self.files, status=125)
        self.assertTrue(done.stdout.startswith("writing\n"), done.stdout)
        self.assertNotIn("written", done.stdout)
        self.assertRegex(
            done.stdout,
            (
                r"\nfatal: wrote to initial ramdisk \(read-only page\): address 0x.*, code 0x.*\n"
                r"  rax (.*\n)* +#0 .*\n"
                r" +vandal::Vandal<.*>::start\(\) \(\.resume\) at .*vandal\.hpp:15"
            ),
        )

    def test_a_wrong_folder_is_one_line(self):
        hello = "examples/tutorial/hello"
        self.refused(
            "fata: --files: this application takes no boot files; see boot_files() in config.cpp",
            *("run", hello, "--files", self.files),
        )
        self.refused("fata: --files nowhere: no such folder", "run", *LINUX, "--files", "nowhere")
        key = self.files / "key.pem"
        self.refused(f"fata: --files {key}: is no folder", "run", *KVM, "--files", key)


class PrivateKeys(FataTest):
    """crunch() warns of a private key, which every reader of an image could read."""

    CONFIG = """#include <fata/config.hpp>
using namespace fata::config;
Plan plan(const Context&) {
  Plan plan("keys");
  plan.run(functor<Job(KeyValue)>("keys::Job", "keys.hpp")(crunch("files")));
  return plan;
}
"""
    MADE = {
        "pkcs8.pem": "openssl genpkey -algorithm ED25519",
        "ec.pem": "openssl ecparam -name prime256v1 -genkey -noout",
        "rsa.pem": "openssl genrsa -traditional 1024",
        "locked.pem": "openssl genpkey -algorithm X25519 -aes128 -pass pass:x",
        "pkcs8.der": "openssl genpkey -algorithm ED25519 -outform DER",
        "rsa.der": "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -outform DER",
        "pkcs1.der": "openssl rsa -in {f}/rsa.pem -traditional -outform DER",
        "ec.der": "openssl ec -in {f}/ec.pem -outform DER",
        "locked.der": "openssl pkcs8 -topk8 -in {f}/ec.pem -outform DER -passout pass:x",
        "both.p12": "openssl pkcs12 -export -nocerts -inkey {f}/ec.pem -passout pass:",
    }
    WRITTEN = {
        "ssh": "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n",
        "ssh2": "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/5\n",
        "chain.pem": "-----BEGIN CERTIFICATE-----\r\nMII\r\n-----BEGIN RSA PRIVATE KEY-----\r\n",
        "putty": "PuTTY-User-Key-File-3: ssh-ed25519\n",
        "age": "# created: today\nAGE-SECRET-KEY-1QQ\n",
        "wg0.conf": "[Interface]\n  PrivateKey = aGVsbG8=\n",
        "Kexample.+013+1.private": "Private-key-format: v1.3\nAlgorithm: 13\n",
        "key.jwk": '{"kty":"OKP","crv":"Ed25519","d":"nWGx"}',
    }
    PUBLIC = {
        "notes.txt": "A PRIVATE KEY belongs into boot files.\n",
        "public.pem": "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n",
        "public.jwk": '{"kty":"OKP","crv":"Ed25519","x":"11qY"}',
        "wg1.conf": "PrivateKeyFile = /key\nPublicKey = aGVsbG8=\n",
        "short.der": "0\x84",
        "nothing": "",
    }

    def warnings(self, app):
        done = self.run_fata("configure", app)
        return [line for line in done.stderr.splitlines() if "private key" in line]

    def test_each_format_is_recognised_and_public_files_are_not(self):
        app = self.application("keys", config_cpp=self.CONFIG, keys_hpp="")
        files = app / "files"
        files.mkdir()
        made = self.folder / "made"
        made.mkdir()
        for name, text in self.PUBLIC.items():
            (files / name).write_text(text)
        command = "openssl req -x509 -newkey rsa:1024 -noenc -keyout /dev/null -subj /CN=x"
        (made / "public.crt").write_bytes(self.output(command))
        (files / "public.crt").write_bytes((made / "public.crt").read_bytes())
        self.assertEqual(self.warnings(app), [])
        for name, command in self.MADE.items():
            (made / name).write_bytes(self.output(command.format(f=made)))
        for name, text in self.WRITTEN.items():
            (made / name).write_text(text, newline="")
        for name in [*self.MADE, *self.WRITTEN]:
            with self.subTest(name):
                (files / name).write_bytes((made / name).read_bytes())
                (line,) = self.warnings(app)
                self.assertEqual(
                    line,
                    (
                        'fata: warning: config.cpp:5: crunch("files") links a private key into the'
                        f" image, for every reader of the image: {name}; boot_files() passes files"
                        " at the image's start instead"
                    ),
                )
                (files / name).unlink()
        for name in ("ssh", "age"):
            (files / name).write_text(self.WRITTEN[name])
        self.assertIn("links private keys into the image", self.warnings(app)[0])
        self.assertIn(": age and 1 more;", self.warnings(app)[0])

    def output(self, command):
        return subprocess.run(command.split(), capture_output=True, check=True).stdout


if __name__ == "__main__":
    unittest.main()
