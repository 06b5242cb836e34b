"""Rules that the text of the sources shows: folders only depend on lower folders, files stay short,
headers have one include guard.
"""
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The namespaces under <fata/...> that each folder may include. A library's own namespace is always
# allowed.
PLATFORM = {path.name for path in ROOT.glob("platform/**/include/fata/*") if path.is_dir()}
# Boards and hypervisors: an image is linked with one of each, and no other code may depend on them.
# What names each of them (public headers, the library, the path of a private file), and the folders
# that may. The headers fata/xen are those of the drivers; the hypervisor's own are private.
CHOSEN_BY_AN_IMAGE = {
    # The board of the hypervisor kvm is a PC.
    r'#include "fata/board/|\bboard_pc\b': ("platform/board/", "platform/hypervisor/kvm/"),
    r'#include "fata/kvm/|\bplatform_kvm\b': ("platform/hypervisor/kvm/",),
    r"\bplatform_xen\b": ("platform/hypervisor/xen/",),
    r"\.\./(board|hypervisor)/": (),
}
BELOW = {
    "base": {"base"},
    "async": {"base", "async"},
    "sig": {"base", "async", "sig"},
}
# Files outside of a processor's own folder and toolchain file that name a processor, and why.
NAMES_A_PROCESSOR = {
    "CMakePresets.json": "presets cannot compute a name",
    "bench/echo_in_guest.sh": "compares with a guest that was made for a PC",
    "bench/guest_start.py": "compares with a guest in this processor's machine code",
    "platform/linux/src/seccomp_filter.cpp": "system calls that some processors lack",
    "platform/linux/src/seccomp_filter.hpp": "the kernel's number of each processor",
    "tests/cli/refusing.py": "numbers of system calls by processor",
    "tests/e2e/sandbox/probe/attacks.cpp": "attacks by a processor's other system calls",
    "tests/e2e/sandbox/sandbox_test.py": "attacks by a processor's other system calls",
    "tool/lab/machine.py": "the lab is an emulated PC",
    "tool/lab/pieces.py": "the lab is an emulated PC",
    "tool/lab/recipe.py": "the lab is an emulated PC",
}


def sources(*suffixes):
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        text=True,
        capture_output=True,
    ).stdout.split("\n")
    return [
        pathlib.Path(name) for name in listed if name.endswith(suffixes) and (ROOT / name).is_file()
    ]


def includes(path):
    return re.findall(
        r'^\s*#include\s*[<"]fata/([a-z_0-9]+)[/.]', (ROOT / path).read_text(), re.MULTILINE
    )


class Rules(unittest.TestCase):
    def code(self):
        """What images are made of: tests, and what a folder adds to the language of config.cpp, are
        not.
        """
        return [
            path
            for path in sources(".cpp", ".hpp")
            if not {"test", "fuzz", "config"} & set(path.parts)
        ]

    def test_only_host_programs_include_the_language_of_config_cpp(self):
        wrong = [
            f"{path} includes fata/{name}"
            for path in self.code()
            if path.name != "config.cpp" and path.parts[0] != "tool"
            for name in includes(path)
            if name == "config"
        ]
        self.assertEqual(wrong, [])

    def test_the_lower_layers_include_nothing_above_them(self):
        wrong = [
            f"{path} includes fata/{name}"
            for path in self.code()
            if path.parts[0] in BELOW
            for name in includes(path)
            if name not in BELOW[path.parts[0]]
        ]
        self.assertEqual(wrong, [])

    def test_no_library_includes_a_platform(self):
        wrong = [
            f"{path} includes fata/{name}"
            for path in self.code()
            if path.parts[0] in {"lib", *BELOW}
            for name in includes(path)
            if name in PLATFORM
        ]
        self.assertEqual(wrong, [])

    def test_no_library_depends_on_a_board_or_a_hypervisor(self):
        """Neither by a header in include/ nor by the path of a private one, nor in CMake; tests and
        fuzzers of a library included. An image names them: fata_image(), main.cpp, tests/e2e.
        """
        wrong = [
            f"{path} names {pattern}"
            for path in sources(".cpp", ".hpp", ".S", "CMakeLists.txt")
            if path.parts[0] in {"lib", "platform", *BELOW} and len(path.parts) > 2
            for pattern, users in CHOSEN_BY_AN_IMAGE.items()
            if not f"{path}".startswith(users) and re.search(pattern, (ROOT / path).read_text())
        ]
        self.assertEqual(wrong, [])

    def test_a_driver_includes_only_the_bus(self):
        """Beside the layers below and its own folder: no processor, board, hypervisor or kernel."""
        wrong = [
            f"{path} includes {name}"
            for path in self.code()
            if path.parts[:2] == ("platform", "drivers")
            for name in includes(path) + re.findall(r"\.\./\w+", (ROOT / path).read_text())
            if name not in BELOW["sig"] | {"bus", path.parts[2]}
        ]
        self.assertEqual(wrong, [])

    def test_a_library_names_the_libraries_that_it_includes(self):
        wrong = []
        for path in self.code():
            if path.parts[0] != "lib":
                continue
            folder = pathlib.Path(*path.parts[:2])
            named = set(
                re.search(r"DEPS ([a-z_0-9 ]+)", (ROOT / folder / "CMakeLists.txt").read_text())[
                    1
                ].split()
            )
            wrong += [
                f"{path} includes fata/{name}"
                for name in includes(path)
                if name not in named | {folder.name}
            ]
        self.assertEqual(wrong, [])

    def test_no_library_looks_for_the_current_loop(self):
        """A library takes the loop from its Context, as there may be several loops."""
        found = [
            path
            for path in self.code()
            if path.parts[0] == "lib" and "current_loop()" in (ROOT / path).read_text()
        ]
        self.assertEqual(found, [])

    def test_no_engine_of_the_network_includes_a_coroutine_header(self):
        """Neither directly nor by another header."""
        headers = {
            "/".join(path.parts[path.parts.index("include") + 1 :]): path
            for path in sources(".hpp")
            if "include" in path.parts
        }
        found = {}  # the coroutine header that each file includes, or None

        def coroutine_header(path):
            if path not in found:
                found[path] = None
                text = (ROOT / path).read_text()
                if path.parts[0] == "async" or re.search(r"#include <coroutine>", text):
                    found[path] = path
                else:
                    for name in re.findall(r'#include "(fata/[^"]+)"', text):
                        if name in headers and (inner := coroutine_header(headers[name])):
                            found[path] = inner
                            break
            return found[path]

        engines = [
            path
            for path in self.code()
            if path.parts[:2] in {("lib", layer) for layer in ("wire", "ip", "udp", "tcp")}
        ]
        self.assertGreater(len(engines), 90)
        wrong = [
            f"{path} includes {header}" for path in engines if (header := coroutine_header(path))
        ]
        self.assertEqual(wrong, [])

    def test_applications_and_examples_include_no_platform(self):
        """A program of examples/simulation simulates images and is none."""
        wrong = [
            f"{path} includes fata/{name}"
            for path in self.code()
            if path.parts[0] in {"apps", "examples"}
            for name in includes(path)
            if name in PLATFORM
            and (name, path.parent) != ("sim", pathlib.Path("examples/simulation"))
        ]
        self.assertEqual(wrong, [])

    def test_a_processor_is_named_in_its_own_folder_alone(self):
        """Everywhere else its name comes from FATA_ARCH, the plan or the machine. Documents, which
        name files and commands, are not checked.
        """
        found = {
            str(path)
            for path in sources("")
            if path.suffix != ".md"
            and "x86_64" not in str(path)
            and path != pathlib.Path(__file__).resolve().relative_to(ROOT)
            and "x86_64" in (ROOT / path).read_text(errors="replace")
        }
        self.assertEqual(found, set(NAMES_A_PROCESSOR))

    def test_files_are_short(self):
        long = {
            str(path): lines
            for path in sources(".cpp", ".hpp", ".S", ".py")
            if (lines := len((ROOT / path).read_text().splitlines())) > 500
        }
        self.assertEqual(long, {})

    def test_every_header_is_included_once(self):
        wrong = [
            str(path) for path in sources(".hpp") if "#pragma once" not in (ROOT / path).read_text()
        ]
        self.assertEqual(wrong, [])

    def test_public_headers_include_only_public_headers(self):
        """Compiling a source that includes the header first does not prove this, because the source
        can also include its library's private headers.
        """
        public = {
            "fata/" + str(path).split("include/fata/")[1]: path
            for path in sources(".hpp")
            if "include/fata/" in str(path)
        }
        wrong = [
            f"{path} includes {name}"
            for path in public.values()
            for name in re.findall(
                r'^\s*#include\s*(?:"|<(?=fata/))([^">]+)', (ROOT / path).read_text(), re.MULTILINE
            )
            if name not in public
        ]
        self.assertEqual(wrong, [])

    def test_every_library_says_what_it_supports(self):
        libraries = {
            path.parent
            for path in sources("CMakeLists.txt")
            if path.parts[0] == "lib" and len(path.parts) == 3
        }
        wrong = [
            str(folder)
            for folder in libraries
            if not (ROOT / folder / "README.md").is_file()
            or not (ROOT / folder / "README.md").read_text().startswith(f"# {folder.name}: ")
        ]
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
