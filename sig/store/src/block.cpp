#include "fata/sig/block.hpp"

namespace fata::sig {

const ErrorDomain& error_domain(BlockErrc) noexcept {
  static constexpr ErrorDomain domain{
      "block", [](std::uint32_t code) -> std::string_view {
        switch (static_cast<BlockErrc>(code)) {
          case BlockErrc::kOutOfRange:
            return "beyond the last sector";
          case BlockErrc::kBadSize:
            return "no whole number of sectors";
          case BlockErrc::kMisaligned:
            return "a buffer that is not aligned as the device needs it";
          case BlockErrc::kReadOnly:
            return "the device is read-only";
          case BlockErrc::kUnsupported:
            return "the device cannot discard";
          case BlockErrc::kFailed:
            return "input/output error";
          case BlockErrc::kNoSpace:
            return "no space is left for it";
          case BlockErrc::kFlushFailed:
            return "a flush has failed, so that what was written before it may be lost";
          case BlockErrc::kGone:
            return "the device does not answer any more";
        }
        return "unknown";
      }};
  return domain;
}

namespace {
Result<void> check_range(const BlockGeometry& geometry, std::uint64_t sector, std::uint64_t count) {
  if (sector > geometry.sectors || count > geometry.sectors - sector)
    return fail(Error(BlockErrc::kOutOfRange));
  return {};
}
}  // namespace

Result<void> check_read(const BlockGeometry& geometry, std::uint64_t sector, Bytes buffer) {
  if (buffer.size() % geometry.sector_size != 0) return fail(Error(BlockErrc::kBadSize));
  if (reinterpret_cast<std::uintptr_t>(buffer.data()) % geometry.alignment != 0)
    return fail(Error(BlockErrc::kMisaligned));
  return check_range(geometry, sector, buffer.size() / geometry.sector_size);
}

Result<void> check_write(const BlockGeometry& geometry, std::uint64_t sector, Bytes buffer) {
  if (!geometry.writable) return fail(Error(BlockErrc::kReadOnly));
  return check_read(geometry, sector, buffer);
}

Result<void> check_discard(const BlockGeometry& geometry, std::uint64_t sector,
                           std::uint64_t count) {
  if (!geometry.writable) return fail(Error(BlockErrc::kReadOnly));
  if (!geometry.discards) return fail(Error(BlockErrc::kUnsupported));
  return check_range(geometry, sector, count);
}

}  // namespace fata::sig
