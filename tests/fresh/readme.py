"""Reads the commands of README.md, so that the README and the tests cannot differ."""
import re


def commands(text):
    """Each command line once: those on indented lines of their own, and those in running text."""
    found = re.findall(
        r"(?m)^    ((?:\./fata|\.ci/\w+|dig|apt-get|fata) .*?) *$|`(\./fata [^`]+)`",
        text.partition("## The layers")[0],
    )
    found += re.findall(r"()`(\./fata [^`]+)`", text.partition("## An application in 20 lines")[2])
    return list(dict.fromkeys(alone or inline for alone, inline in found))


def files(text):
    """(name, text) of each block that begins with its file's name: `// hello/config.cpp: ...`."""
    for block in re.findall(r"(?ms)^```cpp\n(.*?)^```$", text):
        if name := re.match(r"// ([\w/.-]+):", block):
            yield name[1], block
