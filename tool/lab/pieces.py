"""Builds the parts of an initramfs without any tool of the host: cpio archives, the libraries that
a program needs, kernel modules in load order, and the kernel from its boot image.
"""
import ctypes
import lzma
import os
import re
import stat
import struct


class Archive:
    """A cpio archive ("newc") whose files belong to root. The kernel needs a folder before its
    content. All files have the time 1 second: NSD would consider a file of time 0 as already read.
    """

    def __init__(self):
        self.parts, self.names = [], set()

    def add(self, name, mode, data=b""):
        self.folder(os.path.dirname(name))
        if name in self.names:
            return
        self.names.add(name)
        self._entry(name, mode, data)

    def _entry(self, name, mode, data=b""):
        head = [len(self.names), mode, 0, 0, 1, 1, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        path = b"070701" + b"".join(b"%08X" % word for word in head) + name.encode() + b"\0"
        for part in (path, data):
            self.parts.append(part + b"\0" * (-len(part) % 4))

    def folder(self, name):
        if name and name not in self.names:
            self.add(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o755):
        self.add(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        self.add(name, stat.S_IFLNK | 0o777, target.encode())

    def bytes(self):
        self._entry("TRAILER!!!", 0)
        return b"".join(self.parts)


def needed_libraries(data):
    """The DT_NEEDED names of a 64-bit ELF file; none for any other file."""
    if data[:5] != b"\x7fELF\x02":
        return []
    offset, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from(
        "<HH", data, 54
    )
    heads = [
        struct.unpack_from("<IIQQQQQQ", data, offset + size * number) for number in range(count)
    ]
    dynamic = next((head for head in heads if head[0] == 2), None)
    if dynamic is None:
        return []
    entries = list(struct.iter_unpack("<qQ", data[dynamic[2] : dynamic[2] + dynamic[5] // 16 * 16]))
    table = next(value for tag, value in entries if tag == 5)
    table = next(
        table - head[3] + head[2]
        for head in heads
        if head[0] == 1 and head[3] <= table < head[3] + head[6]
    )
    return [
        data[table + value : data.index(b"\0", table + value)].decode()
        for tag, value in entries
        if tag == 1
    ]


def libraries_of(programs, root):
    """Maps soname to file for every library that the programs need, from the packages only."""
    folders = [
        root / folder
        for folder in (
            "lib/x86_64-linux-gnu",
            "usr/lib/x86_64-linux-gnu",
            "usr/lib/x86_64-linux-gnu/nsd",
            "lib64",
        )
    ]
    found, waiting = {}, [
        name for program in programs for name in needed_libraries(program.read_bytes())
    ]
    # glibc itself loads this one when a thread ends.
    waiting.append("libgcc_s.so.1")
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        file = next((folder / name for folder in folders if (folder / name).exists()), None)
        if file is None:
            raise LookupError(name)
        found[name] = file
        waiting += needed_libraries(file.read_bytes())
    return found


def plain(name):
    return name.replace("-", "_")


def modules_in_order(folder, wanted):
    """The module files in load order, without those that are built into the kernel."""
    files = {plain(file.name.removesuffix(".ko")): file for file in folder.rglob("*.ko")}
    built_in = {
        plain(os.path.basename(line).removesuffix(".ko"))
        for line in (folder / "modules.builtin").read_text().split()
    }
    order = []

    def visit(name):
        if name in built_in or files.get(name) in order:
            return
        if name not in files:
            raise LookupError(f"{name}.ko")
        depends = re.search(rb"\0depends=([^\0]*)\0", files[name].read_bytes())
        for other in depends[1].decode().split(",") if depends and depends[1] else []:
            visit(plain(other))
        order.append(files[name])

    for name in wanted:
        visit(plain(name))
    return order


def without_types(module):
    """The same module with its type information (BTF) hidden, which the kernel would read and
    verify only for debuggers, and without the signature, which is no longer valid.
    """
    return module.replace(b"\0.BTF\0", b"\0.btf\0").split(b"~Module signature appended~")[0]


def unpacked_kernel(image, lz4):
    """The ELF file inside a bzImage. Unpacking it here saves the emulated machine seconds. lz4 is
    the library's file.
    """
    setup = (image[0x1F1] or 4) + 1
    start, size = struct.unpack_from("<II", image, 0x248)
    payload = image[setup * 512 + start : setup * 512 + start + size]
    if payload[:6] == b"\xfd7zXZ\0":
        return lzma.LZMADecompressor().decompress(payload)
    if payload[:4] == b"\x02!L\x18":
        return b"".join(lz4_blocks(payload[4:-4], ctypes.CDLL(str(lz4))))
    raise LookupError("a kernel that is packed with xz or lz4")


def trimmed(kernel):
    """The same kernel without its section table and without the zeros at the end of its loaded
    data, which are a third of the file. The emulator copies memory slowly, and each byte is copied
    several times.
    """
    (offset,) = struct.unpack_from("<Q", kernel, 32)
    size, count = struct.unpack_from("<HH", kernel, 54)
    heads = range(offset, offset + size * count, size)
    last = max(
        (head for head in heads if struct.unpack_from("<I", kernel, head)[0] == 1),
        key=lambda head: struct.unpack_from("<Q", kernel, head + 8)[0],
    )
    begin, _, _, length = struct.unpack_from("<QQQQ", kernel, last + 8)
    end = begin + max(len(kernel[begin : begin + length].rstrip(b"\0")), 1)
    out = bytearray(kernel[:end])
    struct.pack_into("<Q", out, last + 32, end - begin)
    struct.pack_into("<Q", out, 40, 0)
    struct.pack_into("<HHH", out, 58, 0, 0, 0)
    return bytes(out)


def lz4_blocks(data, library):
    """The blocks of LZ4's legacy format; each is at most 8 MiB when unpacked."""
    room = ctypes.create_string_buffer(8 << 20)
    while data:
        (size,) = struct.unpack_from("<I", data)
        length = library.LZ4_decompress_safe(data[4 : 4 + size], room, size, len(room))
        if length < 0:
            raise LookupError("a kernel whose packing is whole")
        yield room.raw[:length]
        data = data[4 + size :]
