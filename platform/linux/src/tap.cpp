#include "fata/linux/tap.hpp"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#define class device_class  // a member name in a C header
#include <linux/virtio_net.h>
#undef class
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>

#include "fata/base/platform.hpp"
#include "fata/linux/os_error.hpp"
#include "uring.hpp"

namespace fata::linux {

namespace {
constexpr std::size_t kHeader = sizeof(virtio_net_hdr);
constexpr std::uint64_t kReadTag = 1ULL << 32;
constexpr unsigned kOffloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
// A batch of large frames is limited to the size of the caches.
constexpr std::size_t kLargeFrame = 8192;
constexpr std::size_t kLargeReads = 16;
// The maximum number of bytes staged for the next system call; the last frame may exceed it.
constexpr std::size_t kMaxStaged = std::size_t{512} << 10;

virtio_net_hdr header_of(const Offload& offload) {
  virtio_net_hdr header{};
  if (offload.checksum_needed) {
    header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    header.csum_start = offload.checksum_start;
    header.csum_offset = offload.checksum_offset;
  }
  if (offload.gso != Offload::Gso::kNone) {
    header.gso_type =
        offload.gso == Offload::Gso::kTcpV4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
    if (offload.gso_ecn) header.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
    header.gso_size = offload.gso_size;
    header.hdr_len = offload.header_length;
  }
  return header;
}

Offload offload_of(const virtio_net_hdr& header) {
  Offload offload;
  offload.checksum_valid =
      (header.flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID)) != 0;
  switch (header.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_TCPV4:
      offload.gso = Offload::Gso::kTcpV4;
      break;
    case VIRTIO_NET_HDR_GSO_TCPV6:
      offload.gso = Offload::Gso::kTcpV6;
      break;
    default:
      return offload;
  }
  offload.gso_size = header.gso_size;
  offload.header_length = header.hdr_len;
  return offload;
}
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
            return "no permission to use the tap; run as root, or make one for this user: ip "
                   "tuntap add "
                   "NAME mode "
                   "tap vnet_hdr user USER";
          case TapErrc::kBusy:
            return "the tap is in use by another process";
        }
        return "unknown";
      }};
  return domain;
}

// `live` is false if the kernel refuses io_uring.
struct Tap::Ring : Uring {
  // Indexed by slot; in use during the system call.
  struct Read {
    static constexpr std::size_t kLarge =
        (65535 + 14 + kHeader - kBufferSize + kLargeSize - 1) / kLargeSize;
    PacketBuf first;
    std::array<PacketBuf, kLarge> rest;
    std::array<iovec, 1 + kLarge> pieces;
    std::size_t count = 0;  // of pieces
  };
  struct Write {
    PacketBuf packet;
    std::array<iovec, 1 + BufferChain::kMax> pieces;
    std::size_t count = 0;  // of pieces
  };
  struct Ended {
    std::uint64_t tag = 0;
    int outcome = 0;
  };
  std::array<Read, kBatch> reads;
  std::array<Write, kBatch> writes;
  std::array<PacketBuf, kBatch> staged;  // written by the next system call
  std::size_t staged_count = 0;
  std::size_t staged_bytes = 0;
  bool has_room() const { return staged_count < kBatch && staged_bytes < kMaxStaged; }
  std::array<sig::RxFrame, kBatch> received;  // since the last receive()
  std::size_t received_first = 0;
  std::size_t received_count = 0;
  std::array<Ended, 2 * kBatch> ended{};  // without io_uring: the input of complete()
  std::size_t ended_count = 0;
};

// Totals of one complete().
struct Tap::Batch {
  std::size_t tried = 0, got = 0, bytes = 0;  // reads
};

Result<std::unique_ptr<Tap>> Tap::open(async::Context& context, std::string_view name,
                                       bool offload) {
  if (name.empty() || name.size() >= IFNAMSIZ) return fail(Error(TapErrc::kBadName));
  Fd fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd)
    return fail(Error(errno == EACCES || errno == EPERM ? TapErrc::kNoRights : TapErrc::kNoTun));
  ifreq request{};
  std::ranges::copy(name, request.ifr_name);
  Fd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const bool existed = ::ioctl(control.get(), SIOCGIFINDEX, &request) == 0;
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    if (errno == EPERM) return fail(Error(TapErrc::kNoRights));
    if (errno == EBUSY) return fail(Error(TapErrc::kBusy));
    return os_fail();
  }
  int header = kHeader;
  ::ioctl(fd.get(), TUNSETVNETHDRSZ, &header);
  // The kernel may pass frames without a checksum (from senders on this host), and segments that it
  // has coalesced or not split.
  if (::ioctl(fd.get(), TUNSETOFFLOAD, offload ? kOffloads : 0) != 0) return os_fail();
  std::size_t mtu = 1500;
  ifreq ask{};
  std::ranges::copy(name, ask.ifr_name);
  if (::ioctl(control.get(), SIOCGIFMTU, &ask) == 0) mtu = static_cast<std::size_t>(ask.ifr_mtu);
  // Bring the interface up if permitted; otherwise its owner must.
  if (::ioctl(control.get(), SIOCGIFFLAGS, &ask) == 0 && (ask.ifr_flags & IFF_UP) == 0) {
    ask.ifr_flags = static_cast<short>(ask.ifr_flags | IFF_UP);
    ::ioctl(control.get(), SIOCSIFFLAGS, &ask);
  }
  auto ring = std::make_unique<Ring>();
  // The address is locally administered and unique to this device; the host's end of the tap has
  // another.
  MacAddress mac;
  platform::entropy(mac.octets);
  mac.octets[0] = std::byte{0x52};
  mac.octets[1] = std::byte{0x54};
  const Logger log = context.logger("tap");
  if (!existed) log.info(name, ": made; it goes with this process, and joins no bridge by itself");
  if (!ring->open(2 * kBatch)) log.info(kNoUring, "frames are read and written one by one");
  log.info(name,
           offload ? ": checksum and segmentation offload both ways, mtu " : ": no offload, mtu ",
           mtu);
  return std::unique_ptr<Tap>(new Tap(std::move(fd), std::move(ring), mtu, mac, log, offload));
}

// Retries while the tap is busy: when a process that used io_uring is killed, the kernel closes the
// files registered with its ring a little later.
async::Task<Result<std::unique_ptr<Tap>>> Tap::open_patiently(async::Context* context,
                                                              std::string_view name, bool offload) {
  constexpr Duration kPause = milliseconds(50), kTimeout = seconds(2);
  for (Duration waited{};; waited = waited + kPause) {
    auto tap = open(*context, name, offload);
    if (tap || tap.error() != Error(TapErrc::kBusy) || waited >= kTimeout) co_return tap;
    if (waited.ns == 0) context->logger("tap").info(name, " is in use; waiting 2 s for it");
    if (!co_await async::sleep(kPause, context->stop)) co_return tap;
  }
}
async::Task<Result<std::unique_ptr<Tap>>> Tap::connect(async::Context& context,
                                                       std::string_view name, bool offload) {
  return open_patiently(&context, name, offload);
}

Tap::Tap(Fd fd, std::unique_ptr<Ring> ring, std::size_t mtu, MacAddress mac, Logger log,
         bool offload)
    : fd_(std::move(fd)),
      mtu_(mtu),
      mac_(mac),
      log_(log),
      offload_(offload),
      pool_(buffer_count(mtu), buffer_size(mtu)),
      large_(offload ? kLargeBuffers : 0, kLargeSize),
      ring_(std::move(ring)),
      max_reads_(std::min(kBatch, pool_.count() / 6)),
      counters_{Counter{"received"},   Counter{"sent"},        Counter{"received_coalesced"},
                Counter{"sent_uncut"}, Counter{"truncated"},   Counter{"send_errors"},
                Counter{"no_buffer"},  Counter{"system_calls"}} {
  if (ring_->live) start_ring();
  check(watch_.start(fd_.get()).has_value(), "epoll refuses a tap");
  reactor().add(*this);
}

void Tap::start_ring() {
  const MutableBytes memory = pool_.memory();
  iovec all{memory.data(), memory.size()};
  check(io_uring_register_buffers(&ring_->uring, &all, 1) == 0,
        "io_uring refuses the buffers (see ulimit -l)");
  int descriptor = fd_.get();
  check(io_uring_register_files(&ring_->uring, &descriptor, 1) == 0, "io_uring refuses the tap");
  ring_->start({IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_READ_FIXED, IORING_OP_WRITE_FIXED});
}

Tap::~Tap() {
  // Frames sent during shutdown (a DHCP release, a FIN) are still staged, because no turn of the
  // loop followed.
  if (ring_->staged_count != 0) {
    submit(0);
    complete();
  }
  log_.debug(counters_[kReceived].value, " received, ", counters_[kReceivedCoalesced].value,
             " of them coalesced; ", counters_[kSent].value, " sent, ", counters_[kSentUncut].value,
             " of them uncut; ", counters_[kSystemCalls].value, " system calls");
}

SandboxNeeds Tap::sandbox_needs() const {
  if (ring_->live) return Uring::needs();
  return {.calls = {{SYS_readv}}};
}

sig::NetFeatures Tap::features() const {
  sig::NetFeatures features;
  features.tx_checksum = features.rx_checksum = offload_;
  features.tso4 = features.tso6 = features.gather = offload_;
  features.receive_memory =
      (pool_.count() - reserve()) * pool_.buffer_size() + large_.count() * kLargeSize;
  return features;
}

// Moves staged packets to slots where they stay during the write.
void Tap::take_staged() {
  Ring& ring = *ring_;
  for (std::size_t i = 0; i < ring.staged_count; ++i) {
    Ring::Write& write = ring.writes[i];
    write.packet = std::move(ring.staged[i]);
    const MutableBytes bytes = write.packet.bytes();
    write.pieces[0] = {bytes.data(), bytes.size()};
    write.count = 1;
    for (const Slice& piece : write.packet.chain().pieces()) {
      const Bytes more = piece.bytes();
      write.pieces[write.count++] = {const_cast<std::byte*>(more.data()), more.size()};
    }
  }
  ring.staged_bytes = ring.staged_count = 0;
}

// A packet in one piece is in a registered buffer.
void Tap::queue_writes(std::size_t count) {
  Ring& ring = *ring_;
  for (std::size_t i = 0; i < count; ++i) {
    const Ring::Write& write = ring.writes[i];
    io_uring_sqe* sqe = io_uring_get_sqe(&ring.uring);
    if (write.count == 1) {
      io_uring_prep_write_fixed(sqe, 0, write.pieces[0].iov_base,
                                static_cast<unsigned>(write.pieces[0].iov_len), 0, 0);
    } else {
      io_uring_prep_writev(sqe, 0, write.pieces.data(), static_cast<unsigned>(write.count), 0);
    }
    sqe->flags |= IOSQE_FIXED_FILE;
    sqe->rw_flags = RWF_NOWAIT;
    io_uring_sqe_set_data64(sqe, i);
  }
}

// Returns false if there are not enough buffers.
bool Tap::prepare_read(std::size_t slot) {
  Ring::Read& read = ring_->reads[slot];
  if (!read.first) read.first = pool_.allocate();
  bool ready = static_cast<bool>(read.first);
  if (offload_) {
    for (PacketBuf& each : read.rest) {
      if (!each) each = large_.allocate();
      ready = ready && each;
    }
  }
  if (!ready) {
    ++counters_[kNoBuffer];
    return false;
  }
  const MutableBytes room = read.first.tail();
  read.pieces[0] = {room.data(), room.size()};
  read.count = 1;
  if (offload_) {
    for (PacketBuf& each : read.rest) read.pieces[read.count++] = {each.tail().data(), kLargeSize};
  }
  return true;
}

std::size_t Tap::queue_reads(std::size_t count) {
  Ring& ring = *ring_;
  for (std::size_t i = 0; i < count; ++i) {
    if (!prepare_read(i)) return i;
    const Ring::Read& read = ring.reads[i];
    io_uring_sqe* sqe = io_uring_get_sqe(&ring.uring);
    if (offload_) {
      io_uring_prep_readv(sqe, 0, read.pieces.data(), static_cast<unsigned>(read.count), 0);
    } else {
      io_uring_prep_read_fixed(sqe, 0, read.pieces[0].iov_base,
                               static_cast<unsigned>(read.pieces[0].iov_len), 0, 0);
    }
    sqe->flags |= IOSQE_FIXED_FILE;
    sqe->rw_flags = RWF_NOWAIT;
    io_uring_sqe_set_data64(sqe, kReadTag | i);
  }
  return count;
}

// Queues the staged writes and `reads` reads, and makes the kernel perform them all. With
// RWF_NOWAIT each has completed when the call returns, possibly with EAGAIN. With O_NONBLOCK alone,
// reads would stay pending and cost a wake-up each.
void Tap::submit(std::size_t reads) {
  const std::size_t writes = ring_->staged_count;
  take_staged();
  if (!ring_->live) return submit_plainly(writes, reads);
  queue_writes(writes);
  const std::size_t queued = writes + queue_reads(reads);
  if (queued == 0) return;
  ++counters_[kSystemCalls];
  io_uring_submit_and_wait(&ring_->uring, static_cast<unsigned>(queued));
}

// The descriptor is non-blocking. After the first read without data, the rest are skipped.
void Tap::submit_plainly(std::size_t writes, std::size_t reads) {
  Ring& ring = *ring_;
  ring.ended_count = 0;
  const auto ended = [&](std::uint64_t tag, ssize_t outcome) {
    ++counters_[kSystemCalls];
    ring.ended[ring.ended_count++] = {tag, outcome < 0 ? -errno : static_cast<int>(outcome)};
  };
  for (std::size_t i = 0; i < writes; ++i) {
    const Ring::Write& write = ring.writes[i];
    ended(i, ::writev(fd_.get(), write.pieces.data(), static_cast<int>(write.count)));
  }
  for (std::size_t i = 0; i < reads && prepare_read(i); ++i) {
    const Ring::Read& read = ring.reads[i];
    const ssize_t got = ::readv(fd_.get(), read.pieces.data(), static_cast<int>(read.count));
    ended(kReadTag | i, got);
    if (got < 0) return;
  }
}

void Tap::take_received(std::size_t slot, std::size_t size) {
  Ring& ring = *ring_;
  Ring::Read& read = ring.reads[slot];
  const std::size_t room = read.first.tailroom() + (offload_ ? read.rest.size() * kLargeSize : 0);
  // The kernel truncates longer frames. A valid frame never fills the whole buffer.
  if (size >= room) {
    ++counters_[kTruncated];
    return;
  }
  PacketBuf packet = std::move(read.first);
  const std::size_t in_first = std::min(size, packet.tailroom());
  (void)packet.append(in_first);
  virtio_net_hdr header;
  std::memcpy(&header, packet.bytes().first<kHeader>().data(), kHeader);
  packet.trim_front(kHeader);
  sig::RxFrame& frame = ring.received[ring.received_count++];
  frame.offload = offload_of(header);
  if (frame.offload.gso != Offload::Gso::kNone) ++counters_[kReceivedCoalesced];
  frame.frame = Slice(std::move(packet));
  std::size_t left = size - in_first;
  for (std::size_t n = 0; left != 0; ++n) {
    PacketBuf piece = std::move(read.rest[n]);
    const std::size_t here = std::min(left, kLargeSize);
    (void)piece.append(here);
    frame.more.push(Slice(std::move(piece)));
    left -= here;
  }
}

void Tap::end(std::uint64_t tag, int outcome, Batch& batch) {
  const auto slot = static_cast<std::size_t>(tag & 0xffffffff);
  if ((tag & kReadTag) == 0) {
    ring_->writes[slot].packet.reset();
    ++counters_[outcome > 0 ? kSent : kSendErrors];
    return;
  }
  ++batch.tried;
  if (outcome < static_cast<int>(kHeader)) {
    // EAGAIN: everything was read. EBADFD: the interface is gone. EIO: it is down; epoll reports
    // when it is up again.
    if (outcome == -EBADFD) failed_ = true;
    return;
  }
  ++batch.got;
  batch.bytes += static_cast<std::size_t>(outcome);
  take_received(slot, static_cast<std::size_t>(outcome));
}

void Tap::complete() {
  Ring& ring = *ring_;
  Batch batch;
  if (ring.live) {
    unsigned head = 0;
    unsigned seen = 0;
    io_uring_cqe* cqe = nullptr;
    io_uring_for_each_cqe(&ring.uring, head, cqe) {
      ++seen;
      end(io_uring_cqe_get_data64(cqe), cqe->res, batch);
    }
    io_uring_cq_advance(&ring.uring, seen);
  } else {
    for (const Ring::Ended& each : std::span(ring.ended).first(std::exchange(ring.ended_count, 0)))
      end(each.tag, each.outcome, batch);
  }
  const auto [tried, got, bytes] = batch;
  counters_[kReceived] += got;
  if (tried != 0) {
    if (got < tried) watch_.drained_in();
    if (got != 0)
      max_reads_ = bytes / got >= kLargeFrame ? kLargeReads : std::min(kBatch, pool_.count() / 6);
    reads_ = std::clamp<std::size_t>(2 * got, 2, max_reads_);
  }
}

bool Tap::poll() noexcept {
  Ring& ring = *ring_;
  const bool wanted =
      !readers_.empty() && watch_.readable() && ring.received_first == ring.received_count;
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
      for (sig::RxFrame& frame : in.first(count))
        frame = std::move(ring.received[ring.received_first++]);
      co_return count;
    }
    if (failed_) co_return os_fail(EBADFD);
    if (!watch_.readable()) {
      if (const Result<void> ready = co_await watch_.wait_readable(wait); !ready)
        co_return fail(ready.error());
    }
    // The loop performs the read when it next polls its devices, together with the staged writes.
    const auto woken = co_await readers_.wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
}

PacketBuf Tap::allocate(std::size_t headroom) {
  if (pool_.available() <= reserve()) {
    ++counters_[kNoBuffer];
    return {};
  }
  return pool_.allocate(headroom + kHeader);
}

std::size_t Tap::send(std::span<PacketBuf> out) {
  Ring& ring = *ring_;
  std::size_t taken = 0;
  for (; taken < out.size() && ring.has_room(); ++taken) {
    PacketBuf& packet = out[taken];
    const virtio_net_hdr header = header_of(packet.offload());
    if (header.gso_type != VIRTIO_NET_HDR_GSO_NONE) ++counters_[kSentUncut];
    std::memcpy(packet.prepend(kHeader).data(), &header, kHeader);
    ring.staged_bytes += packet.total_size();
    ring.staged[ring.staged_count++] = std::move(packet);
  }
  return taken;
}

async::Task<Result<void>> Tap::writable(async::Wait wait) {
  while (!ring_->has_room()) {
    const auto woken = co_await writers_.wait(wait);
    if (!woken) co_return fail(Error(woken.error()));
  }
  co_return Result<void>{};
}

}  // namespace fata::linux
