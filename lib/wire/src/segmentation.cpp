#include "fata/wire/segmentation.hpp"

#include <algorithm>

#include "fata/wire/checksum.hpp"
#include "fata/wire/ethernet.hpp"

namespace fata::wire {

namespace {
constexpr std::size_t kEtherType = 12;
constexpr std::size_t kIpv4Length = 2, kIpv4Identification = 4, kIpv4Checksum = 10, kIpv4Size = 20;
constexpr std::size_t kIpv6Length = 4, kIpv6Size = 40;
constexpr std::size_t kSeq = 4, kFlags = 13, kChecksum = 16;
constexpr std::byte kFinPsh{0x09}, kCwr{0x80};

void set_length_v4(MutableBytes ip, std::uint16_t index) {
  store_be(ip.subspan(kIpv4Length), static_cast<std::uint16_t>(ip.size()));
  const auto first = load_be<std::uint16_t>(ip.subspan(kIpv4Identification));
  store_be(ip.subspan(kIpv4Identification), static_cast<std::uint16_t>(first + index));
  store_be(ip.subspan(kIpv4Checksum), std::uint16_t{0});
  store_be(ip.subspan(kIpv4Checksum), checksum(ip.first(kIpv4Size)));
}
}  // namespace

Segmenter::Segmenter(PacketBuf frame)
    : frame_(std::move(frame)),
      ip_at_(load_be<std::uint16_t>(std::as_const(frame_).bytes().subspan(kEtherType)) ==
                     static_cast<std::uint16_t>(ethernet::Type::kTagged)
                 ? ethernet::kHeaderSize + ethernet::kTagSize
                 : ethernet::kHeaderSize),
      header_(frame_.offload().header_length),
      payload_(frame_.total_size() - header_),
      piece_(std::as_const(frame_).bytes().subspan(header_)) {}

std::size_t Segmenter::size() const {
  return done_ == payload_
             ? 0
             : header_ + std::min<std::size_t>(frame_.offload().gso_size, payload_ - done_);
}

void Segmenter::copy_payload(MutableBytes to) {
  while (!to.empty()) {
    if (piece_.empty()) piece_ = std::as_const(frame_).chain().pieces()[next_++].bytes();
    const std::size_t count = std::min(piece_.size(), to.size());
    copy_bytes(to, piece_.first(count));
    piece_ = piece_.subspan(count);
    to = to.subspan(count);
  }
}

void Segmenter::next(PacketBuf& to) {
  const Offload& whole = frame_.offload();
  const MutableBytes all = to.append(size());
  copy_bytes(all, frame_.bytes().first(header_));
  copy_payload(all.subspan(header_));

  const MutableBytes ip = all.subspan(ip_at_);
  if (whole.gso == Offload::Gso::kTcpV4) {
    set_length_v4(ip, index_);
  } else {
    store_be(ip.subspan(kIpv6Length), static_cast<std::uint16_t>(ip.size() - kIpv6Size));
  }
  const MutableBytes tcp = all.subspan(whole.checksum_start);
  store_be(tcp.subspan(kSeq),
           load_be<std::uint32_t>(tcp.subspan(kSeq)) + static_cast<std::uint32_t>(done_));
  done_ += all.size() - header_;
  if (done_ != payload_) tcp[kFlags] &= ~kFinPsh;
  if (index_++ != 0) tcp[kFlags] &= ~kCwr;
  // The field holds the pseudo-header's sum: replace the length in it (RFC 1624 section 3).
  ChecksumSum pseudo;
  pseudo.add_u16(load_be<std::uint16_t>(tcp.subspan(kChecksum)));
  pseudo.add_u16(static_cast<std::uint16_t>(~(frame_.total_size() - whole.checksum_start)));
  pseudo.add_u16(static_cast<std::uint16_t>(tcp.size()));
  store_be(tcp.subspan(kChecksum), pseudo.partial());

  to.offload() = {};
  to.offload().checksum_needed = true;
  to.offload().checksum_start = whole.checksum_start;
  to.offload().checksum_offset = whole.checksum_offset;
}

}  // namespace fata::wire
