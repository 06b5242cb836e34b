#include <algorithm>

#include "fata/dns/cookie.hpp"
#include "fata/dns/message.hpp"
#include "fata/dns/rdata.hpp"

namespace fata::dns {

std::unexpected<Errc> Reader::failed(Errc error) {
  if (reader_.ok()) error_ = error;
  reader_.set_failed();
  return fata::fail(error_);
}

Result<Header, Errc> Reader::header() {
  Header header;
  header.id = reader_.u16();
  header.flags = reader_.u16();
  header.questions = reader_.u16();
  header.answers = reader_.u16();
  header.authorities = reader_.u16();
  header.additionals = reader_.u16();
  if (!reader_.ok()) return failed(Errc::kTruncated);
  return header;
}

Result<Name, Errc> Reader::name() {
  if (!reader_.ok()) return failed(Errc::kTruncated);
  [[clang::uninitialized]] std::array<std::byte, kMaxName> wire;
  const MutableBytes out(wire);
  std::size_t size = 0;
  const Bytes message = reader_.whole();
  std::size_t at = reader_.position();
  std::size_t bound = at;  // a pointer must point before it
  bool jumped = false;
  for (;;) {
    if (at >= message.size()) return failed(Errc::kTruncated);
    const auto length = static_cast<std::size_t>(message[at]);
    if (length >= 0xc0) {
      if (at + 1 >= message.size()) return failed(Errc::kTruncated);
      const std::size_t target = (length & 0x3f) << 8 | static_cast<std::size_t>(message[at + 1]);
      if (target >= bound) return failed(Errc::kBadPointer);
      if (!jumped) reader_.seek(at + 2);
      jumped = true;
      at = bound = target;
      continue;
    }
    if (length > kMaxLabel) return failed(Errc::kBadLabel);
    if (length + 1 > message.size() - at) return failed(Errc::kTruncated);
    if (size + length + 1 > kMaxName) return failed(Errc::kNameTooLong);
    copy_bytes(out.subspan(size), message.subspan(at, length + 1));
    size += length + 1;
    at += length + 1;
    if (length == 0) break;
  }
  if (!jumped) reader_.seek(at);
  return Name::from_wire(out.first(size));
}

Result<Question, Errc> Reader::question() {
  [[clang::uninitialized]] const auto owner = name();
  if (!owner) return failed(owner.error());
  Question question;
  question.name = *owner;
  question.type = static_cast<Type>(reader_.u16());
  question.klass = static_cast<Class>(reader_.u16());
  if (!reader_.ok()) return failed(Errc::kTruncated);
  return question;
}

Result<RecordView, Errc> Reader::record() {
  [[clang::uninitialized]] const auto owner = name();
  if (!owner) return failed(owner.error());
  RecordView record;
  record.owner = *owner;
  record.type = static_cast<Type>(reader_.u16());
  record.klass = reader_.u16();
  record.ttl = reader_.u32();
  const std::size_t size = reader_.u16();
  record.rdata_position = reader_.position();
  record.rdata = reader_.take(size);
  if (!reader_.ok()) return failed(Errc::kTruncated);
  return record;
}

Result<std::size_t, Errc> expand_rdata(Bytes message, const RecordView& record, MutableBytes out) {
  // A record's names end inside its rdata, so the message is cut there.
  const std::size_t end = record.rdata_position + record.rdata.size();
  ByteWriter writer(out);
  std::size_t at = record.rdata_position;
  const std::string_view shape = rdata_shape(record.type);
  for (const char field : shape) {
    if (is_name_field(field)) {
      if (field != kCompressedName && !may_arrive_compressed(record.type)) {
        const std::size_t length = name_length(message.subspan(at, end - at));
        if (length == 0) return fail(Errc::kBadRdata);
        writer.bytes(message.subspan(at, length));
        at += length;
        continue;
      }
      Reader reader(message.first(end));
      reader.seek(at);
      [[clang::uninitialized]] const auto name = reader.name();
      if (!name) return fail(name.error());
      writer.bytes(name->wire());
      at = reader.position();
    } else {
      const auto length = field_length(field, message.subspan(at, end - at));
      if (!length) return fail(Errc::kBadRdata);
      writer.bytes(message.subspan(at, *length));
      at += *length;
    }
  }
  if (shape.empty()) {
    writer.bytes(record.rdata);
    at = end;
  }
  if (!writer.ok()) return fail(Errc::kNoRoom);
  if (at != end || !valid_rdata(record.type, writer.written())) return fail(Errc::kBadRdata);
  return writer.position();
}

// Rarely called: few queries have options.
[[clang::minsize]] bool read_options(Bytes rdata, Edns& edns) {
  ByteReader options(rdata);
  while (options.ok() && !options.at_end()) {
    const std::uint16_t option = options.u16();
    const std::uint16_t size = options.u16();
    if (option == kCookieOption && edns.cookie_at == 0) {
      edns.cookie_at = static_cast<std::uint16_t>(options.position());
      edns.cookie_size = static_cast<std::uint8_t>(std::min<std::uint16_t>(size, 255));
    }
    options.skip(size);
  }
  return options.ok();
}

Result<Edns, Errc> read_edns(const RecordView& record) {
  if (!record.owner.is_root()) return fail(Errc::kBadRdata);
  Edns edns = edns_of(record.klass, record.ttl);
  if (!read_options(record.rdata, edns)) return fail(Errc::kBadRdata);
  return edns;
}

}  // namespace fata::dns
