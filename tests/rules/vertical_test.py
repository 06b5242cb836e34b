"""A vertical feature is one folder. In a copy of the tree, the test adds folders and edits no file:
a library with its part of config.cpp's language, a driver, a board, and a processor.
"""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import rules_test

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLANG = ["-DCMAKE_C_COMPILER=clang-19", "-DCMAKE_CXX_COMPILER=clang++-19"]
LIBRARY = {
    "lib/demo/README.md": "# demo\n",
    "lib/demo/CMakeLists.txt": "fata_library(demo SOURCES src/demo.cpp DEPS base)\n",
    "lib/demo/include/fata/demo/demo.hpp": "#pragma once\nnamespace fata::demo {\nint demo();\n}\n",
    "lib/demo/src/demo.cpp": (
        '#include "fata/demo/demo.hpp"\nint fata::demo::demo() { return 1; }\n'
    ),
    "lib/demo/config/fata/config/demo.hpp": """#pragma once
#include "fata/config/sig/store.hpp"
#include "fata/config/device.hpp"
namespace fata::config {
Device<KeyValue> demo();
}
""",
    "lib/demo/config/demo.cpp": """#include "fata/config/demo.hpp"
fata::config::Device<fata::config::KeyValue> fata::config::demo() {
  return device<KeyValue>({.type = "fata::demo::Demo", .libraries = {"demo"}});
}
""",
}
DRIVER = {
    "platform/drivers/demo/CMakeLists.txt": (
        "fata_library(demo_driver SOURCES src/demo.cpp DEPS base)\n"
    ),
    "platform/drivers/demo/src/demo.cpp": "int demo_driver;\n",
    "platform/drivers/demo/config/demo.cpp": """#include "fata/config/provided.hpp"
#include "fata/config/sig/store.hpp"
namespace fata::config {
const Provides<KeyValue> kDemo(Target::kKvm, [](const Context&, const Request& request) {
  return device<KeyValue>({.type = "fata::demo::Driver", .where = request.where});
});
}
""",
}
BOARD = {
    "platform/board/demo/CMakeLists.txt": (
        "fata_library(board_demo SOURCES src/demo.cpp DEPS base)\n"
    ),
    "platform/board/demo/src/demo.cpp": "int board_demo;\n",
}
PROCESSOR = {
    "platform/arch/demo/CMakeLists.txt": """if(FATA_ARCH STREQUAL "demo")
  fata_library(arch SOURCES src/demo.cpp DEPS base)
endif()
""",
    "platform/arch/demo/src/demo.cpp": "int arch_demo;\n",
    "platform/arch/demo/src/device_memory.cpp": "int device_memory;\n",
    "platform/arch/demo/image.ld": "",
}


class Vertical(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fata-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.tree = self.folder / "tree"
        for name in rules_test.sources(""):
            to = self.tree / name
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to, follow_symlinks=False)

    def add(self, files):
        for name, text in files.items():
            path = self.tree / name
            self.assertFalse(path.exists(), path)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def configured(self, *words):
        build = self.folder / "build"
        self.run_words("cmake", "-S", self.tree, "-B", build, "-G", "Ninja", *words)
        return build

    def run_words(self, *words):
        done = subprocess.run(words, text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_a_library_and_a_driver_are_folders(self):
        self.add(LIBRARY)
        self.add(DRIVER)
        build = self.configured(*CLANG, "-DFATA_TOOL=ON")
        self.assertIn(
            '#include "fata/config/demo.hpp"',
            (build / "config/include/fata/config.hpp").read_text(),
        )
        self.run_words("ninja", "-C", build, "fata_demo", "fata_demo_driver")
        objects = "config/CMakeFiles/fata_config.dir/__/"
        self.run_words(
            *("ninja", "-C", build),
            objects + "lib/demo/config/demo.cpp.o",
            objects + "platform/drivers/demo/config/demo.cpp.o",
        )
        # The command passes the folder of the new headers to the compiler.
        self.assertIn("lib/demo/config", (build / "build.ninja").read_text())

    def test_a_board_and_a_processor_are_folders(self):
        self.add(BOARD)
        self.add(PROCESSOR)
        native = next((ROOT / "cmake").glob("toolchain-kernel-*.cmake"))
        arch = native.stem.removeprefix("toolchain-kernel-")
        toolchain = self.tree / "cmake/toolchain-kernel-demo.cmake"
        text = native.read_text()
        # The compiler has no such processor, so only the name of the axis is another.
        toolchain.write_text(text + 'set(FATA_ARCH demo CACHE STRING "" FORCE)\n')
        build = self.configured("--toolchain", toolchain)
        targets = self.run_words("ninja", "-C", build, "-t", "targets", "all")
        self.assertIn("platform/arch/demo/libfata_arch.a", targets)
        self.assertIn("platform/board/demo/libfata_board_demo.a", targets)
        self.assertNotIn(f"platform/arch/{arch}/libfata_arch.a", targets)


if __name__ == "__main__":
    unittest.main()
