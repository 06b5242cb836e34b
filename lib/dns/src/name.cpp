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

[[clang::minsize]] Result<Name, Errc> Name::join(Bytes labels, Bytes whole) {
  if (labels.size() + whole.size() > kMaxName) return fail(Errc::kNameTooLong);
  Name name;
  const MutableBytes all(name.bytes_);
  copy_bytes(all, labels);
  copy_bytes(all.subspan(labels.size()), whole);
  name.size_ = static_cast<std::uint8_t>(labels.size() + whole.size());
  return name;
}

[[clang::minsize]] Result<Name, Errc> Name::from_text(std::string_view text, const Name* origin) {
  Name name;
  if (text == ".") return name;
  if (text.empty()) return fail(Errc::kEmptyLabel);
  // Octet 0 of each label is filled in when the label ends.
  std::size_t label = 0, end = 1;
  const MutableBytes all(name.bytes_);
  bool absolute = false;
  while (!text.empty()) {
    const bool dot = text.front() == '.';
    if (!dot) {
      const int octet = take_octet(text);
      if (octet < 0) return fail(Errc::kBadEscape);
      if (end - label > kMaxLabel) return fail(Errc::kBadLabel);
      if (end >= kMaxName) return fail(Errc::kNameTooLong);
      all[end++] = static_cast<std::byte>(octet);
    } else {
      text.remove_prefix(1);
    }
    if (dot || text.empty()) {
      if (end == label + 1) return fail(Errc::kEmptyLabel);
      all[label] = static_cast<std::byte>(end - label - 1);
      label = end;
      absolute = dot && text.empty();
      if (end >= kMaxName) return fail(Errc::kNameTooLong);
      ++end;
    }
  }
  if (!absolute && origin == nullptr) return fail(Errc::kRelativeName);
  if (!absolute) {
    Name labels = name;  // join copies, so the source must not be the target
    return join(Bytes(labels.bytes_).first(label), origin->wire());
  }
  all[label] = std::byte{0};
  name.size_ = static_cast<std::uint8_t>(label + 1);
  return name;
}

std::size_t name_length(Bytes at) {
  std::size_t position = 0;
  while (position < at.size() && position < kMaxName) {
    const auto length = static_cast<std::size_t>(at[position]);
    if (length > kMaxLabel) return 0;
    position += length + 1;
    if (length == 0) return position;
  }
  return 0;
}

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

void write_name(TextWriter& out, Bytes name) {
  if (name[0] == std::byte{0}) out.put('.');
  for (; name[0] != std::byte{0}; name = parent_of(name)) {
    for (const std::byte octet : name.subspan(1, static_cast<std::size_t>(name[0]))) {
      const auto c = static_cast<unsigned char>(octet);
      if (c <= ' ' || c >= 0x7f) {
        out.put('\\');
        out.put_unsigned(c, 3);
      } else {
        if (std::string_view(".\\\"();@$").find(static_cast<char>(c)) != std::string_view::npos)
          out.put('\\');
        out.put(static_cast<char>(c));
      }
    }
    out.put('.');
  }
}

}  // namespace fata::dns
