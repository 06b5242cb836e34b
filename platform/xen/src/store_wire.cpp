#include "fata/xen/store_wire.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "abi.hpp"
#include "fata/base/text.hpp"

namespace fata::xen {
namespace {

std::uint32_t load(const std::uint32_t& shared) { return __atomic_load_n(&shared, __ATOMIC_ACQUIRE); }
void store(std::uint32_t& shared, std::uint32_t value) { __atomic_store_n(&shared, value, __ATOMIC_RELEASE); }
constexpr std::size_t kRing = XENSTORE_RING_SIZE;

xsd_sockmsg header_of(std::string_view text) {
  xsd_sockmsg header;
  std::memcpy(&header, text.data(), sizeof header);
  return header;
}

}  // namespace

bool StoreWire::send(std::uint32_t type, std::uint32_t id, std::uint32_t transaction,
                     std::string_view payload) {
  if (payload.size() > kMostPayload || out_.size() == kMostQueued) return false;
  const xsd_sockmsg header{type, id, transaction, static_cast<std::uint32_t>(payload.size())};
  std::string& message = out_.emplace_back(sizeof header, '\0');
  std::memcpy(message.data(), &header, sizeof header);
  message.append(payload);
  return true;
}

bool StoreWire::push() {
  auto& ring = *static_cast<xenstore_domain_interface*>(page_);
  bool moved = false;
  while (!out_.empty()) {
    const std::uint32_t produced =
        load(ring.req_prod);  // ours, but read once: whoever shares the page may write it
    const std::uint32_t used = produced - load(ring.req_cons);
    if (used > kRing) return broken_ = true, moved;
    const std::string_view left = std::string_view(out_.front()).substr(out_done_);
    const std::size_t at = produced % kRing;
    const std::size_t count = std::min({left.size(), kRing - used, kRing - at});
    if (count == 0) break;
    std::memcpy(ring.req + at, left.data(), count);
    store(ring.req_prod, produced + static_cast<std::uint32_t>(count));
    moved = true;
    if ((out_done_ += count) == out_.front().size()) {
      out_.pop_front();
      out_done_ = 0;
    }
  }
  return moved;
}

bool StoreWire::pull() {
  auto& ring = *static_cast<xenstore_domain_interface*>(page_);
  bool moved = false;
  // One message at most beyond a whole one: what is not asked for stays in the ring.
  while (in_.size() < sizeof(xsd_sockmsg) + kMostPayload) {
    const std::uint32_t consumed = load(ring.rsp_cons);
    const std::uint32_t available = load(ring.rsp_prod) - consumed;
    if (available > kRing) return broken_ = true, moved;
    const std::size_t at = consumed % kRing;
    const std::size_t count = std::min<std::size_t>(available, kRing - at);
    if (count == 0) break;
    in_.append(ring.rsp + at, count);
    store(ring.rsp_cons, consumed + static_cast<std::uint32_t>(count));
    moved = true;
  }
  return moved;
}

bool StoreWire::pump() {
  if (broken_) return false;
  const bool pushed = push();
  const bool pulled = pull();
  if (in_.size() >= sizeof(xsd_sockmsg) && header_of(in_).len > kMostPayload) broken_ = true;
  return pushed || pulled;
}

bool StoreWire::has_received() const {
  return in_.size() >= sizeof(xsd_sockmsg) && in_.size() - sizeof(xsd_sockmsg) >= header_of(in_).len;
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

}  // namespace fata::xen
