"""fata run -t kvm: the guest's console, network, exit status, backtraces and end."""
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import unittest

from fata import BUILD, FATA, QEMU, ROOT, FataTest, last_answer

DNS = ["apps/dns", "-t", "kvm", "--build-dir", BUILD / "dns-kvm"]
NOOP = ["examples/tutorial/noop", "-t", "kvm", "--build-dir", BUILD / "noop-kvm"]
CRASH_CONFIG = """#include <fata/config.hpp>
using namespace fata::config;
Plan plan(const Context&) {
  return Plan("crash").run(functor<Job()>("crash::Crash", "crash.hpp")());
}
"""
CRASH = """#pragma once
#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
namespace crash {
[[gnu::noinline]] inline void fall(int depth) {
  if (depth == 0) fata::panic("fell down");
  fall(depth - 1);
  asm volatile("");
}
class Crash {
 public:
  explicit Crash(fata::async::Context&) {}
  fata::async::Task<int> start() { fall(3); co_return 0; }
};
}  // namespace crash
"""


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Kernel(FataTest):
    def test_answers_through_forwarded_ports_records_packets_and_ends_when_asked(self):
        port = free_port()
        self.run_fata("build", *DNS)
        capture = self.folder / "dns.pcap"
        guest = subprocess.Popen(
            [*FATA, "run", *map(str, DNS), "--pcap", capture, "--", f"--port={port}"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for line in guest.stdout:
            if "serving on port" in line:
                break
        dig = [
            "dig",
            "+short",
            "+time=2",
            "+tries=5",
            "@127.0.0.1",
            "-p",
            str(port),
            "www.example.org",
            "A",
        ]
        answer = last_answer(subprocess.run(dig, text=True, capture_output=True).stdout)
        guest.send_signal(signal.SIGINT)
        rest, errors = guest.communicate(timeout=30)
        self.assertEqual((answer, guest.returncode), ("192.0.2.80\n", 0), rest + errors)
        self.assertRegex(rest, "served: queries [1-5],")
        self.assertIn(f"fata: 127.0.0.1:{port}/udp is forwarded to the guest's port {port}", errors)
        self.assertEqual(capture.read_bytes()[:4], bytes.fromhex("d4c3b2a1"))
        self.assertIn(b"\x03www\x07example\x03org", capture.read_bytes())

    def test_says_which_port_is_in_use(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            done = self.run_fata("run", *DNS, "--forward", f"udp:{port}:1053", status=64)
        self.assertEqual(
            done.stderr.splitlines()[-1],
            (
                f"fata: udp port {port} of the host is in use; forward another with --forward"
                " udp:PORT:1053"
            ),
        )

    def test_tells_qemus_failure_from_the_images(self):
        done = self.run_fata("run", *NOOP, "--accel", "tcg", "--memory", "999999999", status=70)
        self.assertRegex(
            done.stderr.splitlines()[-1],
            r"^fata: QEMU itself failed, not the image \(its status \d+\)",
        )

    def test_forwarded_clients_are_exempt_from_the_rate_limit(self):
        """The guest sees the forwarder's address for all of them."""
        self.run_fata("build", *DNS)
        script = self.run_fata("query", *DNS, "build-dir").stdout.strip() + "/dns.qemu.sh"
        fake = self.folder / QEMU
        fake.write_text('#!/bin/sh\nfor w; do printf "%s\\n" "$w"; done\n')
        fake.chmod(0o755)
        both = "10.0.2.2,fec0::2"
        run = ("run", *DNS, "--accel", "tcg", "--dry-run")
        cases = (
            ([], [f"--rrl-exempt={both}"]),
            (["--rrl=5"], ["--rrl=5", f"--rrl-exempt={both}"]),
            (["--rrl-exempt=::/8", "--rrl=5"], [f"--rrl-exempt=::/8,{both}", "--rrl=5"]),
            (["--rrl-exempt", "192.0.2.1"], ["--rrl-exempt", f"192.0.2.1,{both}"]),
            (["--rrl-exempt"], ["--rrl-exempt"]),
        )
        for words, wanted in cases:
            with self.subTest(words=words):
                line = self.run_fata(*run, "--", *words).stdout
                self.assertEqual(shlex.split(line)[-2:], ["-append", " ".join(wanted)])
                # The script does not extend a list that its caller passes.
                if any("exempt" in word for word in words):
                    wanted = words
                env = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}
                ran = subprocess.run(
                    ["sh", script, *words], text=True, capture_output=True, env=env
                )
                self.assertEqual(ran.stdout.splitlines()[-2:], ["-append", " ".join(wanted)])
        tap = self.run_fata(*run, "--link", "tap", "--", "--rrl=5").stdout
        self.assertEqual(shlex.split(tap)[-1], "--rrl=5")
        lab = ["apps/dns", "-t", "xen", "--build-dir", BUILD / "dns-xen"]
        self.run_fata("run", *lab, "--lab", "--dry-run", "--", "--rrl=5")
        folder = self.run_fata("query", *lab, "build-dir").stdout.strip()
        self.assertIn(f"--rrl=5 --rrl-exempt={both}", pathlib.Path(folder, "run.xl").read_text())

    def test_images_stay_small(self):
        hello = ["examples/tutorial/hello", "-t", "kvm", "--build-dir", BUILD / "hello-kvm"]
        # The name server includes every record type of the registry by name, with strict parsing.
        for app, most, most_unpacked in ((hello, 23_700, 37_850), (DNS, 193_650, 357_900)):
            text = self.run_fata("build", *app).stdout
            image = self.run_fata("query", *app, "image").stdout.strip()
            packed = pathlib.Path(image).stat().st_size
            unpacked = int(
                re.search(rf"^{image}\n +{packed} bytes, packed\n +(\d+) bytes, unpacked\n", text)[
                    1
                ]
            )
            self.assertLessEqual(packed, most, image)
            self.assertLessEqual(unpacked, most_unpacked, image)

    def test_a_plain_image_is_as_large_as_it_is_unpacked(self):
        sizes = json.loads(self.run_fata("query", *NOOP, "size", "--json").stdout)
        self.assertLess(sizes["stripped"], sizes["unpacked"])
        plain = [
            "examples/tutorial/noop",
            "-t",
            "kvm",
            "--build-dir",
            BUILD / "noop-plain-kvm",
            "--plain",
        ]
        self.run_fata("run", *plain)
        plain_sizes = json.loads(self.run_fata("query", *plain, "size", "--json").stdout)
        self.assertEqual(
            (plain_sizes["stripped"], plain_sizes["unpacked"]),
            (sizes["unpacked"], sizes["unpacked"]),
        )

    def test_boots_on_every_machine(self):
        for machine in ("microvm", "pc", "q35"):
            self.run_fata("run", *NOOP, "--machine", machine)

    def test_words_of_a_hypervisor_are_not_the_application_s(self):
        key = ["examples/tutorial/hello-key", "-t", "kvm", "--build-dir", BUILD / "hello-key-kvm"]
        self.run_fata("build", *key)

        def said(*words, status=0):
            done = self.run_fata("run", *key, "--accel", "tcg", "--", *words, status=status)
            return done.stdout

        firecracker = (
            "reboot=k panic=1 nomodule 8250.nr_uarts=0 i8042.noaux i8042.nomux swiotlb=noforce"
            .split()
        )
        told = said(
            *firecracker,
            "--greeting=Hello",
            "pci=off",
            "--times=1",
            "root=/dev/vda",
            "rw",
            "--log=debug",
        )
        self.assertIn("Hello, world!", told)
        self.assertRegex(
            told,
            (
                r"debug parameters: passed over, as words of a hypervisor: reboot=k .* pci=off"
                r" root=/dev/vda rw\n"
            ),
        )
        self.assertEqual(
            said(*firecracker, "--times=1", "--greeting", "pci=off"), "pci=off, world!\n"
        )
        self.assertEqual(
            said("--times=1", "ds=nocloud", "--greeting=Hello", "quiet"), "Hello, world!\n"
        )
        for words, line in (
            (["times=1"], "'times=1' is no parameter; did you mean --times?"),
            (["--tims=1", "pci=off"], "unknown parameter --tims; did you mean --times?"),
            (["somewhere"], "'somewhere' is no parameter: write --name=value (--help lists them)"),
        ):
            self.assertIn(f"hello-key: {line}", said(*words, status=64))

    def test_leaves_its_callers_input_alone(self):
        self.run_fata("build", *NOOP)
        run = shlex.join(map(str, [*FATA, "run", *NOOP]))
        done = subprocess.run(
            ["bash", "-c", f"{run} >/dev/null 2>&1; cat"],
            cwd=ROOT,
            input="for the next\n",
            text=True,
            capture_output=True,
        )
        self.assertEqual(done.stdout, "for the next\n")

    def test_waits_for_a_debugger_if_told_to(self):
        line = self.run_fata("run", *NOOP, "--gdb", "--accel", "tcg", "--dry-run").stdout
        self.assertIn(" -S -gdb tcp:127.0.0.1:1234 ", line)
        self.assertIn("fata.base=0x", line)

    def test_a_debugger_attaches_by_the_line_it_prints(self):
        self.run_fata("build", *NOOP)
        guest = subprocess.Popen(
            [*FATA, "run", *map(str, NOOP), "--gdb", "--accel", "tcg"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(guest.kill)
        line = next(line for line in guest.stderr if "attach with: " in line).split(
            "attach with: "
        )[1]
        gdb = subprocess.run(
            [
                *shlex.split(line),
                "-batch",
                "-ex",
                "hbreak fata::image_main",
                "-ex",
                "continue",
                "-ex",
                "backtrace",
                "-ex",
                "list",
                "-ex",
                "kill",
            ],
            text=True,
            capture_output=True,
            timeout=60,
        )
        rest, errors = guest.communicate(timeout=30)
        self.assertRegex(
            gdb.stdout, r"#0 +fata::image_main.*main\.cpp:\d+\n#1 .* in fata::run_image", gdb.stderr
        )
        self.assertIn(
            "image_noop::run(context)", gdb.stdout, "the source of the generated main is found"
        )
        self.assertEqual(
            (guest.returncode, errors.splitlines()[-1]), (0, "fata: the debugger ended it"), rest
        )

    def test_a_comma_in_the_name_of_a_capture_reaches_qemu_doubled(self):
        line = self.run_fata(
            "run", *DNS, "--accel", "tcg", "--dry-run", "--pcap", "a,b.pcap"
        ).stdout
        self.assertIn("file=a,,b.pcap ", line)

    def test_quotes_parameters_for_the_kernels_command_line(self):
        line = self.run_fata(
            "run", *NOOP, "--accel", "tcg", "--dry-run", "--", "--a=b c", '--d=e"f\\g'
        ).stdout
        self.assertTrue(line.endswith(' -append \'"--a=b c" "--d=e\\"f\\\\g"\'\n'), line)

    def test_explains_backtraces(self):
        app = self.application("crash", config_cpp=CRASH_CONFIG, crash_hpp=CRASH)
        done = subprocess.run([*FATA, "run", str(app), "-t", "kvm"], text=True, capture_output=True)
        self.assertNotIn(done.returncode, (0, 64, 70), done.stderr)
        text = done.stdout.replace("\r", "")
        self.assertIn("fell down", text)
        places = [
            line
            for line in text.splitlines()
            if re.search(r"^ +crash::fall\(int\) at .*/crash\.hpp:\d+", line)
        ]
        self.assertGreaterEqual(len(places), 3, text)


if __name__ == "__main__":
    unittest.main()
