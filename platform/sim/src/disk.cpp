#include "fata/sim/disk.hpp"

#include <algorithm>

#include "fata/base/bytes.hpp"

namespace fata::sim {

Disk::Disk(Drive& drive, const DiskOptions& options)
    : drive_(&drive),
      options_(options),
      geometry_{.sector_size = options.sector_size,
                .sectors = options.sectors,
                .writable = options.writable,
                .discards = options.discards,
                .cached = options.cached,
                .alignment = options.alignment,
                .optimal = std::max<std::uint32_t>(options.sector_size, 4096),
                .parallel = options.parallel},
      slots_(std::make_unique<async::Semaphore>(options.parallel)),
      stable_(static_cast<std::size_t>(geometry_.bytes())) {}

async::Task<Result<void>> Disk::read(std::uint64_t sector, MutableBytes in, async::Wait wait) {
  if (const Result<void> fits = sig::check_read(geometry_, sector, in); !fits || in.empty())
    return async::ready(fits);
  return perform(Kind::kRead, sector, in, {}, in.size() / geometry_.sector_size, wait);
}

async::Task<Result<void>> Disk::write(std::uint64_t sector, Bytes out, async::Wait wait) {
  if (const Result<void> fits = sig::check_write(geometry_, sector, out); !fits || out.empty())
    return async::ready(fits);
  return perform(Kind::kWrite, sector, {}, out, out.size() / geometry_.sector_size, wait);
}

async::Task<Result<void>> Disk::flush(async::Wait wait) {
  return perform(Kind::kFlush, 0, {}, {}, 0, wait);
}

async::Task<Result<void>> Disk::discard(std::uint64_t sector, std::uint64_t count,
                                        async::Wait wait) {
  if (const Result<void> fits = sig::check_discard(geometry_, sector, count); !fits || count == 0)
    return async::ready(fits);
  return perform(Kind::kDiscard, sector, {}, {}, count, wait);
}

async::Task<Result<void>> Disk::perform(Kind kind, std::uint64_t sector, MutableBytes in, Bytes out,
                                        std::uint64_t count, async::Wait wait) {
  if (const auto taken = co_await slots_->acquire(wait); !taken)
    co_return fata::fail(Error(taken.error()));
  struct Leave {  // on every exit
    Disk* disk;
    Writing writing;
    ~Leave() {
      std::erase(disk->writing_, &writing);
      disk->slots_->release();
    }
  } leave{this, {sector, out}};
  ++counts_[static_cast<std::size_t>(kind)];
  const unsigned power = power_;
  if (power % 2 == 0) co_return fata::fail(Error(sig::BlockErrc::kGone));
  if (kind == Kind::kWrite) writing_.push_back(&leave.writing);
  const std::uint64_t begun_at = versions_;
  const std::int64_t spread = (options_.max_delay - options_.min_delay).ns;
  const Duration drawn{
      spread <= 0 ? 0 : static_cast<std::int64_t>(below(static_cast<std::uint64_t>(spread) + 1))};
  (void)co_await async::sleep(options_.min_delay + drawn);
  if (power_ != power) co_return fata::fail(Error(sig::BlockErrc::kGone));
  co_return end(kind, sector, in, out, count, begun_at);
}

Result<void> Disk::end(Kind kind, std::uint64_t sector, MutableBytes in, Bytes out,
                       std::uint64_t count, std::uint64_t begun_at) {
  const bool fails = faulty(kind, sector, count);
  if (fails) ++counts_[kFailures];
  const std::size_t size = geometry_.sector_size;
  switch (kind) {
    case Kind::kRead:
      // The buffer of a failed read may contain anything.
      for (std::uint64_t i = 0; i < count; ++i) {
        const MutableBytes to = in.subspan(static_cast<std::size_t>(i) * size, size);
        if (!fails || below(2) == 0) copy_bytes(to, newest(sector + i));
      }
      break;
    case Kind::kWrite:
      for (std::uint64_t i = 0; i < count; ++i) {
        if (!fails || below(2) == 0)
          put(sector + i, out.subspan(static_cast<std::size_t>(i) * size, size));
      }
      break;
    case Kind::kFlush:
      if (flush_failed_ || fails) {
        flush_failed_ = true;
        return fata::fail(Error(sig::BlockErrc::kFlushFailed));
      }
      for (auto& [number, versions] : cached_) {
        const auto later =
            std::ranges::find_if(versions, [&](const Version& v) { return v.number > begun_at; });
        if (later != versions.begin()) copy_bytes(stable_sector(number), std::prev(later)->bytes);
        versions.erase(versions.begin(), later);
      }
      std::erase_if(cached_, [](const auto& each) { return each.second.empty(); });
      return {};
    case Kind::kDiscard: {
      // Reads may return anything from now on: the old content, zeros, garbage.
      std::vector<std::byte> content(size);
      for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t what = below(3);
        if (what == 0) continue;
        std::ranges::fill(content, std::byte{static_cast<unsigned char>(what == 1 ? 0 : 0xdb)});
        put(sector + i, content);
      }
      break;
    }
  }
  if (fails) return fata::fail(Error(sig::BlockErrc::kFailed));
  return {};
}

void Disk::fail(Kind kind, std::uint64_t first, std::uint64_t count, unsigned times) {
  faults_.push_back({kind, first, count, times});
}

bool Disk::faulty(Kind kind, std::uint64_t sector, std::uint64_t count) {
  const auto found = std::ranges::find_if(faults_, [&](const Fault& f) {
    if (f.kind != kind) return false;
    return kind == Kind::kFlush ||
           (sector + count > f.first && (sector < f.first || sector - f.first < f.count));
  });
  if (found == faults_.end()) return false;
  if (--found->times == 0) faults_.erase(found);
  return true;
}

void Disk::put(std::uint64_t sector, Bytes bytes) {
  if (!geometry_.cached) {
    copy_bytes(stable_sector(sector), bytes);
    return;
  }
  cached_[sector].push_back({++versions_, {bytes.begin(), bytes.end()}});
}

Bytes Disk::newest(std::uint64_t sector) const {
  if (const auto found = cached_.find(sector); found != cached_.end())
    return found->second.back().bytes;
  return Bytes(stable_).subspan(static_cast<std::size_t>(sector) * geometry_.sector_size,
                                geometry_.sector_size);
}

MutableBytes Disk::stable_sector(std::uint64_t sector) {
  return MutableBytes(stable_).subspan(static_cast<std::size_t>(sector) * geometry_.sector_size,
                                       geometry_.sector_size);
}

// Stores one of the versions, or keeps the old content, or (with torn_sectors) mixes the start of
// one with the end of the other.
void Disk::settle(std::uint64_t sector, const std::vector<Version>& versions) {
  const MutableBytes there = stable_sector(sector);
  const std::size_t chosen = static_cast<std::size_t>(below(versions.size() + 1));
  const std::size_t cut =
      options_.torn_sectors ? static_cast<std::size_t>(below(there.size() + 1)) : there.size();
  if (chosen != versions.size()) copy_bytes(there, Bytes(versions[chosen].bytes).first(cut));
}

void Disk::cut_power() {
  if (power_ % 2 == 0) return;
  ++power_;
  ++counts_[kPowerCuts];
  const std::size_t size = geometry_.sector_size;
  for (const Writing* writing : writing_) {
    for (std::size_t at = 0; at < writing->bytes.size(); at += size) {
      const Bytes bytes = writing->bytes.subspan(at, size);
      cached_[writing->sector + at / size].push_back({++versions_, {bytes.begin(), bytes.end()}});
    }
  }
  for (const auto& [sector, versions] : cached_) settle(sector, versions);
  cached_.clear();
}

void Disk::forget_user() {
  const std::size_t size = geometry_.sector_size;
  for (const Writing* writing : writing_) {
    for (std::size_t at = 0; at < writing->bytes.size(); at += size) {
      if (below(2) == 0) put(writing->sector + at / size, writing->bytes.subspan(at, size));
    }
  }
  writing_.clear();
  slots_ = std::make_unique<async::Semaphore>(options_.parallel);
}

void Disk::restore_power() {
  if (power_ % 2 == 0) ++power_;
  flush_failed_ = false;
}

}  // namespace fata::sim
