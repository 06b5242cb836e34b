#include "fata/dns/name.hpp"

#include "text.hpp"

namespace fata::dns {

Result<Name, Errc> Name::from_wire(Bytes wire) {
  const std::size_t size = name_length(wire);
  if (size == 0 || size != wire.size()) return fail(Errc::kBadLabel);
  Name name;
  copy_bytes(name.bytes_, wire);
  name.size_ = static_cast<std::uint8_t>(size);
  return name;
}

std::size_t name_length(Bytes at) { return detail::name_length_here(at); }

namespace detail {
std::array<std::uint64_t, 2> words_of_short(Bytes name) {
  std::array<std::uint64_t, 2> words{};
  copy_bytes(std::as_writable_bytes(std::span(words)), name);
  return words;
}
}  // namespace detail

std::size_t label_count(Bytes name) {
  std::size_t count = 0;
  for (; name[0] != std::byte{0}; name = parent_of(name)) ++count;
  return count;
}

Bytes parent_of(Bytes name) {
  const auto length = static_cast<std::size_t>(name[0]);
  return length == 0 ? name : name.subspan(length + 1);
}

bool same_name(Bytes a, Bytes b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

bool is_under(Bytes name, Bytes ancestor) {
  while (name.size() > ancestor.size()) name = parent_of(name);
  return same_name(name, ancestor);
}

bool is_wildcard(Bytes name) {
  return name.size() > 2 && name[0] == std::byte{1} && name[1] == std::byte{'*'};
}

}  // namespace fata::dns
