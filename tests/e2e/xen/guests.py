"""The guests that the tests start in the lab."""
import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent


def stub(folder):
    """Compiles the smallest guest with the compiler of the images; returns its file."""
    made = pathlib.Path(folder) / "stub"
    subprocess.run(
        [
            "clang-19",
            "--target=i386-none-elf",
            "-nostdlib",
            "-fuse-ld=lld",
            "-static",
            "-Wl,--image-base=0x100000",
            "-Wl,-e,start",
            "-o",
            made,
            HERE / "stub.S",
        ],
        check=True,
    )
    return made


def config(name, kernel, words, more=""):
    return (
        f'name = "{name}"\ntype = "pvh"\nkernel = "{kernel}"\nextra = "{words}"\nmemory = 16\nvcpus'
        f" = 1\n{more}\n"
    )
