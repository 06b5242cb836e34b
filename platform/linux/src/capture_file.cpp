#include "fata/linux/capture_file.hpp"

#include <fcntl.h>

#include <string>

#include "fata/linux/os_error.hpp"

namespace fata::linux {

Result<std::unique_ptr<CaptureFile>> CaptureFile::open(async::Context& context,
                                                       std::string_view path) {
  const Logger log = context.logger("capture");
  if (path.empty()) return std::unique_ptr<CaptureFile>(new CaptureFile(Fd(), log));
  Fd file(::open(std::string(path).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file) return os_fail();
  auto capture = std::unique_ptr<CaptureFile>(new CaptureFile(std::move(file), log));
  capture->buffer_.reserve(kBuffer);
  log.info("all frames are written to ", path);
  return capture;
}

async::Task<Result<std::unique_ptr<CaptureFile>>> CaptureFile::connect(async::Context& context,
                                                                       std::string_view path) {
  return async::ready(open(context, path));
}

void CaptureFile::write(Bytes block) {
  if (!file_) return;
  if (stopped_ || block.size() > kBuffer) {
    ++dropped_;
    return;
  }
  if (written_ + block.size() > kMaxFile) {
    ++dropped_;
    return stop("the capture file has reached its largest size");
  }
  if (buffer_.size() + block.size() > kBuffer) flush();
  buffer_.insert(buffer_.end(), block.begin(), block.end());
  written_ += block.size();
  if (!armed()) async::current_loop().timers().arm(*this, async::current_loop().now() + kTimeout);
}

void CaptureFile::flush() {
  disarm();
  Bytes left(buffer_);
  while (!left.empty() && !stopped_) {
    const ssize_t wrote = ::write(file_.get(), left.data(), left.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      stop(os_error().message());
      break;
    }
    left = left.subspan(static_cast<std::size_t>(wrote));
  }
  buffer_.clear();
}

void CaptureFile::stop(std::string_view why) {
  stopped_ = true;
  log_.error("nothing more is captured: ", why);
}

}  // namespace fata::linux
