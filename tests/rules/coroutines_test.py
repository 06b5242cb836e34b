"""The project's coroutine rules, over all sources of the tree. `coroutines_tidy_test.py` finds the
same violations with clang-tidy in compiled sources; it takes minutes and is a long test.
"""

import pathlib
import subprocess
import unittest

import coroutine_rules

ROOT = pathlib.Path(__file__).resolve().parents[2]
FAULTS = {
    "Task<void> f(const A& a) { co_return; }": (
        "a coroutine has a parameter by reference: const A& a"
    ),
    "Task<void> f(A&& a, int b) {\n  co_await g(a);\n}": (
        "a coroutine has a parameter by reference: A&& a"
    ),
    "template <class... A>\nTask<int> f(B* b, A&... a) {\n  co_return (a + ...);\n}": (
        "a coroutine has a parameter by reference: A&... a"
    ),
    "auto f() {\n  return [](std::vector<int>& v) -> Task<void> {\n    for (int x : v) { co_await g(x); }\n  };\n}": (
        "a coroutine has a parameter by reference: std::vector<int>& v"
    ),
    "Task<int> A::f(B& b) const {\n  while (true) {\n    if (x) { co_await y; }\n  }\n}": (
        "a coroutine has a parameter by reference: B& b"
    ),
    "void f() { scope.spawn([&]() -> Task<void> { co_await g(); }()); }": (
        "a lambda that is a coroutine captures: [&]"
    ),
    "void f() { spawn([this, x = 1] -> Task<void> { co_await g(x); }); }": (
        "a lambda that is a coroutine captures: [this, x = 1]"
    ),
    "void f() { spawn([=]<class T>(T t) mutable -> Task<void> { co_await g(t); }); }": (
        "a lambda that is a coroutine captures: [=]"
    ),
    "Task<void> f() {\n  std::lock_guard<M> lock(m);\n  co_await g();\n}": (
        "a coroutine holds std::lock_guard"
    ),
}
SOUND = (
    "Task<void> f(A* a, std::function<void(B&)> b, std::vector<C&> c = g(x & y)) { co_return; }",
    "void f(A& a) { a.spawn([](A* a) -> Task<void> { co_await a->g(); }(&a)); }",
    "void f(A& a) { g([&](B b) { return b; }); }\nTask<void> h() { co_return; }",
    '// Task<void> f(A& a) { co_return; }\nconst char* text = "[&] { co_await x; }";',
    "auto operator co_await() && noexcept { return Awaiter{handle_}; }",
    (
        "Task<int> f(int a) {\n  const auto g = [&](A& x) { return x; };\n  co_return co_await"
        " h({.a = 1, .b = g(a)});\n}"
    ),
)


class Coroutines(unittest.TestCase):
    def test_each_fault_is_found(self):
        for source, fault in FAULTS.items():
            with self.subTest(source):
                self.assertEqual([what for _, what in coroutine_rules.findings(source)], [fault])

    def test_what_is_sound_is_not_reported(self):
        for source in SOUND:
            with self.subTest(source):
                self.assertEqual(list(coroutine_rules.findings(source)), [])

    def test_no_source_has_a_fault(self):
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "*.cpp", "*.hpp"],
            cwd=ROOT,
            check=True,
            text=True,
            capture_output=True,
        )
        wrong, count = [], 0
        for name in listed.stdout.splitlines():
            if not (ROOT / name).is_file():
                continue
            source = (ROOT / name).read_text()
            code = coroutine_rules.without_text(source)
            found = [
                (start, start + len(body)) for start, body, _, _ in coroutine_rules.coroutines(code)
            ]
            count += len(found)
            for word in coroutine_rules.SUSPENDS.finditer(code):
                if not any(start <= word.start() <= end for start, end in found):
                    wrong.append(
                        f"{name}:{code.count(chr(10), 0, word.start()) + 1}: not understood:"
                        f" {word[0]}"
                    )
            wrong += [f"{name}:{line}: {what}" for line, what in coroutine_rules.findings(source)]
        self.assertEqual(wrong, [])
        self.assertGreater(count, 300, "coroutines that were looked at")


if __name__ == "__main__":
    unittest.main()
