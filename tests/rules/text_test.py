"""Rules that the text of sources and documents shows: width, formatting, length of functions, and
existing names in documents. The argument is the build folder; documents may name its tests.
"""

import pathlib
import re
import subprocess
import sys
import unittest

import coroutine_rules

ROOT = pathlib.Path(__file__).resolve().parents[2]
WIDTH = 100
LONGEST_FUNCTION = 70
# Lines that cannot be broken: Markdown table rows, program output in Markdown, URLs, and lines that
# are a single literal.
UNBROKEN = re.compile(
    r"^\||https?://|^ *R\"|^ *[a-z]*\"(?:\\.|[^\"\\])*\"\S*(?: \()?$|^\S+ TXT |^    sandbox: "
)
# Words that comments and documents must not use: archaic words, and persons in place of machines.
BANNED = re.compile(
    r"(?<![-\w`\"])(anew|mend(?:s|ed|ing)?|whoever|whosoever|nobody|somebody|for ever|shall|seldom"
    r"|gladly|thereof|patience)(?![-\w`\"])"
)
# Parts of identifiers for which the field has a better word: max, min, timeout, a
# semaphore's acquire() and release(), unicast, loopback.
BANNED_NAMES = re.compile(
    r"\b(kMost\w*|kLeast\w*|\w*[pP]atience\w*|Places|give_back|take_home|scarce|kInside"
    r"|LinkCast::k(?:Us|Group|All))\b"
)
# Files with a longer function, and the reason.
LONG_FUNCTIONS = {
    "lib/ip/test/ipv6_test.cpp": "a table of malformed packets",
    "platform/drivers/xen/test/block_queue_test.cpp": "two sides act at random on variables",
    "platform/drivers/xen/test/net_queue_test.cpp": "two sides act at random on variables",
    "tests/tcp-script/calls.cpp": "a table of settings",
}
# Words in code font that are neither a file nor an identifier of the tree, by document.
EXAMPLES = {
    "docs/architecture.md": {"config.ml", "mirage"},
    "docs/decisions/own-libcxx-configuration.md": {"__config_site"},
    "docs/style.md": {"CamelCase", "snake_case", "snake_case.hpp", "get_", "danger_"},
}


def listed(*suffixes):
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        text=True,
        capture_output=True,
    ).stdout.splitlines()
    return [name for name in names if name.endswith(suffixes) and (ROOT / name).is_file()]


def functions(source):
    """(line, lines of the body) of each function and lambda that is too long."""
    code = coroutine_rules.without_text(source)
    opened = []
    for brace in re.finditer(r"[{}]", code):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            start = opened.pop()
            length = code.count("\n", start, brace.start()) - 1
            if length > LONGEST_FUNCTION and coroutine_rules.head_of(code, start) is not None:
                yield code.count("\n", 0, start) + 1, length


def prose(name, text):
    """(position, words) of comments, docstrings and Markdown outside of code."""
    if name.endswith((".cpp", ".hpp", ".S")):
        kinds = [r"//[^\n]*"]
    elif name.endswith(".md"):
        text = re.sub(
            r"(?ms)^```.*?^```|^    [^\n]*", lambda code: re.sub(r"[^\n]", " ", code[0]), text
        )
        kinds = [r"[^\n]+"]
    else:
        kinds = [r"(?m)^\s*#[^\n]*", r'(?s)""".*?"""']
    for kind in kinds:
        for found in re.finditer(kind, text):
            words = found[0].replace('"""', "   ")
            yield found.start(), re.sub(r"`[^`]*`", lambda code: " " * len(code[0]), words)


class Text(unittest.TestCase):
    def test_prose_is_found_and_judged(self):
        for name, text in (
            ("a.cpp", "int a;  // Made anew.\n"),
            ("a.md", "It waits for ever.\n"),
            ("a.py", '"""Whoever calls."""\n'.lower()),
            ("CMakeLists.txt", "# nobody\n"),
        ):
            self.assertTrue(any(BANNED.search(words) for _, words in prose(name, text)), name)
        for name, text in (
            ("a.cpp", "int anew;  // `nobody`, mendacious\n"),
            ("a.md", "    for ever\n\n```\nshall\n```\n"),
        ):
            self.assertFalse(any(BANNED.search(words) for _, words in prose(name, text)), name)

    def test_comments_and_documents_use_plain_words(self):
        wrong = []
        for name in listed(".cpp", ".hpp", ".S", ".md", ".py", ".cmake", "CMakeLists.txt"):
            if name == str(pathlib.Path(__file__).resolve().relative_to(ROOT)):
                continue  # its samples
            text = (ROOT / name).read_text()
            for start, words in prose(name, text):
                for found in BANNED.finditer(words):
                    line = text.count("\n", 0, start + found.start()) + 1
                    wrong.append(f"{name}:{line}: {found[0]}")
        self.assertEqual(wrong, [])

    def test_lines_are_at_most_100_columns_wide(self):
        wide = [
            f"{name}:{number}: {len(line)} columns"
            for name in (
                *listed(".cpp", ".hpp", ".S", ".md", ".py", ".cmake", "CMakeLists.txt"),
                "fata",
            )
            for number, line in enumerate((ROOT / name).read_text().splitlines(), 1)
            if len(line) > WIDTH and not UNBROKEN.search(line)
        ]
        self.assertEqual(wide, [])

    def test_names_are_words_of_the_field(self):
        found = []
        for name in listed(".cpp", ".hpp"):
            code = coroutine_rules.without_text((ROOT / name).read_text())
            found += [f"{name}: {word}" for word in BANNED_NAMES.findall(code)]
        self.assertEqual(found, [])

    def test_no_pipe_ends_before_its_writer(self):
        """Under `pipefail` such a pipe fails now and then: the writer gets SIGPIPE."""
        early = re.compile(r"\|\s*(?:head\b|grep\s+-\w*[qm]|sed\s+-?n?\s*'?\d*q\b)")
        self.assertEqual(
            [
                bool(early.search(line))
                for line in ("a | grep -qx b", "a | head -n 1", "a | grep b")
            ],
            [True, True, False],
        )
        found = []
        for name in listed(""):
            path = ROOT / name
            text = path.read_text(errors="replace")
            if name.endswith((".sh", ".bash")) or re.match(r"#!.*\b(?:ba)?sh\b", text):
                found += [
                    f"{name}:{number}: {line.strip()}"
                    for number, line in enumerate(text.splitlines(), 1)
                    if early.search(line) and not line.lstrip().startswith("#")
                ]
        self.assertEqual(found, [])

    def test_sources_are_formatted(self):
        done = subprocess.run(
            ["clang-format-19", "--dry-run", "-Werror", *listed(".cpp", ".hpp")],
            cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stderr[:3000]), (0, ""))

    def test_functions_are_short(self):
        long = [
            f"{name}:{line}: {length} lines"
            for name in listed(".cpp", ".hpp")
            if name not in LONG_FUNCTIONS
            for line, length in functions((ROOT / name).read_text())
        ]
        self.assertEqual(long, [])

    def test_names_in_documents_exist(self):
        files = listed("")
        folders = {str(folder) for name in files for folder in pathlib.PurePath(name).parents}
        tests = subprocess.run(
            ["ctest", "--test-dir", sys.argv[1], "-N"], capture_output=True, text=True
        ).stdout
        words = set(re.findall(r"Test +#\d+: (\w+?)(?:_corpus)?\s", tests))
        for name in files:
            if not name.endswith(".md"):
                words |= set(re.findall(r"[A-Za-z_]\w*", (ROOT / name).read_text(errors="replace")))
        places = {part for name in (*files, *folders) for part in tails(name)}
        stale = []
        for name in listed(".md"):
            text = re.sub(
                r"(?ms)^```.*?^```",
                lambda block: "\n" * block[0].count("\n"),
                (ROOT / name).read_text(),
            )
            for found in re.finditer(r"`([^`\n]+)`", text):
                word = found[1]
                if word in EXAMPLES.get(name, ()) or known(word, places, words):
                    continue
                stale.append(f"{name}:{text.count(chr(10), 0, found.start()) + 1}: {word}")
        self.assertEqual(stale, [])


def tails(name):
    parts = name.split("/")
    return ("/".join(parts[at:]) for at in range(len(parts)))


def known(word, places, words):
    """False for a path or an identifier that does not exist in this tree."""
    if re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", word) and re.search(
        r"^(\w[\w.-]*/)+|\w\.(hpp|cpp|py|md|sh|cmake|S)$", word
    ):
        made = re.match(r"(build|hello|data|include|PREFIX|xen|given)/", word)
        return (
            bool(made) or "NAME" in word or word.rstrip("/") in places or word.endswith(".qemu.sh")
        )
    if re.fullmatch(r"[A-Za-z_]\w*((::|\.)[A-Za-z_]\w*)*(\(\))?", word):
        return all(part in words for part in re.findall(r"[A-Za-z_]\w*", word))
    return True


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
