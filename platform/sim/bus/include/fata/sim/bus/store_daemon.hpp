// The other side of xenstore's page, written from xen/io/xs_wire.h alone. It moves bytes in slices
// of any size, and keeps its own indexes.
#pragma once

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "fata/base/danger.hpp"
#include "fata/sim/bus/xen_abi.hpp"

namespace fata::sim {

class StoreDaemon {
 public:
  explicit StoreDaemon(void* page) : page_(static_cast<xenstore_domain_interface*>(page)) {}

  struct Request {
    xsd_sockmsg header;
    std::string payload;
  };
  // Takes at most `most` bytes from the request ring; returns their number.
  std::size_t take(std::size_t most) {
    std::size_t count = std::min<std::size_t>(most, page_->req_prod - taken_);
    for (std::size_t i = 0; i < count; ++i) in_ += page_->req[MASK_XENSTORE_IDX(taken_++)];
    page_->req_cons = taken_;
    return count;
  }
  std::optional<Request> next() {
    Request request;
    if (in_.size() < sizeof request.header) return std::nullopt;
    std::memcpy(&request.header, in_.data(), sizeof request.header);
    const std::size_t whole = sizeof request.header + request.header.len;
    if (in_.size() < whole) return std::nullopt;
    request.payload = in_.substr(sizeof request.header, request.header.len);
    in_.erase(0, whole);
    return request;
  }
  void reply(std::uint32_t type, std::uint32_t id, std::string_view payload) {
    const xsd_sockmsg header{type, id, 0, static_cast<std::uint32_t>(payload.size())};
    out_.append(reinterpret_cast<const char*>(&header), sizeof header);
    out_ += payload;
  }
  // Puts at most `most` bytes into the reply ring; returns their number.
  std::size_t give(std::size_t most) {
    const std::size_t room = XENSTORE_RING_SIZE - (given_ - page_->rsp_cons);
    const std::size_t count = std::min({most, room, out_.size()});
    for (std::size_t i = 0; i < count; ++i) page_->rsp[MASK_XENSTORE_IDX(given_++)] = out_[i];
    page_->rsp_prod = given_;
    out_.erase(0, count);
    return count;
  }
  std::size_t waiting() const { return out_.size(); }
  // Starts at an index, as on a page that was used before.
  void start_at(std::uint32_t index) {
    taken_ = given_ = page_->req_cons = page_->req_prod = page_->rsp_cons = page_->rsp_prod = index;
  }

 private:
  xenstore_domain_interface* page_;
  std::uint32_t taken_ = 0, given_ = 0;
  std::string in_, out_;
};

}  // namespace fata::sim
