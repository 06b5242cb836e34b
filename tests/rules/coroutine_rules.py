"""Finds coroutines in C++ source text, and their forbidden properties: parameters by reference,
captures, and locks held across a suspension. clang-tidy has the same three checks, but parses each
file with all its headers. Here the text is enough, because one tool formats the tree and no macro
hides a coroutine.
"""

import re

SUSPENDS = re.compile(r"(?<!operator )\bco_(?:await|return|yield)\b")
LOCKS = re.compile(r"\bstd::(?:lock_guard|scoped_lock|unique_lock|shared_lock)\b")
CONTROLS = {"if", "for", "while", "switch", "catch", "constexpr"}
OPENING, CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}, {
    ")": "(",
    "]": "[",
    "}": "{",
    ">": "<",
}
# Tokens allowed between a parameter list and a body.
TRAILER = re.compile(
    r"(?:\s+|\bconst\b|\bnoexcept\b|\boverride\b|\bfinal\b|\bmutable\b|\bstatic\b"
    r"|&&?|\[\[[^\]]*\]\])*"
    r"(?:->[\w:<>,\s*&]+?)?(?:\s*\brequires\b[^;{}]*)?\s*$"
)
NOT_CODE = re.compile(
    r"//[^\n]*|/\*.*?\*/|"
    r"R\"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)\"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'",
    re.DOTALL,
)


def without_text(source):
    """The code with comments and literals blanked; all other characters keep their positions."""

    def blank(found):
        if found.start() and found[0][0] == "'" and source[found.start() - 1].isalnum():
            return found[0]  # a digit separator
        return re.sub(r"[^\n]", " ", found[0])

    return NOT_CODE.sub(blank, source)


def opening(code, end):
    """The position of the bracket that the bracket at `end` closes."""
    depth, wanted, closing = 0, CLOSING[code[end]], code[end]
    for at in range(end, -1, -1):
        if code[at] == closing and not (closing == ">" and code[at - 1] == "-"):
            depth += 1
        elif code[at] == wanted:
            depth -= 1
            if depth == 0:
                return at
    return None


def head_of(code, brace):
    """The parameters of the function with a body at `brace`, and the captures if it is a lambda.
    Returns None if the block is not a function body.
    """
    before = code[:brace]
    for end in [found.start() for found in re.finditer(r"[)\]]", before[-600:])][::-1]:
        end += max(0, len(before) - 600)
        if not TRAILER.fullmatch(before, end + 1):
            continue
        if before[end] == "]":  # a lambda without a parameter list
            start = opening(code, end)
            return None if start is None else ("", code[start + 1 : end])
        start = opening(code, end)
        if start is None:
            return None
        name = before[:start].rstrip()
        if name.endswith(">"):  # a template lambda
            generic = opening(code, len(name) - 1)
            if generic is not None and before[:generic].rstrip().endswith("]"):
                name = before[:generic].rstrip()
        if name.endswith("]") and not name.endswith("]]"):
            return code[start + 1 : end], code[opening(code, len(name) - 1) + 1 : len(name) - 1]
        word = re.search(r"\w+$", name)
        if word is None and not name.endswith("operator()"):
            return None
        if word and (word[0] in CONTROLS or word[0] in {"noexcept", "requires", "decltype"}):
            if word[0] in CONTROLS:
                return None
            continue
        return code[start + 1 : end], None
    return None


def split(parameters):
    """Splits at the commas outside of brackets."""
    parts, depth, last = [], 0, 0
    for at, character in enumerate(parameters):
        if character in OPENING:
            depth += 1
        elif character in CLOSING and not (character == ">" and parameters[at - 1] == "-"):
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(parameters[last:at])
            last = at + 1
    return [part.strip() for part in [*parts, parameters[last:]] if part.strip()]


def is_reference(parameter):
    kind = parameter.split("=")[0]
    while (inner := re.sub(r"<[^<>]*>|\([^()]*\)", "", kind)) != kind:
        kind = inner
    return "&" in kind


def coroutines(code):
    """The position, body, parameters and captures (None: not a lambda) of each coroutine."""
    blocks, found = [], {}
    for token in re.finditer(rf"[{{}}]|{SUSPENDS.pattern}", code):
        if token[0] == "{":
            blocks.append(token.start())
        elif token[0] == "}":
            if blocks:
                start = blocks.pop()
                if start in found:
                    found[start] = (*found[start], token.start())
        else:
            for start in reversed(blocks):
                if start in found:
                    break
                head = head_of(code, start)
                if head is not None:
                    found[start] = head
                    break
    for start, (parameters, captures, *end) in sorted(found.items()):
        yield start, code[start : end[0] if end else len(code)], parameters, captures


def findings(source):
    """(line, description) of each violation."""
    code = without_text(source)
    for start, body, parameters, captures in coroutines(code):
        line = code.count("\n", 0, start) + 1
        for parameter in split(parameters):
            if is_reference(parameter):
                text = " ".join(parameter.split())
                yield line, f"a coroutine has a parameter by reference: {text}"
        if captures is not None and captures.strip():
            yield line, f"a lambda that is a coroutine captures: [{' '.join(captures.split())}]"
        if lock := LOCKS.search(body):
            yield line, f"a coroutine holds {lock[0]}"
