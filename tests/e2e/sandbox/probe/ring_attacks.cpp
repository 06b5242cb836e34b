#include "ring_attacks.hpp"

#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "attacks.hpp"

namespace sandbox_probe {
namespace {

// Access to a private member: a template argument in an explicit instantiation may name it.
template <class Device, auto Member>
struct Steal {
  friend void* stolen_ring(Device& device) { return (device.*Member).get(); }
};
void* stolen_ring(fata::linux::BlockFile& disk);
void* stolen_ring(fata::linux::Tap& tap);
template struct Steal<fata::linux::BlockFile, &fata::linux::BlockFile::ring_>;
template struct Steal<fata::linux::Tap, &fata::linux::Tap::ring_>;

// The user data that identifies the attack's completion among those of the device.
constexpr std::uint64_t kOurs = 0xa77ac;

void prepare(io_uring_sqe* entry, std::string_view name) {
  static sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  static char octet;
  static std::array<std::byte, 70> frame;  // includes the virtio-net header
  static iovec piece{frame.data(), frame.size()};
  if (name == "ring-openat") {
    io_uring_prep_openat(entry, AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
  } else if (name == "ring-connect") {
    io_uring_prep_connect(entry, 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
    entry->flags |= IOSQE_FIXED_FILE;
  } else if (name == "ring-socket") {
    io_uring_prep_socket(entry, AF_INET, SOCK_STREAM, 0, 0);
  } else if (name == "ring-send") {
    io_uring_prep_send(entry, 1, &octet, 1, 0);
  } else if (name == "ring-read-unregistered") {
    io_uring_prep_read(entry, 0, &octet, 1, 0);
  } else if (name == "ring-linked") {
    io_uring_prep_read(entry, 0, &octet, 1, 0);
    entry->flags |= IOSQE_FIXED_FILE | IOSQE_IO_LINK;
  } else if (name == "ring-write-frame") {  // an operation that a tap itself uses
    io_uring_prep_writev(entry, 0, &piece, 1, 0);
    entry->flags |= IOSQE_FIXED_FILE;
  } else {  // "ring-read": an operation that the disk itself uses
    io_uring_prep_read(entry, 0, &octet, 1, 0);
    entry->flags |= IOSQE_FIXED_FILE;
  }
}

long attack_by(io_uring* ring, std::string_view name) {
  if (name == "ring-register") {
    int descriptor = 0;
    return io_uring_register_files_update(ring, 0, &descriptor, 1);
  }
  io_uring_sqe* const entry = io_uring_get_sqe(ring);
  if (entry == nullptr) return kNoSuchAttack;
  prepare(entry, name);
  entry->user_data = kOurs;
  io_uring_submit_and_wait(ring, 1);
  io_uring_cqe* done = nullptr;
  if (io_uring_peek_cqe(ring, &done) != 0 || done->user_data != kOurs) return kNoSuchAttack;
  const long outcome = done->res;
  io_uring_cqe_seen(ring, done);
  return outcome;
}

}  // namespace

long attack_by_ring(fata::linux::BlockFile& disk, std::string_view name) {
  return attack_by(static_cast<io_uring*>(stolen_ring(disk)), name);
}

long attack_by_ring(fata::linux::Tap& tap, std::string_view name) {
  return attack_by(static_cast<io_uring*>(stolen_ring(tap)), name);
}

}  // namespace sandbox_probe
