// The platform header: all that a target must provide. A target is this header implemented, plus
// its devices.
//
// Declared in base so that `async` can idle without knowing a target. `lib/` never calls it: what a
// library needs (time, randomness) is handed to it as a device that models a `sig/` concept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "fata/base/danger.hpp"
#include "fata/base/result.hpp"
#include "fata/base/time.hpp"

namespace fata::platform {

// Monotonic clock. Never steps backwards; its origin is the start of the image. Costs tens of
// nanoseconds. Where an image is restored from a snapshot, the time since the snapshot counts as
// passed.
Instant monotonic_now() noexcept;

// Wall clock (UTC). Steps when the host corrects its own, and after a pause (a stopped machine, a
// host that slept): at most about a second later.
WallTime wall_now() noexcept;

// Fills `out` with cryptographically strong random bytes. An image without a source of entropy
// refuses to start, so this cannot fail later; it never blocks.
void entropy(std::span<std::byte> out) noexcept;

// A number that grows when the image was restored from a snapshot of its machine: another image may
// go on from the same state. What entropy() gave before is no secret of this image any more; what
// it gives is. Cheap enough for each turn of the loop, whose async::Renewal passes it on.
std::uint64_t generation() noexcept;

// Queues text for the console. Never blocks the caller: what does not fit the platform's buffer (at
// least 16 KiB) is dropped and counted, and the loss is reported in the next line that fits.
void console_write(std::string_view text) noexcept;

// Makes everything queued by console_write() visible, waiting if it must. For exit and panic paths.
void console_flush() noexcept;

// The parameters of the image: the process's arguments after its name, or the words of the kernel's
// command line without those that belong to the platform. Valid for the whole run.
std::span<const std::string_view> arguments() noexcept;

// What a word among the arguments is that has no dashes and is no parameter's value. Hypervisors
// and their managers add words for Linux to a kernel's command line; a process has only its user's.
enum class StrayWord : std::uint8_t {
  kImage,      // the user's, and wrong
  kPerhaps,    // may be a hypervisor's: passed over, unless it looks like a misspelt parameter
  kHypervisor  // passed over
};
StrayWord classify_stray(std::string_view word) noexcept;

// Looks at every device once, without waiting: completes what has completed (making tasks ready),
// hands over what was queued (kicks rings, submits system calls). Called once in each turn of the
// loop. Returns whether anything was completed.
bool poll_devices() noexcept;

// Waits until a device needs attention or `deadline` has passed. Returns at once if something is
// pending. On bare metal this is the only place where interrupts are open.
void idle_until(Instant deadline) noexcept;

// Bytes of memory that the image may use in all: a guest's, or a share that a process may take for
// granted.
std::size_t memory() noexcept;

// A person or a manager asked the image to stop (SIGINT, SIGTERM, ACPI power button, xl shutdown).
bool stop_requested() noexcept;

// Ends the image with `status` (0 to 126), after flushing the console. 0: done; 63: --help was
// printed; 64: wrong parameter or configuration; 1: the application failed; others are the
// application's own.
[[noreturn]] void exit(int status) noexcept;

}  // namespace fata::platform
