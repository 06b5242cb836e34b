// PacketBuf and Slice: two handles for device-accessible memory that avoid copies.
//
//   PacketBuf  one owner, writable, with headroom: each layer prepends its header in place.
//   Slice      a reference-counted, read-only view of (part of) a buffer; the last holder
//              returns the buffer to its home.
//
// A buffer belongs to the BufferHome that created it (a pool or a device's ring) and returns to it
// for reuse. Counts are not atomic: a buffer lives on one loop (one core).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "fata/base/bytes.hpp"
#include "fata/base/panic.hpp"

namespace fata {

struct Buffer;

// Recycles buffers that no handle holds any longer.
class BufferHome {
 public:
  virtual void recycle(Buffer& buffer) noexcept = 0;

 protected:
  ~BufferHome() = default;
};

// The control block of one piece of memory. It is owned by its home and valid for as long as the
// home exists; a home must outlive all holders of its buffers.
struct Buffer {
  BufferHome* home = nullptr;
  std::byte* memory = nullptr;
  std::uint32_t capacity = 0;
  std::uint32_t holders = 0;
  std::uint32_t index = 0;      // private to the home: its table index or descriptor number
  Buffer* next_free = nullptr;  // private to the home: free list

  MutableBytes bytes() const { return danger_span(memory, capacity); }
};

// Work left to the device (transmit) or already done by it (receive). The fields are those of the
// virtio-net header (virtio 1.2, section 5.1.6); offsets count from the first byte of the packet.
struct Offload {
  enum class Gso : std::uint8_t { kNone, kTcpV4, kTcpV6, kUdp };
  // Transmit: the device sums from checksum_start to the end and stores the result at
  // checksum_start + checksum_offset.
  bool checksum_needed = false;
  // Receive: validated by the device (or a trusted peer on the same host).
  bool checksum_valid = false;
  Gso gso = Gso::kNone;
  bool gso_ecn = false;
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;
  std::uint16_t gso_size = 0;       // payload bytes per segment
  std::uint16_t header_length = 0;  // bytes of headers repeated in each segment
};

class Slice;

// A scatter-gather list: the parts of a frame that lie outside its first buffer. When a large
// segment is sent, the list holds the payload, which is not copied; for a received frame, it holds
// the device's remaining buffers. Move-only; an empty list costs a null pointer.
class BufferChain {
 public:
  // The maximum number of pieces: 64 KiB in pages, plus some for data that is not page-aligned.
  static constexpr std::size_t kMax = 20;

  BufferChain() = default;
  BufferChain(BufferChain&& other) noexcept : list_(std::exchange(other.list_, nullptr)) {}
  BufferChain& operator=(BufferChain&& other) noexcept {
    std::swap(list_, other.list_);
    return *this;
  }
  ~BufferChain() {
    if (list_ != nullptr) clear();
  }

  bool empty() const { return list_ == nullptr; }
  bool full() const;
  std::size_t bytes() const;  // of all pieces
  // Appends a piece; there must be room. Empty pieces are dropped.
  void push(Slice piece);
  std::span<Slice> pieces();
  std::span<const Slice> pieces() const;
  // Truncates to the first `bytes` bytes; there must be that many.
  void truncate(std::size_t bytes);
  void clear();

 private:
  struct List;
  List* list_ = nullptr;
};

class PacketBuf {
 public:
  PacketBuf() = default;
  // Adopts a buffer that has no holders; the payload is empty and starts after `headroom` bytes.
  PacketBuf(Buffer& buffer, std::size_t headroom) : buffer_(&buffer) {
    check(buffer.holders == 0 && headroom <= buffer.capacity, "buffer adopted twice");
    buffer.holders = 1;
    begin_ = end_ = static_cast<std::uint32_t>(headroom);
  }
  PacketBuf(PacketBuf&& other) noexcept
      : buffer_(std::exchange(other.buffer_, nullptr)),
        begin_(std::exchange(other.begin_, 0)),
        end_(std::exchange(other.end_, 0)),
        offload_(other.offload_),
        chain_(std::move(other.chain_)) {}
  PacketBuf& operator=(PacketBuf&& other) noexcept;
  ~PacketBuf() { reset(); }

  explicit operator bool() const { return buffer_ != nullptr; }
  void reset() {
    if (buffer_ != nullptr) release();
  }

  // The number of bytes in the packet's own buffer; any that follow are in chain().
  std::size_t size() const { return end_ - begin_; }
  std::size_t headroom() const { return begin_; }
  std::size_t tailroom() const { return buffer_ == nullptr ? 0 : buffer_->capacity - end_; }
  MutableBytes bytes() {
    return buffer_ == nullptr ? MutableBytes{} : buffer_->bytes().subspan(begin_, size());
  }
  Bytes bytes() const {
    return buffer_ == nullptr ? Bytes{} : buffer_->bytes().subspan(begin_, size());
  }

  // Extends the packet at the front by `count` bytes for the caller to fill. Needs that much
  // headroom.
  MutableBytes prepend(std::size_t count) {
    check(count <= headroom(), "no headroom for a header");
    begin_ -= static_cast<std::uint32_t>(count);
    return bytes().first(count);
  }
  // Extends the packet at the back. Needs that much tailroom.
  MutableBytes append(std::size_t count) {
    check(count <= tailroom(), "no tailroom");
    end_ += static_cast<std::uint32_t>(count);
    return bytes().last(count);
  }
  // All free memory after the packet. After writing to it, call append() to add those bytes to the
  // packet.
  MutableBytes tail() {
    return buffer_ == nullptr ? MutableBytes{} : buffer_->bytes().subspan(end_);
  }
  void trim_front(std::size_t count) {
    check(count <= size(), "trimmed more than there is");
    begin_ += static_cast<std::uint32_t>(count);
  }
  void truncate(std::size_t size_now) {
    check(size_now <= size(), "truncated to more than there is");
    end_ = begin_ + static_cast<std::uint32_t>(size_now);
  }

  Offload& offload() { return offload_; }
  const Offload& offload() const { return offload_; }
  Buffer* buffer() const { return buffer_; }
  // The data after the packet's own bytes. Only a device with NetFeatures::gather accepts such
  // packets.
  BufferChain& chain() { return chain_; }
  const BufferChain& chain() const { return chain_; }
  // The size including the chain.
  std::size_t total_size() const { return size() + (chain_.empty() ? 0 : chain_.bytes()); }

 private:
  friend class Slice;
  Buffer* buffer_ = nullptr;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  void release();

  Offload offload_{};
  BufferChain chain_;
};

class Slice {
 public:
  Slice() = default;
  // Makes the packet, which must have no chain, read-only and shareable, at no cost.
  explicit Slice(PacketBuf&& packet) noexcept
      : buffer_(std::exchange(packet.buffer_, nullptr)),
        offset_(packet.begin_),
        size_(packet.end_ - packet.begin_) {}
  Slice(const Slice& other) : buffer_(other.buffer_), offset_(other.offset_), size_(other.size_) {
    if (buffer_ != nullptr) ++buffer_->holders;
  }
  Slice(Slice&& other) noexcept
      : buffer_(std::exchange(other.buffer_, nullptr)),
        offset_(other.offset_),
        size_(std::exchange(other.size_, 0)) {}
  Slice& operator=(const Slice& other) noexcept { return *this = Slice(other); }
  Slice& operator=(Slice&& other) noexcept {
    Slice taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Slice() { release(); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Bytes bytes() const {
    return buffer_ == nullptr ? Bytes{} : buffer_->bytes().subspan(offset_, size_);
  }
  std::string_view text() const { return as_text(bytes()); }

  // A part of this slice; shares its buffer. `offset + count` must not exceed size().
  Slice part(std::size_t offset, std::size_t count) const {
    Slice slice(*this);
    slice.trim_front(offset);
    slice.truncate(count);
    return slice;
  }
  void trim_front(std::size_t count) {
    check(count <= size_, "trimmed more than there is");
    offset_ += static_cast<std::uint32_t>(count);
    size_ -= static_cast<std::uint32_t>(count);
  }
  void truncate(std::size_t size_now) {
    check(size_now <= size_, "truncated to more than there is");
    size_ = static_cast<std::uint32_t>(size_now);
  }

  // The number of bytes that this slice keeps from being reused: the capacity of its whole buffer.
  std::size_t footprint() const { return buffer_ == nullptr ? 0 : buffer_->capacity; }
  // The home to which the buffer returns when its last holder releases it; null for a slice without
  // a buffer.
  const BufferHome* home() const { return buffer_ == nullptr ? nullptr : buffer_->home; }
  bool is_sole_holder() const { return buffer_ != nullptr && buffer_->holders == 1; }
  // If this slice is the sole holder, turns it into a writable packet (TLS decrypts in place this
  // way). Otherwise, returns nullopt and leaves the slice unchanged.
  std::optional<PacketBuf> into_packet() && {
    if (!is_sole_holder()) return std::nullopt;
    PacketBuf packet;
    packet.buffer_ = std::exchange(buffer_, nullptr);
    packet.begin_ = offset_;
    packet.end_ = offset_ + size_;
    return packet;
  }

  void swap(Slice& other) noexcept {
    std::swap(buffer_, other.buffer_);
    std::swap(offset_, other.offset_);
    std::swap(size_, other.size_);
  }

 private:
  void release() {
    if (buffer_ == nullptr) return;
    Buffer& buffer = *std::exchange(buffer_, nullptr);
    if (--buffer.holders == 0) buffer.home->recycle(buffer);
  }

  Buffer* buffer_ = nullptr;
  std::uint32_t offset_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace fata
