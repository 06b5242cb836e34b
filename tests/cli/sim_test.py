"""Images for the target sim: two plans run side by side in one simulator, alone or on a network
that loses frames; one panics and starts again while the other continues, and the run repeats to
the byte.
"""

import re
import subprocess
import unittest

from fata import ARCH, PROCESSES, ROOT, FataTest

TICKER = {
    "config_cpp": """#include <fata/config.hpp>
using namespace fata::config;
Plan plan(const Context& context) {
  auto ticker = functor<Job(Console, Random, Block)>("ticker::Ticker", "ticker.hpp");
  Plan plan("ticker");
  plan.run(ticker(default_console(), default_random(), default_block(context),
                  parameter("every", Duration{"10ms"}, "")));
  return plan;
}
""",
    "ticker_hpp": """#pragma once
#include <fata/async/context.hpp>
#include <fata/async/wait.hpp>
#include <fata/base/text.hpp>
namespace ticker {
template <class Console, class Random, class Disk>
class Ticker {
 public:
  Ticker(fata::async::Context& context, Console& console, Random& random, Disk& disk,
         fata::Duration every)
      : context_(&context), console_(&console), random_(&random), disk_(&disk), every_(every) {}
  fata::async::Task<int> start() {
    while (co_await fata::async::sleep(every_, context_->stop)) {
      std::array<std::byte, 512> sector{};
      random_->fill(sector);
      if (!co_await disk_->write(0, sector, fata::async::Wait{})) co_return 1;
      console_->write(fata::Text<80>(std::in_place, context_->loop.now().ns / 1'000'000, " ms ",
                                     static_cast<unsigned>(sector[0]), "\\n").view());
    }
    co_return 3;
  }

 private:
  fata::async::Context* context_;
  Console* console_;
  Random* random_;
  Disk* disk_;
  fata::Duration every_;
};
}  // namespace ticker
""",
}
FAULTY = {
    "config_cpp": """#include <fata/config.hpp>
using namespace fata::config;
Plan plan(const Context&) {
  auto faulty = functor<Job(Console)>("faulty::Faulty", "faulty.hpp");
  Plan plan("faulty");
  plan.run(faulty(default_console(), parameter("after", Duration{"1s"}, "")));
  return plan;
}
""",
    "faulty_hpp": """#pragma once
#include <fata/async/context.hpp>
#include <fata/async/wait.hpp>
#include <fata/base/panic.hpp>
namespace faulty {
template <class Console>
class Faulty {
 public:
  Faulty(fata::async::Context& context, Console& console, fata::Duration after)
      : context_(&context), console_(&console), after_(after) {}
  fata::async::Task<int> start() {
    console_->write("started\\n");
    (void)co_await fata::async::sleep(after_, context_->stop);
    fata::check(context_ == nullptr, "this image is faulty");
    co_return 0;
  }

 private:
  fata::async::Context* context_;
  Console* console_;
  fata::Duration after_;
};
}  // namespace faulty
""",
}
BOTH = """#include <fata/sim/simulator.hpp>
#include <cstdio>
#include <cstdlib>

namespace image_ticker { fata::async::Task<int> run(fata::async::Context& context); }
namespace image_faulty { fata::async::Task<int> run(fata::async::Context& context); }

int main(int, char** words) {
  using fata::milliseconds;
  fata::sim::Simulator simulator(std::strtoull(words[1], nullptr, 10));
  auto& ticker = simulator.start(image_ticker::run);
  auto& first = simulator.start(image_faulty::run, {"--after=25ms"});
  simulator.run(fata::Instant{} + milliseconds(40));
  auto& second = simulator.start(image_faulty::run, {"--after=35ms"});
  simulator.run(fata::Instant{} + milliseconds(100));
  ticker.platform().request_stop();
  simulator.run(fata::Instant{} + milliseconds(200));
  std::printf("%s%d\\n%s%s\\n%s%s\\n", ticker.platform().console().c_str(), ticker.status(),
              first.platform().console().c_str(), first.panic().c_str(),
              second.platform().console().c_str(), second.panic().c_str());
}
"""
CMAKE = """cmake_minimum_required(VERSION 3.25)
project(both LANGUAGES CXX)
set(FATA_GENERATED ON)
set(FATA_PLATFORM process)
set(FATA_ARCH {arch})
set(fata_DIR "{package}")
find_package(fata CONFIG REQUIRED)
add_subdirectory("{ticker}" ticker)
add_subdirectory("{faulty}" faulty)
add_executable(both both.cpp)
target_link_libraries(both PRIVATE ticker faulty)
"""


class Simulated(FataTest):
    def built(self, name, files):
        """The folder of the application's generated files."""
        app = self.application(name, **files)
        library = self.run_fata("build", app, "-t", "sim").stdout.strip()
        self.assertEqual(library, f"{app}/.fata/sim/build/lib{name}.a")
        return app / ".fata/sim"

    def run_words(self, *words):
        done = subprocess.run(words, text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_two_plans_run_side_by_side(self):
        both = self.folder / "both"
        folders = {"ticker": self.built("ticker", TICKER), "faulty": self.built("faulty", FAULTY)}
        both.mkdir()
        (both / "both.cpp").write_text(BOTH)
        (both / "CMakeLists.txt").write_text(
            CMAKE.format(arch=ARCH, package=ROOT / "build" / PROCESSES, **folders)
        )
        clang = ["-DCMAKE_CXX_COMPILER=clang++-19", "-DCMAKE_BUILD_TYPE=Release"]
        self.run_words("cmake", "-S", both, "-B", both / "build", "-G", "Ninja", *clang)
        self.run_words("ninja", "-C", both / "build", "both")
        program = both / "build/both"
        run = self.run_words(program, "1")
        lines = run.splitlines()
        self.assertEqual(
            [line.split(" ms ")[0] for line in lines[:9]], [f"{n}0" for n in range(1, 10)]
        )
        after = lines.index("3")
        self.assertEqual(after, run.count(" ms "))
        self.assertEqual(lines[after + 1], "started")
        self.assertRegex(lines[after + 2], r"^this image is faulty at .*faulty\.hpp:\d+$")
        self.assertEqual(lines[after + 1 : after + 3], lines[after + 3 :])
        self.assertEqual(run, self.run_words(program, "1"))
        self.assertNotEqual(run, self.run_words(program, "2"))

    def test_two_plans_talk_on_a_network_that_loses_frames(self):
        built = self.folder / "world"
        clang = ["-DCMAKE_CXX_COMPILER=clang++-19", "-DCMAKE_BUILD_TYPE=Release"]
        package = f"-Dfata_DIR={ROOT / 'build' / PROCESSES}"
        example = ROOT / "examples/simulation"
        self.run_words("cmake", "-S", example, "-B", built, "-G", "Ninja", package, *clang)
        self.run_words("ninja", "-C", built)
        run = self.run_words(built / "world", "1")
        lines = run.splitlines()
        answers = {
            int(number): float(second)
            for second, number in re.findall(
                r"^\[ *([\d.]+)\] info client: answer (\d+)$", run, re.M
            )
        }
        # The server does not exist from the 5th second to the 8th.
        self.assertGreater(sum(second < 5 for second in answers.values()), 10)
        self.assertFalse([second for second in answers.values() if 5 < second < 8])
        self.assertGreater(sum(second > 8 for second in answers.values()), 10)
        self.assertRegex(run, r"info client: question \d+: wait: the deadline has passed\n")
        self.assertIn(f"info client: {len(answers)} answers", run)
        self.assertIn("server: killed, then status 0", lines)
        self.assertEqual(
            len(re.findall(r"\[ +([08])\.000\] info tcp-echo: echoing on port", run)), 2
        )
        self.assertRegex(run, r"info tcp-echo: \d+ connections, \d+ bytes echoed, \d+ broken\n")
        self.assertRegex(lines[-1], r"^frames: [0-9a-f]{16}$")
        self.assertEqual(run, self.run_words(built / "world", "1"))
        self.assertNotEqual(lines[-1], self.run_words(built / "world", "2").splitlines()[-1])

    def test_a_device_without_a_simulated_model_is_one_line(self):
        app = self.application(
            "network",
            config_cpp=FAULTY["config_cpp"]
            .replace("const Context&", "const Context& context")
            .replace("Job(Console)", "Job(Udp)")
            .replace("default_console()", "default_stack(context, {.netstat = true}).udp"),
        )
        done = self.run_fata("configure", app, "-t", "sim", status=64)
        self.assertRegex(
            done.stderr, r"^fata: config\.cpp:6: the target sim has no requests for a report\n$"
        )

    def test_an_image_runs_alone(self):
        app = self.application("ticker", **TICKER)
        words = ["run", app, "-t", "sim", "--for", "50ms"]
        first = self.run_fata(*words, "--", "--every=20ms")
        self.assertRegex(first.stdout, r"^20 ms \d+\n40 ms \d+\n$")
        self.assertEqual(
            first.stderr.splitlines()[-1],
            "fata: 50.0ms have been simulated; --for=TIME simulates more",
        )
        self.assertEqual(self.run_fata(*words, "--", "--every=20ms").stdout, first.stdout)
        other = self.run_fata(*words, "--seed", "9", "--", "--every=20ms").stdout
        self.assertRegex(other, r"^20 ms \d+\n40 ms \d+\n$")
        self.assertNotEqual(other, first.stdout)
        self.refused("fata: --for 5x: write a time such as 250ms or 1.5s", *words[:4], "--for=5x")
        self.refused(
            "fata: --memory: a simulated image runs on no machine; use it with -t kvm",
            *(*words, "--memory=64"),
        )
        self.refused("fata: --seed: is for -t sim", "run", app, "--seed=1")

    def test_a_panic_of_an_image_that_runs_alone_is_its_status(self):
        app = self.application("faulty", **FAULTY)
        done = self.run_fata("run", app, "-t", "sim", "--", "--after=5ms", status=125)
        self.assertEqual(done.stdout, "started\n")
        self.assertRegex(done.stderr, r"panic: this image is faulty at .*faulty\.hpp:\d+\n$")

    def test_an_image_that_waits_for_nothing_ends_with_a_line(self):
        waiting = FAULTY["faulty_hpp"].replace(
            "fata::async::sleep(after_, context_->stop)",
            "fata::async::WaitQueue().wait(fata::async::Wait::cancelled_by(context_->stop))",
        )
        app = self.application("faulty", config_cpp=FAULTY["config_cpp"], faulty_hpp=waiting)
        done = self.run_fata("run", app, "-t", "sim")
        self.assertEqual(
            done.stderr.splitlines()[-1],
            "fata: after 0ns the image waits for something that cannot happen",
        )

    def test_an_image_that_runs_alone_records_its_frames(self):
        capture = self.folder / "frames.pcapng"
        app = ROOT / "examples/devices/tcp-echo"
        folder = ("--build-dir", self.folder / "echo")
        done = self.run_fata("run", app, "-t", "sim", *folder, "--for=5s", "--pcap", capture)
        self.assertIn("info tcp-echo: echoing on port 7007\n", done.stderr)
        frames = capture.read_bytes()
        self.assertEqual(frames[:4], bytes.fromhex("0a0d0d0a"))
        self.assertIn(bytes.fromhex("02fa00010000"), frames[60:])


if __name__ == "__main__":
    unittest.main()
