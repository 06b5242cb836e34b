#include "fata/base/siphash.hpp"

#include <bit>

namespace fata {
namespace {

class State {
 public:
  explicit State(const SipKey& key)
      : v0_(key.k0 ^ 0x736f6d6570736575),
        v1_(key.k1 ^ 0x646f72616e646f6d),
        v2_(key.k0 ^ 0x6c7967656e657261),
        v3_(key.k1 ^ 0x7465646279746573) {}

  void word(std::uint64_t m) {
    v3_ ^= m;
    round();
    round();
    v0_ ^= m;
  }
  // `last` holds up to seven trailing bytes that fill no word, little endian; `length` is that of
  // the whole message.
  std::uint64_t finish(std::uint64_t last, std::size_t length) {
    word(last | std::uint64_t{length & 0xff} << 56);
    v2_ ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_, v1_, v2_, v3_;
};

}  // namespace

std::uint64_t siphash(const SipKey& key, Bytes bytes) {
  State state(key);
  const std::size_t length = bytes.size();
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) state.word(load_le<std::uint64_t>(bytes));
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    last |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  return state.finish(last, length);
}

std::uint64_t siphash(const SipKey& key, std::span<const std::uint64_t> words) {
  State state(key);
  for (const std::uint64_t word : words) state.word(word);
  return state.finish(0, words.size() * 8);
}

}  // namespace fata
