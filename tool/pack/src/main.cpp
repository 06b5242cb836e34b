// fata-pack FROM TO: writes the kernel FROM to TO, packed if that is smaller, otherwise unchanged.
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <span>

#include "pack.hpp"

namespace {

using fata::pack::Bytes;

Bytes read_file(const char* name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) throw std::runtime_error("cannot be read");
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

Bytes smaller(Bytes kernel) {
  Bytes packed;
  try {
    packed = fata::pack::pack(fata::pack::read_kernel(kernel));
  } catch (const fata::pack::DoesNotPay&) {
    return kernel;
  }
  return packed.size() < kernel.size() ? packed : kernel;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("fata-pack: write: fata-pack FROM TO\n", stderr);
    return 64;
  }
  const std::span<char*> words(argv, static_cast<std::size_t>(argc));
  try {
    const Bytes image = smaller(read_file(words[1]));
    std::ofstream to(words[2], std::ios::binary | std::ios::trunc);
    to.write(reinterpret_cast<const char*>(image.data()),
             static_cast<std::streamsize>(image.size()));
    if (!to.flush()) throw std::runtime_error(std::string("cannot write ") + words[2]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fata-pack: %s: %s\n", words[1], error.what());
    return 1;
  }
}
