// A file of the Linux host that receives a packet capture. Models sig::CaptureSink.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "fata/async/context.hpp"
#include "fata/async/task.hpp"
#include "fata/base/danger.hpp"
#include "fata/linux/fd.hpp"

namespace fata::linux {

class CaptureFile final : private Timer {
 public:
  static constexpr std::size_t kBuffer = std::size_t{256} << 10;
  // The first block beyond this size and all later ones are dropped; the log reports it once.
  static constexpr std::uint64_t kMaxFile = std::uint64_t{4} << 30;
  // The longest time that data stays in the buffer.
  static constexpr Duration kTimeout = seconds(1);

  // Creates or truncates the file. An empty path disables the capture: enabled() is then false.
  static async::Task<Result<std::unique_ptr<CaptureFile>>> connect(async::Context& context,
                                                                   std::string_view path);
  ~CaptureFile() { flush(); }

  bool enabled() const { return static_cast<bool>(file_); }
  // Buffers the block, which has at most kBuffer bytes. Writes to the file block the loop, which is
  // acceptable for a diagnostic tool.
  void write(Bytes block);
  void flush();
  std::uint64_t dropped() const { return dropped_; }  // blocks

 private:
  static Result<std::unique_ptr<CaptureFile>> open(async::Context& context, std::string_view path);
  CaptureFile(Fd file, const Logger& log) : file_(std::move(file)), log_(log) {}
  void on_timer() noexcept override { flush(); }
  void stop(std::string_view why);

  Fd file_;
  Logger log_;
  std::vector<std::byte> buffer_;
  std::uint64_t written_ = 0;
  std::uint64_t dropped_ = 0;
  bool stopped_ = false;
};

}  // namespace fata::linux
