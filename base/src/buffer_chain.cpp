#include "fata/base/packet.hpp"

#include <array>

namespace fata {

struct BufferChain::List {
  std::array<Slice, kMax> pieces;
  std::size_t count = 0;
  std::size_t bytes = 0;
};

bool BufferChain::full() const { return list_ != nullptr && list_->count == kMax; }

std::size_t BufferChain::bytes() const { return list_ == nullptr ? 0 : list_->bytes; }

void BufferChain::push(Slice piece) {
  if (piece.empty()) return;
  if (list_ == nullptr) list_ = new List;
  check(list_->count < kMax, "a frame of too many pieces");
  list_->bytes += piece.size();
  list_->pieces[list_->count++] = std::move(piece);
}

std::span<Slice> BufferChain::pieces() {
  if (list_ == nullptr) return {};
  return std::span(list_->pieces).first(list_->count);
}

std::span<const Slice> BufferChain::pieces() const {
  if (list_ == nullptr) return {};
  return std::span(list_->pieces).first(list_->count);
}

void BufferChain::truncate(std::size_t bytes_now) {
  check(bytes_now <= bytes(), "truncated to more than there is");
  if (bytes_now == 0) return clear();
  std::size_t cut = list_->bytes - bytes_now;
  list_->bytes = bytes_now;
  while (cut != 0) {
    Slice& last = list_->pieces[list_->count - 1];
    if (last.size() > cut) return last.truncate(last.size() - cut);
    cut -= last.size();
    last = {};
    --list_->count;
  }
}

PacketBuf& PacketBuf::operator=(PacketBuf&& other) noexcept {
  if (this == &other) return *this;
  reset();
  buffer_ = std::exchange(other.buffer_, nullptr);
  begin_ = std::exchange(other.begin_, 0);
  end_ = std::exchange(other.end_, 0);
  offload_ = other.offload_;
  chain_ = std::move(other.chain_);
  return *this;
}

void PacketBuf::release() {
  Buffer& buffer = *std::exchange(buffer_, nullptr);
  buffer.holders = 0;
  chain_.clear();
  buffer.home->recycle(buffer);
}

void BufferChain::clear() { delete std::exchange(list_, nullptr); }

}  // namespace fata
