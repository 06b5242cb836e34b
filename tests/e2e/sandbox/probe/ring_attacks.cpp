#include "ring_attacks.hpp"

#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>

#include "attacks.hpp"

namespace sandbox_probe {
namespace {

// An attacker needs no right to a member's name. A name in an explicit instantiation may be
// private.
template <auto Member>
struct Steal {
  friend void* stolen_ring(fata::host::BlockFile& disk) { return (disk.*Member).get(); }
};
void* stolen_ring(fata::host::BlockFile& disk);
template struct Steal<&fata::host::BlockFile::ring_>;

void prepare(io_uring_sqe* entry, std::string_view name) {
  static sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  static char octet;
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
  } else {  // "ring-read": what the disk does itself
    io_uring_prep_read(entry, 0, &octet, 1, 0);
    entry->flags |= IOSQE_FIXED_FILE;
  }
}

}  // namespace

long attack_by_ring(fata::host::BlockFile& disk, std::string_view name) {
  auto* const ring = static_cast<io_uring*>(stolen_ring(disk));
  if (name == "ring-register") {
    int descriptor = 0;
    return io_uring_register_files_update(ring, 0, &descriptor, 1);
  }
  io_uring_sqe* const entry = io_uring_get_sqe(ring);
  if (entry == nullptr) return kNoSuchAttack;
  prepare(entry, name);
  io_uring_submit_and_wait(ring, 1);
  io_uring_cqe* done = nullptr;
  if (io_uring_peek_cqe(ring, &done) != 0) return kNoSuchAttack;
  const long outcome = done->res;
  io_uring_cqe_seen(ring, done);
  return outcome;
}

}  // namespace sandbox_probe
