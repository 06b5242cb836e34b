#include "fata/dns/message.hpp"
#include "fata/dns/rdata.hpp"
#include "text.hpp"

namespace fata::dns {

void Writer::rewind(std::size_t position) {
  if (position > position_) return;
  position_ = position;
  ok_ = true;
  while (known_count_ != 0 && known_[known_count_ - 1].position >= position) --known_count_;
  while (pointer_count_ != 0 && pointers_[pointer_count_ - 1] >= position) --pointer_count_;
}

MutableBytes Writer::take(std::size_t count) {
  if (!ok_ || position_ > limit_ || count > limit_ - position_) {
    ok_ = false;
    return {};
  }
  const MutableBytes at = out_.subspan(position_, count);
  position_ += count;
  return at;
}

void Writer::u8(std::uint8_t value) {
  if (const MutableBytes at = take(1); ok_) at[0] = static_cast<std::byte>(value);
}
void Writer::u16(std::uint16_t value) {
  if (const MutableBytes at = take(2); ok_) store_be(at, value);
}
void Writer::u32(std::uint32_t value) {
  if (const MutableBytes at = take(4); ok_) store_be(at, value);
}
void Writer::bytes(Bytes from) {
  if (const MutableBytes at = take(from.size()); ok_) copy_bytes(at, from);
}

// True if the name at `position`, written by this writer, equals the complete name `wire`.
bool Writer::same_at(std::size_t position, Bytes wire) const {
  for (;;) {
    auto length = static_cast<std::size_t>(out_[position]);
    while (length >= 0xc0) {
      position = (length & 0x3f) << 8 | static_cast<std::size_t>(out_[position + 1]);
      length = static_cast<std::size_t>(out_[position]);
    }
    if (length != static_cast<std::size_t>(wire[0])) return false;
    if (length == 0) return true;
    for (std::size_t i = 1; i <= length; ++i) {
      if (lower(out_[position + i]) != lower(wire[i])) return false;
    }
    position += length + 1;
    wire = wire.subspan(length + 1);
  }
}

// The known labels from `first` on end in a pointer to a position from which `chain` more pointers
// follow. Labels that would need an even longer chain are forgotten.
void Writer::extend_chain(std::size_t first, std::size_t chain) {
  if (chain + 1 == kMaxPointerChain) known_count_ = first;
  for (Known& known : std::span(known_).first(known_count_).subspan(first)) {
    known.chain = static_cast<std::uint16_t>(chain + 1) & 3U;
  }
}

// Compares with whole names only, as the bytes after position_ hold what the buffer held before: a
// suffix of this name may have the hash of a longer one, and names end early where the room ends.
void Writer::name(Bytes wire, bool compress) {
  if (!ok_) return;
  // A suffix's hash combines its labels from the last to the first, so the label offsets are
  // collected first.
  [[clang::uninitialized]] std::array<std::uint8_t, kMaxLabels> starts;
  [[clang::uninitialized]] std::array<std::uint16_t, kMaxLabels> hashes;
  std::size_t labels = 0;
  for (std::size_t at = 0; wire[at] != std::byte{0}; at += static_cast<std::size_t>(wire[at]) + 1) {
    starts[labels++] = static_cast<std::uint8_t>(at);
  }
  std::uint32_t hash = 0;
  std::size_t end = wire.size() - 1;
  for (std::size_t i = labels; i-- != 0;) {
    for (const std::byte octet : wire.subspan(starts[i], end - starts[i])) {
      hash = (hash ^ static_cast<std::uint32_t>(lower(octet))) * 0x01000193U;
    }
    hashes[i] = static_cast<std::uint16_t>(hash ^ hash >> 16);
    end = starts[i];
  }
  const std::size_t first_known = known_count_;
  for (std::size_t i = 0; i < labels; ++i) {
    if (compress) {
      for (const Known& known : std::span(known_).first(first_known)) {
        if (known.hash != hashes[i] || !same_at(known.position, wire.subspan(starts[i]))) continue;
        if (pointer_count_ < kMaxPointers) {
          pointers_[pointer_count_++] = static_cast<std::uint16_t>(position_);
        } else {
          pointers_complete_ = false;
        }
        u16(static_cast<std::uint16_t>(0xc000U | known.position));
        extend_chain(first_known, known.chain);
        return;
      }
    }
    const std::size_t here = position_;
    bytes(wire.subspan(starts[i], static_cast<std::size_t>(wire[starts[i]]) + 1));
    if (!ok_) return;
    if (here < 0x4000 && known_count_ < kMaxKnown) {
      known_[known_count_++] = {
          .position = static_cast<std::uint16_t>(here), .chain = 0, .hash = hashes[i]};
    }
  }
  u8(0);
}

void Writer::question(Bytes name_wire, Type type, Class klass) {
  name(name_wire);
  u16(static_cast<std::uint16_t>(type));
  u16(static_cast<std::uint16_t>(klass));
}

std::size_t Writer::begin_record(Bytes owner, Type type, Class klass, std::uint32_t ttl) {
  name(owner);
  u16(static_cast<std::uint16_t>(type));
  u16(static_cast<std::uint16_t>(klass));
  u32(ttl);
  u16(0);
  return position_;
}

void Writer::end_rdata(std::size_t mark) {
  if (ok_) store_be(out_.subspan(mark - 2, 2), static_cast<std::uint16_t>(position_ - mark));
}

void Writer::rdata(Type type, Bytes rdata) {
  for (const char field : shape_to_last_name(type)) {
    if (is_name_field(field)) {
      const std::size_t length = name_length(rdata);
      if (length == 0) return fail();
      name(rdata.first(length), field == kCompressedName);
      rdata = rdata.subspan(length);
    } else if (const auto length = field_length(field, rdata)) {
      bytes(rdata.first(*length));
      rdata = rdata.subspan(*length);
    } else {
      return fail();
    }
  }
  bytes(rdata);
}

void Writer::opt(std::uint16_t payload, const Edns& edns) {
  u8(0);
  u16(static_cast<std::uint16_t>(Type::kOpt));
  u16(payload);
  u8(edns.extended_rcode);
  u8(edns.version);
  u16(edns.dnssec_ok ? 0x8000 : 0);
  u16(0);
}

void Writer::header(const Header& header) {
  ByteWriter writer(out_.first(kHeaderSize));
  writer.u16(header.id);
  writer.u16(header.flags);
  writer.u16(header.questions);
  writer.u16(header.answers);
  writer.u16(header.authorities);
  writer.u16(header.additionals);
}

}  // namespace fata::dns
