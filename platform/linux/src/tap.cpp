#include "fata/host/tap.hpp"

#include <fcntl.h>
#include <liburing.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#define class device_class  // a member's name in a C header
#include <linux/virtio_net.h>
#undef class
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>

#include "fata/base/platform.hpp"
#include "fata/host/os_error.hpp"

namespace fata::host {

namespace {
constexpr std::size_t kHeader = sizeof(virtio_net_hdr);
constexpr std::uint64_t kReadTag = 1ULL << 32;
}  // namespace

const ErrorDomain& error_domain(TapErrc) noexcept {
  static constexpr ErrorDomain domain{
      "tap", [](std::uint32_t code) -> std::string_view {
        switch (static_cast<TapErrc>(code)) {
          case TapErrc::kBadName:
            return "an interface name has 1 to 15 characters";
          case TapErrc::kNoTun:
            return "/dev/net/tun cannot be opened; load the kernel's tun module";
          case TapErrc::kNoRights:
            return "no right to use the tap; run as root, or make one for this user: ip tuntap add NAME mode "
                   "tap vnet_hdr user USER";
          case TapErrc::kBusy:
            return "the tap is in use by another process";
          case TapErrc::kNoUring:
            return "this kernel refuses io_uring; see /proc/sys/kernel/io_uring_disabled";
        }
        return "unknown";
      }};
  return domain;
}

struct Tap::Ring {
  ~Ring() {
    if (live) io_uring_queue_exit(&uring);
  }
  io_uring uring{};
  bool live = false;
  std::array<PacketBuf, kBatch> reads;  // by slot, while the system call runs
  std::array<PacketBuf, kBatch> writes;
  std::array<PacketBuf, kBatch> staged;  // to be written with the next system call
  std::size_t staged_count = 0;
  std::array<sig::RxFrame, kBatch> received;  // since the last receive()
  std::size_t received_first = 0;
  std::size_t received_count = 0;
};

Result<std::unique_ptr<Tap>> Tap::open(async::Context& context, std::string_view name) {
  if (name.empty() || name.size() >= IFNAMSIZ) return fail(Error(TapErrc::kBadName));
  Fd fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return fail(Error(errno == EACCES || errno == EPERM ? TapErrc::kNoRights : TapErrc::kNoTun));
  ifreq request{};
  std::ranges::copy(name, request.ifr_name);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    if (errno == EPERM) return fail(Error(TapErrc::kNoRights));
    if (errno == EBUSY) return fail(Error(TapErrc::kBusy));
    return os_fail();
  }
  int header = kHeader;
  ::ioctl(fd.get(), TUNSETVNETHDRSZ, &header);
  // The kernel may hand us frames whose checksum is still to be made: their sender is in this host.
  if (::ioctl(fd.get(), TUNSETOFFLOAD, TUN_F_CSUM) != 0) return os_fail();
  Fd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  std::size_t mtu = 1500;
  ifreq ask{};
  std::ranges::copy(name, ask.ifr_name);
  if (::ioctl(control.get(), SIOCGIFMTU, &ask) == 0) mtu = static_cast<std::size_t>(ask.ifr_mtu);
  mtu = std::min(mtu, kBufferSize - kHeader - 18);
  // Bring it up where we may; else its owner does.
  if (::ioctl(control.get(), SIOCGIFFLAGS, &ask) == 0 && (ask.ifr_flags & IFF_UP) == 0) {
    ask.ifr_flags = static_cast<short>(ask.ifr_flags | IFF_UP);
    ::ioctl(control.get(), SIOCSIFFLAGS, &ask);
  }
  auto ring = std::make_unique<Ring>();
  io_uring_params params{};
  // All completions are ours to reap in our own turn: nothing interrupts the loop (plain rings lose a third
  // of the rate).
  params.flags = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  if (io_uring_queue_init_params(2 * kBatch, &ring->uring, &params) != 0) {
    params = {};
    if (io_uring_queue_init_params(2 * kBatch, &ring->uring, &params) != 0)
      return fail(Error(TapErrc::kNoUring));
  }
  ring->live = true;
  // Locally administered, of this device alone: the host's end has another.
  MacAddress mac;
  platform::entropy(mac.octets);
  mac.octets[0] = std::byte{0x52};
  mac.octets[1] = std::byte{0x54};
  auto tap = std::unique_ptr<Tap>(new Tap(std::move(fd), std::move(ring), mtu, mac));
  context.logger("tap").info(name, ": checksum offload both ways, mtu ", mtu);
  return tap;
}

async::Task<Result<std::unique_ptr<Tap>>> Tap::connect(async::Context& context, std::string_view name) {
  return async::ready(open(context, name));
}

Tap::Tap(Fd fd, std::unique_ptr<Ring> ring, std::size_t mtu, MacAddress mac)
    : fd_(std::move(fd)),
      mtu_(mtu),
      mac_(mac),
      ring_(std::move(ring)),
      counters_{Counter{"received"}, Counter{"sent"}, Counter{"send_errors"}, Counter{"no_buffer"},
                Counter{"system_calls"}} {
  const MutableBytes memory = pool_.memory();
  iovec all{memory.data(), memory.size()};
  check(io_uring_register_buffers(&ring_->uring, &all, 1) == 0,
        "io_uring refuses the buffers (see ulimit -l)");
  int descriptor = fd_.get();
  check(io_uring_register_files(&ring_->uring, &descriptor, 1) == 0, "io_uring refuses the tap");
  check(watch_.start(fd_.get()).has_value(), "epoll refuses a tap");
  reactor().add(*this);
}

Tap::~Tap() = default;

sig::NetFeatures Tap::features() const {
  sig::NetFeatures features;
  features.tx_checksum = features.rx_checksum = true;
  features.receive_memory = (kBuffers - kReserve) * kBufferSize;
  return features;
}

// Queues the staged writes and `reads` reads, and has the kernel do them all. With RWF_NOWAIT each has
// completed when the call returns, EAGAIN being an answer; O_NONBLOCK alone would leave reads pending, and
// cost a wake-up each.
void Tap::submit(std::size_t reads) {
  Ring& ring = *ring_;
  std::size_t queued = 0;
  for (std::size_t i = 0; i < ring.staged_count; ++i) {
    PacketBuf& packet = ring.writes[i] = std::move(ring.staged[i]);
    const MutableBytes bytes = packet.bytes();
    io_uring_sqe* sqe = io_uring_get_sqe(&ring.uring);
    io_uring_prep_write_fixed(sqe, 0, bytes.data(), static_cast<unsigned>(bytes.size()), 0, 0);
    sqe->flags |= IOSQE_FIXED_FILE;
    sqe->rw_flags = RWF_NOWAIT;
    io_uring_sqe_set_data64(sqe, i);
    ++queued;
  }
  ring.staged_count = 0;
  for (std::size_t i = 0; i < reads; ++i) {
    PacketBuf& packet = ring.reads[i];
    if (!packet) packet = pool_.allocate();
    if (!packet) {
      ++counters_[kNoBuffer];
      break;
    }
    const MutableBytes room = packet.tail();
    io_uring_sqe* sqe = io_uring_get_sqe(&ring.uring);
    io_uring_prep_read_fixed(sqe, 0, room.data(), static_cast<unsigned>(room.size()), 0, 0);
    sqe->flags |= IOSQE_FIXED_FILE;
    sqe->rw_flags = RWF_NOWAIT;
    io_uring_sqe_set_data64(sqe, kReadTag | i);
    ++queued;
  }
  if (queued == 0) return;
  ++counters_[kSystemCalls];
  io_uring_submit_and_wait(&ring.uring, static_cast<unsigned>(queued));
}

void Tap::complete() {
  Ring& ring = *ring_;
  std::size_t tried = 0;
  std::size_t got = 0;
  unsigned head = 0;
  unsigned seen = 0;
  io_uring_cqe* cqe = nullptr;
  io_uring_for_each_cqe(&ring.uring, head, cqe) {
    ++seen;
    const std::uint64_t tag = io_uring_cqe_get_data64(cqe);
    const auto slot = static_cast<std::size_t>(tag & 0xffffffff);
    if ((tag & kReadTag) == 0) {
      ring.writes[slot].reset();
      ++counters_[cqe->res > 0 ? kSent : kSendErrors];
      continue;
    }
    ++tried;
    if (cqe->res < static_cast<int>(kHeader)) {
      // EAGAIN: all was read. EBADFD: the interface is gone. EIO: it is down, and says when it is up again.
      if (cqe->res == -EBADFD) failed_ = true;
      continue;
    }
    ++got;
    PacketBuf packet = std::move(ring.reads[slot]);
    (void)packet.append(static_cast<std::size_t>(cqe->res));
    virtio_net_hdr header;
    std::memcpy(&header, packet.bytes().first<kHeader>().data(), kHeader);
    packet.trim_front(kHeader);
    sig::RxFrame& frame = ring.received[ring.received_count++];
    frame.offload = {};
    frame.offload.checksum_valid =
        (header.flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID)) != 0;
    frame.frame = Slice(std::move(packet));
  }
  io_uring_cq_advance(&ring.uring, seen);
  counters_[kReceived] += got;
  if (tried != 0) {
    if (got < tried) watch_.drained_in();
    reads_ = std::clamp<std::size_t>(2 * got, 8, kBatch);
  }
}

bool Tap::poll() noexcept {
  Ring& ring = *ring_;
  const bool wanted = !readers_.empty() && watch_.readable() && ring.received_first == ring.received_count;
  if (!wanted && ring.staged_count == 0) return false;
  if (wanted) ring.received_first = ring.received_count = 0;
  submit(wanted ? reads_ : 0);
  complete();
  const bool arrived = wanted && (ring.received_count != 0 || failed_);
  if (arrived) readers_.notify_all();
  const bool room = !writers_.empty();
  writers_.notify_all();
  return arrived || room;
}

async::Task<Result<std::size_t>> Tap::receive(std::span<sig::RxFrame> in, async::Wait wait) {
  Ring& ring = *ring_;
  for (;;) {
    const std::size_t count = std::min(in.size(), ring.received_count - ring.received_first);
    if (count != 0) {
      for (sig::RxFrame& frame : in.first(count)) frame = std::move(ring.received[ring.received_first++]);
      co_return count;
    }
    if (failed_) co_return os_fail(EBADFD);
    if (!watch_.readable()) {
      if (const Result<void> ready = co_await watch_.wait_readable(wait); !ready)
        co_return fail(ready.error());
    }
    // The read itself happens in the loop's next look at its devices, together with what others have staged
    // to write.
    const auto woken = co_await readers_.wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
}

PacketBuf Tap::allocate(std::size_t headroom) {
  if (pool_.available() <= kReserve) {
    ++counters_[kNoBuffer];
    return {};
  }
  return pool_.allocate(headroom + kHeader);
}

std::size_t Tap::send(std::span<PacketBuf> out) {
  Ring& ring = *ring_;
  const std::size_t taken = std::min(out.size(), kBatch - ring.staged_count);
  for (PacketBuf& packet : out.first(taken)) {
    virtio_net_hdr header{};
    const Offload& offload = packet.offload();
    if (offload.checksum_needed) {
      header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
      header.csum_start = offload.checksum_start;
      header.csum_offset = offload.checksum_offset;
    }
    std::memcpy(packet.prepend(kHeader).data(), &header, kHeader);
    ring.staged[ring.staged_count++] = std::move(packet);
  }
  return taken;
}

async::Task<Result<void>> Tap::writable(async::Wait wait) {
  while (ring_->staged_count == kBatch) {
    const auto woken = co_await writers_.wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
  co_return Result<void>{};
}

}  // namespace fata::host
