// Names to and from text.
#include "fata/dns/name.hpp"
#include "text.hpp"

namespace fata::dns {

Result<Name, Errc> Name::join(Bytes labels, Bytes whole) {
  if (labels.size() + whole.size() > kMaxName) return fail(Errc::kNameTooLong);
  Name name;
  const MutableBytes all(name.bytes_);
  copy_bytes(all, labels);
  copy_bytes(all.subspan(labels.size()), whole);
  name.size_ = static_cast<std::uint8_t>(labels.size() + whole.size());
  return name;
}

Result<Name, Errc> Name::from_text(std::string_view text, const Name* origin) {
  Name name;
  if (text == ".") return name;
  if (text.empty()) return fail(Errc::kEmptyLabel);
  // Octet 0 of each label is set when the label ends.
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
