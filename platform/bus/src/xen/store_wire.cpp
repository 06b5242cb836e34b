#include "fata/bus/xen/store_wire.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "abi.hpp"
#include "fata/base/text.hpp"

namespace fata::bus::xen {
namespace {

std::uint32_t load(const std::uint32_t& shared) {
  return __atomic_load_n(&shared, __ATOMIC_ACQUIRE);
}
void store(std::uint32_t& shared, std::uint32_t value) {
  __atomic_store_n(&shared, value, __ATOMIC_RELEASE);
}
constexpr std::size_t kRing = XENSTORE_RING_SIZE;

xsd_sockmsg header_of(std::string_view text) {
  xsd_sockmsg header;
  std::memcpy(&header, text.data(), sizeof header);
  return header;
}

}  // namespace

bool StoreWire::send(std::uint32_t type, std::uint32_t id, std::uint32_t transaction,
                     std::string_view payload) {
  if (payload.size() > kMaxPayload || out_.size() == kMaxQueued) return false;
  const xsd_sockmsg header{type, id, transaction, static_cast<std::uint32_t>(payload.size())};
  std::string& message = out_.emplace_back(sizeof header, '\0');
  std::memcpy(message.data(), &header, sizeof header);
  message.append(payload);
  return true;
}

std::size_t StoreWire::put(std::string_view text) {
  auto& ring = *static_cast<xenstore_domain_interface*>(page_);
  // This is our own index, but read it only once, because the other side may write it.
  const std::uint32_t produced = load(ring.req_prod);
  const std::uint32_t used = produced - load(ring.req_cons);
  if (used > kRing) return broken_ = true, 0;
  const std::size_t at = produced % kRing;
  const std::size_t count = std::min({text.size(), kRing - used, kRing - at});
  std::memcpy(ring.req + at, text.data(), count);
  store(ring.req_prod, produced + static_cast<std::uint32_t>(count));
  return count;
}

bool StoreWire::push() {
  bool moved = false;
  while (!out_.empty()) {
    const std::size_t count = put(std::string_view(out_.front()).substr(out_done_));
    if (count == 0) break;
    moved = true;
    if ((out_done_ += count) == out_.front().size()) {
      // Reset this before the deallocation, which may panic: LastRequest must not find a half-sent
      // message in that case.
      out_done_ = 0;
      out_.pop_front();
    }
  }
  return moved;
}

std::string_view StoreWire::look() {
  auto& ring = *static_cast<xenstore_domain_interface*>(page_);
  const std::uint32_t consumed = load(ring.rsp_cons);
  const std::uint32_t available = load(ring.rsp_prod) - consumed;
  if (available > kRing) return broken_ = true, std::string_view();
  const std::size_t at = consumed % kRing;
  return {ring.rsp + at, std::min<std::size_t>(available, kRing - at)};
}

void StoreWire::take(std::size_t count) {
  auto& ring = *static_cast<xenstore_domain_interface*>(page_);
  store(ring.rsp_cons, load(ring.rsp_cons) + static_cast<std::uint32_t>(count));
}

bool StoreWire::pull() {
  bool moved = false;
  // Reads at most one message beyond a complete one; the rest stays in the ring.
  while (in_.size() < sizeof(xsd_sockmsg) + kMaxPayload) {
    const std::string_view piece = look();
    if (piece.empty()) break;
    in_.append(piece);
    take(piece.size());
    moved = true;
  }
  return moved;
}

bool StoreWire::pump() {
  if (broken_) return false;
  const bool pushed = push();
  const bool pulled = pull();
  if (in_.size() >= sizeof(xsd_sockmsg) && header_of(in_).len > kMaxPayload) broken_ = true;
  return pushed || pulled;
}

bool StoreWire::has_received() const {
  return in_.size() >= sizeof(xsd_sockmsg) &&
         in_.size() - sizeof(xsd_sockmsg) >= header_of(in_).len;
}

bool StoreWire::receive(Message& out) {
  if (broken_ || !has_received()) return false;
  const xsd_sockmsg header = header_of(in_);
  out.type = header.type;
  out.id = header.req_id;
  out.payload.assign(in_, sizeof header, header.len);
  in_.erase(0, sizeof header + header.len);
  return true;
}

void StoreWire::restart() {
  out_.clear();
  in_.clear();
  out_done_ = 0;
  broken_ = false;
}

LastRequest::LastRequest(StoreWire& wire, std::uint32_t type, std::string_view payload)
    : wire_(wire) {
  payload = payload.substr(0, message_.size() - kHeader);
  const xsd_sockmsg header{type, kId, 0, static_cast<std::uint32_t>(payload.size())};
  static_assert(sizeof header == kHeader);
  std::memcpy(message_.data(), &header, kHeader);
  payload.copy(message_.data() + kHeader, payload.size());
  left_ = {message_.data(), kHeader + payload.size()};
  if (wire.out_done_ != 0) half_ = std::string_view(wire.out_.front()).substr(wire.out_done_);
  read(wire.in_);
}

bool LastRequest::pump() {
  if (wire_.broken_) return false;
  bool moved = false;
  for (std::string_view* text : {&half_, &left_}) {
    while (!text->empty()) {
      const std::size_t count = wire_.put(*text);
      if (count == 0) break;
      text->remove_prefix(count);
      moved = true;
    }
    if (!text->empty()) break;
  }
  // Read at most twice the ring's size, because the other side may be faster than this one.
  for (int piece = 0; piece < 4; ++piece) {
    const std::string_view text = wire_.look();
    if (text.empty()) break;
    read(text);
    wire_.take(text.size());
    moved = true;
  }
  return moved;
}

// `text` is not a copy, so each byte is read only once.
void LastRequest::read(std::string_view text) {
  while (!text.empty()) {
    const bool in_payload = skip_ != 0;
    const std::size_t count = std::min(text.size(), in_payload ? skip_ : kHeader - have_);
    if (in_payload) {
      skip_ -= count;
    } else {
      text.copy(header_.data() + have_, count);
      have_ += count;
    }
    text.remove_prefix(count);
    if (have_ != kHeader) continue;
    const xsd_sockmsg header = header_of({header_.data(), kHeader});
    have_ = 0;
    skip_ = header.len;
    answered_ |= header.req_id == kId && left_.empty();
  }
}

std::string store_path(std::string_view path) { return std::string(path) + '\0'; }
std::string store_pair(std::string_view first, std::string_view second) {
  return store_path(first).append(second);
}
std::string_view take_store_part(std::string_view& text) {
  const std::string_view part = text.substr(0, text.find('\0'));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

std::string store_text(std::uint64_t number) {
  Text<24> text(std::in_place, number);
  return std::string(text.view());
}
std::optional<std::uint64_t> store_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace fata::bus::xen
