#include "frames.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace fata::flood {

namespace {
constexpr std::size_t kIp = 14;
constexpr std::uint8_t kSyn = 2, kRst = 4, kAck = 16;

std::uint32_t sum16(const std::uint8_t* bytes, std::size_t size) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < size; ++i)
    sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : bytes[i];
  return sum;
}
std::uint16_t folded(std::uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}
}  // namespace

const std::vector<std::string>& Frames::kinds() {
  static const std::vector<std::string> kinds{
      "syn",          "syn6",   "fragments", "fragments6", "overlaps", "overlaps6",
      "out-of-order", "resets", "acks",      "udp",        "arp",      "neighbours"};
  return kinds;
}

void Frames::put16(std::size_t at, std::uint32_t value) {
  frame_[at] = static_cast<std::uint8_t>(value >> 8);
  frame_[at + 1] = static_cast<std::uint8_t>(value);
}
void Frames::put32(std::size_t at, std::uint32_t value) {
  put16(at, value >> 16);
  put16(at + 2, value);
}

void Frames::ethernet(std::uint16_t type) {
  frame_.assign(kIp, 0);
  std::ranges::copy(target_.mac, frame_.begin());
  std::ranges::copy(target_.ours, frame_.begin() + 6);
  put16(12, type);
}

void Frames::ipv4(std::uint8_t protocol, std::size_t payload) {
  ethernet(0x0800);
  v6_ = false;
  inner_ = kIp + 20;
  frame_.resize(inner_ + payload);
  frame_[kIp] = 0x45;
  put16(kIp + 2, static_cast<std::uint32_t>(20 + payload));
  frame_[kIp + 8] = 64;
  frame_[kIp + 9] = protocol;
  std::memcpy(&frame_[kIp + 12], &target_.source4, 4);
  std::memcpy(&frame_[kIp + 16], &target_.target4, 4);
}

void Frames::ipv6(std::uint8_t next, std::size_t payload) {
  ethernet(0x86dd);
  v6_ = true;
  inner_ = kIp + 40;
  frame_.resize(inner_ + payload);
  frame_[kIp] = 0x60;
  put16(kIp + 4, static_cast<std::uint32_t>(payload));
  frame_[kIp + 6] = next;
  frame_[kIp + 7] = 64;
  std::memcpy(&frame_[kIp + 8], &target_.source6, 16);
  std::memcpy(&frame_[kIp + 24], &target_.target6, 16);
}

void Frames::tcp(std::uint8_t flags, std::size_t data) {
  put16(inner_, target_.client);
  put16(inner_ + 2, target_.port);
  put32(inner_ + 4, target_.seq);
  put32(inner_ + 8, target_.ack);
  frame_[inner_ + 12] = 5 << 4;
  frame_[inner_ + 13] = flags;
  put16(inner_ + 14, 65535);
  std::fill_n(frame_.begin() + static_cast<std::ptrdiff_t>(inner_) + 20, data, 0x5a);
}

void Frames::finish() {
  if (frame_[12] == 0x08 && frame_[13] == 0x00) {
    put16(kIp + 10, 0);
    put16(kIp + 10, folded(sum16(&frame_[kIp], 20)));
  }
  const std::uint8_t protocol = v6_ ? frame_[kIp + 6] : frame_[kIp + 9];
  const std::size_t at = protocol == IPPROTO_TCP ? 16 : protocol == IPPROTO_ICMPV6 ? 2 : 6;
  if (frame_[12] == 0x08 && frame_[13] == 0x06) return;
  if (protocol != IPPROTO_TCP && protocol != IPPROTO_ICMPV6 && protocol != IPPROTO_UDP) return;
  if (!v6_ && (frame_[kIp + 6] & 0x3f) != 0) return;  // a fragment
  const std::size_t size = frame_.size() - inner_;
  put16(inner_ + at, 0);
  const std::uint32_t pseudo = (v6_ ? sum16(&frame_[kIp + 8], 32) : sum16(&frame_[kIp + 12], 8)) +
                               protocol + static_cast<std::uint32_t>(size);
  put16(inner_ + at, folded(pseudo + sum16(&frame_[inner_], size)));
}

Frames::Frames(const std::string& kind, const Target& target) : kind_(kind), target_(target) {
  if (kind == "syn" || kind == "resets" || kind == "acks") {
    ipv4(IPPROTO_TCP, 20);
    tcp(kind == "syn" ? kSyn : kind == "acks" ? kAck : kRst, 0);
  } else if (kind == "syn6") {
    ipv6(IPPROTO_TCP, 20);
    tcp(kSyn, 0);
  } else if (kind == "out-of-order") {
    ipv4(IPPROTO_TCP, 120);
    tcp(kAck, 100);
  } else if (kind == "udp") {
    ipv4(IPPROTO_UDP, 40);
    put16(inner_ + 4, 40);
  } else if (kind == "fragments" || kind == "overlaps") {
    ipv4(IPPROTO_UDP, 64);
  } else if (kind == "fragments6" || kind == "overlaps6") {
    ipv6(44, 72);
    frame_[inner_] = IPPROTO_UDP;
  } else if (kind == "arp") {
    ethernet(0x0806);
    frame_.resize(42);
    put16(14, 1), put16(16, 0x0800), put16(18, 0x0604), put16(20, 1);
    std::memcpy(&frame_[38], &target.target4, 4);
  } else {  // neighbour solicitations
    ipv6(IPPROTO_ICMPV6, 32);
    frame_[kIp + 7] = 255;
    frame_[inner_] = 135;
    std::memcpy(&frame_[inner_ + 8], &target.target6, 16);
    frame_[inner_ + 24] = 1;
    frame_[inner_ + 25] = 1;
  }
}

const std::vector<std::uint8_t>& Frames::next() {
  const std::uint32_t n = ++count_, any = static_cast<std::uint32_t>(random_());
  if (kind_ == "syn" || kind_ == "udp") {
    put32(kIp + 12, 0x0a000000 | (any & 0xffffff));  // a random source in 10.0.0.0/8
    put16(inner_, 1024 + n % 60000);
    if (kind_ == "syn") put32(inner_ + 4, any);
    if (kind_ == "udp") put16(inner_ + 2, 1024 + any % 60000);
  } else if (kind_ == "syn6") {
    put32(kIp + 20, any);
    put16(inner_, 1024 + n % 60000);
    put32(inner_ + 4, any);
  } else if (kind_ == "out-of-order") {
    put32(inner_ + 4, target_.seq + 200 + any % 60000);  // in the window, never the next byte
  } else if (kind_ == "resets" || kind_ == "acks") {
    put32(inner_ + 4, any);
    put32(inner_ + 8, any * 2654435761U);
  } else if (kind_ == "fragments" || kind_ == "overlaps") {
    const std::uint32_t packet = kind_ == "overlaps" ? n / 4 : n;
    put16(kIp + 4, packet);
    put16(kIp + 6, 0x2000 | (kind_ == "overlaps" ? n % 4 * 4 : any % 100));
    put32(kIp + 12, 0x0a000000 | (packet * 7 & 0xffff00) | 9);
  } else if (kind_ == "fragments6" || kind_ == "overlaps6") {
    const std::uint32_t packet = kind_ == "overlaps6" ? n / 4 : n;
    put16(inner_ + 2, (kind_ == "overlaps6" ? n % 4 * 4 : any % 100) << 3 | 1);
    put32(inner_ + 4, packet);
    put32(kIp + 20, packet * 7);
  } else if (kind_ == "arp") {
    put32(22, any), put32(24, any), frame_[22] = 2;
    put32(28, 0x0a000200 | (any & 0xff));
  } else {
    put32(kIp + 20, any);
    put32(inner_ + 28, any);
    frame_[inner_ + 26] = 2;
  }
  finish();
  return frame_;
}

}  // namespace fata::flood
