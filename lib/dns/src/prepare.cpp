// Answers that are more than a copy of the stored records, composed once when the index is built.
#include "compose.hpp"
#include "fata/dns/rdata.hpp"
#include "index.hpp"

namespace fata::dns {

namespace {

struct PreparedHead {
  std::uint16_t answers, authorities, additionals, size, pointers;
};
constexpr std::size_t kLargest = 4096;  // larger answers are composed for each query

bool has_compressed_names(Type type) {
  return rdata_shape(type).find(kCompressedName) != std::string_view::npos;
}

}  // namespace

PreparedView Index::prepared(std::uint32_t reference) const {
  const Bytes at = Bytes(prepared_).subspan(reference);
  PreparedHead head;
  std::memcpy(&head, at.first(sizeof head).data(), sizeof head);
  const Bytes body = at.subspan(sizeof head);
  const std::size_t offsets = std::size_t{2} * head.pointers;
  return {.answers = head.answers,
          .authorities = head.authorities,
          .additionals = head.additionals,
          .offsets = body.first(offsets),
          .bytes = body.subspan(offsets, head.size)};
}

// Stores the content of `writer` from `start` on.
std::uint32_t Index::keep(const Composer& composer, const Writer& writer, std::size_t start) {
  const auto reference = static_cast<std::uint32_t>(prepared_.size());
  const Bytes bytes = writer.written().subspan(start);
  [[clang::uninitialized]] std::array<std::uint16_t, 64> offsets;
  std::size_t pointers = 0;
  for (const std::uint16_t position : writer.pointers()) {
    if (position >= start) offsets[pointers++] = static_cast<std::uint16_t>(position - start);
  }
  const PreparedHead head{.answers = composer.count(Section::kAnswer),
                          .authorities = composer.count(Section::kAuthority),
                          .additionals = composer.count(Section::kAdditional),
                          .size = static_cast<std::uint16_t>(bytes.size()),
                          .pointers = static_cast<std::uint16_t>(pointers)};
  prepared_.resize(prepared_.size() + sizeof head + 2 * pointers + bytes.size());
  ByteWriter out(MutableBytes(prepared_).subspan(reference));
  std::memcpy(out.reserve(sizeof head).data(), &head, sizeof head);
  for (const std::uint16_t offset : std::span(offsets).first(pointers)) out.u16(offset);
  out.bytes(bytes);
  return reference;
}

// Composes the answer to `name` and `type` and stores it; kVerbatim instead if it equals `records`.
std::uint32_t Index::prepare_answer(const Name& name, Type type, Bytes records,
                                    std::size_t budget) {
  [[clang::uninitialized]] std::array<std::byte, kLargest> memory;
  [[clang::uninitialized]] Writer writer(memory);
  writer.bytes(Bytes(memory).first(kHeaderSize));
  writer.question(name, type, Class::kIn);
  const std::size_t start = writer.position();
  [[clang::uninitialized]] Composer composer(*this, writer, false);
  const Rcode rcode = composer.run(name, LowerName(name), type);
  if (rcode != Rcode::kNoError || composer.truncated() || !writer.pointers_complete())
    return kCompose;
  if (equal_bytes(writer.written().subspan(start), records)) return kVerbatim;
  const std::size_t size =
      sizeof(PreparedHead) + 2 * writer.pointers().size() + writer.position() - start;
  return prepared_.size() + size > budget ? kCompose : keep(composer, writer, start);
}

std::uint32_t Index::prepare_set(const NodeView& node, const SetView& set, std::size_t budget) {
  const Type type = set.type();
  const bool cut = node.has(node_flag::kCut);
  if (node.has(node_flag::kOccluded) || type == Type::kRrsig) return kCompose;
  if (cut && type != Type::kNs && type != Type::kDs) return kCompose;
  if (!cut && !has_compressed_names(type) && target_position(type) == kNoTarget) return kVerbatim;
  [[clang::uninitialized]] const auto name = Name::from_wire(node.name());
  if (!name) return kCompose;
  if (type != Type::kCname) return prepare_answer(*name, type, cut ? Bytes() : set.records, budget);
  // An alias is mostly queried for addresses; these two answers are stored next to each other.
  const std::size_t before = prepared_.size();
  const std::uint32_t first = prepare_answer(*name, Type::kA, {}, budget);
  if (first != kCompose && prepare_answer(*name, Type::kAaaa, {}, budget) != kCompose) return first;
  prepared_.resize(before);
  return kCompose;
}

std::uint32_t Index::prepared_after(std::uint32_t reference) const {
  const PreparedView view = prepared(reference);
  return static_cast<std::uint32_t>(reference + sizeof(PreparedHead) + view.offsets.size() +
                                    view.bytes.size());
}

std::uint32_t Index::prepare_negative(std::size_t zone) {
  [[clang::uninitialized]] const auto name = Name::from_wire(node(zones_[zone].apex).name());
  if (!name) return kCompose;
  // An SOA record with the longest names fits.
  [[clang::uninitialized]] std::array<std::byte, kPlainUdpSize * 3> memory;
  [[clang::uninitialized]] Writer writer(memory);
  writer.bytes(Bytes(memory).first(kHeaderSize));
  writer.question(*name, Type::kSoa, Class::kIn);
  const std::size_t start = writer.position();
  [[clang::uninitialized]] Composer composer(*this, writer, false);
  composer.negative(zone, *name);
  return composer.truncated() ? kCompose : keep(composer, writer, start);
}

void Index::prepare(std::size_t budget) {
  prepared_.resize(kVerbatim + 1);  // so that references differ from the two special values
  for (std::size_t i = 0; i < zones_.size() && budget != 0; ++i) {
    if (!zones_[i].broken) zones_[i].negative = prepare_negative(i);
  }
  if (budget != 0) budget += prepared_.size();
  const MutableBytes all = danger_span(data_.get(), size_);
  for (std::size_t at = kUnit; at < size_; at = (at + kUnit - 1) / kUnit * kUnit) {
    const NodeView view{Bytes(all).subspan(at)};
    at += sizeof(NodeHead) + view.name().size();
    Bytes rest = view.first_set();
    for (std::size_t i = 0; i < view.sets(); ++i) {
      SetView set = NodeView::take_set(rest);
      set.head.prepared = prepare_set(view, set, budget);
      std::memcpy(all.subspan(at, sizeof(SetHead)).data(), &set.head, sizeof(SetHead));
      at += sizeof(SetHead) + set.records.size();
    }
  }
  prepared_.shrink_to_fit();
}

}  // namespace fata::dns
