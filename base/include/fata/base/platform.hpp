// The platform header: everything that a target must provide. A target consists of an
// implementation of this header and its devices.
//
// The header is in base so that `async` can idle without depending on a target. `lib/` never calls
// it: a library receives time and randomness as devices that model `sig/` concepts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "fata/base/danger.hpp"
#include "fata/base/result.hpp"
#include "fata/base/time.hpp"
#include "fata/base/wall.hpp"

namespace fata::platform {

// Monotonic clock. Never steps backwards; its origin is the start of the image. Costs tens of
// nanoseconds. In an image restored from a snapshot, the time since the snapshot counts as passed.
Instant monotonic_now() noexcept;

// Wall clock (UTC): the host's, unless wall_correction() corrects it. Steps when the host corrects
// its clock. After a pause (a stopped machine, a suspended host), it steps at most about a second
// later.
WallTime wall_now() noexcept;
// The host's wall clock without the correction, as host_reading() bounds its error.
WallReading host_wall() noexcept;
// Initially empty. Does not change the monotonic clock.
WallCorrection& wall_correction() noexcept;

// Fills `out` with cryptographically strong random bytes. An image without a source of entropy
// refuses to start, so this cannot fail later; it never blocks.
void entropy(std::span<std::byte> out) noexcept;

// A number that increases when the image is restored from a snapshot of its machine, since another
// image may continue from the same state. Earlier output of entropy() is then no longer secret; new
// output is. Cheap enough for every turn of the loop, which publishes changes through
// async::Renewal.
std::uint64_t generation() noexcept;

// Queues text for the console. Never blocks: text beyond the platform's buffer (at least 16 KiB) is
// dropped and counted, and the next line that fits reports the loss.
void console_write(std::string_view text) noexcept;

// Writes out everything queued by console_write(), and blocks if necessary. For exit and panic
// paths.
void console_flush() noexcept;

// The image's parameters: the process's arguments after its name, or the kernel's command line
// without the platform's own words. Valid for the whole run.
std::span<const std::string_view> arguments() noexcept;

// The origin of an argument that has no dashes and is not a parameter's value. Hypervisors and
// their managers add words for Linux to a kernel's command line; a process has only its user's
// words.
enum class StrayWord : std::uint8_t {
  kImage,      // from the user: an error
  kPerhaps,    // maybe from a hypervisor: skipped, unless it resembles a parameter
  kHypervisor  // skipped
};
StrayWord classify_stray(std::string_view word) noexcept;

// Polls every device once without waiting: completes finished operations (making tasks ready) and
// submits queued ones (kicks rings, makes system calls). Called once in each turn of the loop.
// Returns true if anything was completed.
bool poll_devices() noexcept;

// Waits until a device needs attention or `deadline` has passed. Returns at once if an event is
// pending. On bare metal, interrupts are enabled only here.
void idle_until(Instant deadline) noexcept;

// Total bytes of memory available to the image: a guest's memory, or a safe share for a process.
std::size_t memory() noexcept;

// True once a person or a manager has requested a stop (SIGINT, SIGTERM, ACPI power button, xl
// shutdown).
bool stop_requested() noexcept;

// Flushes the console and ends the image with `status` (0 to 126). 0: done; 63: --help was printed;
// 64: wrong parameter or configuration; 1: the application failed; other values are
// application-defined.
[[noreturn]] void exit(int status) noexcept;

}  // namespace fata::platform
