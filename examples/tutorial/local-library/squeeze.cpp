#include "squeeze.hpp"

#include <zlib.h>

namespace local_library {

std::optional<std::string> squeeze(std::string_view text) {
  uLongf size = compressBound(text.size());
  std::string out(size, '\0');
  if (compress(reinterpret_cast<Bytef*>(out.data()), &size,
               reinterpret_cast<const Bytef*>(text.data()), text.size()) != Z_OK) {
    return std::nullopt;
  }
  out.resize(size);
  return out;
}

std::optional<std::string> unpack(std::string_view squeezed, std::size_t size) {
  std::string out(size, '\0');
  uLongf got = size;
  if (uncompress(reinterpret_cast<Bytef*>(out.data()), &got,
                 reinterpret_cast<const Bytef*>(squeezed.data()), squeezed.size()) != Z_OK) {
    return std::nullopt;
  }
  out.resize(got);
  return out;
}

}  // namespace local_library
