// The packet capture of a simulated image: a file of its platform, for the program that simulates
// it. Models sig::CaptureSink.
#pragma once

#include <memory>
#include <string_view>

#include "fata/async/context.hpp"
#include "fata/sig/capture.hpp"
#include "fata/sim/platform.hpp"

namespace fata::sim {

class ImageCapture {
 public:
  // Records nothing if the name is empty.
  static async::Task<Result<std::unique_ptr<ImageCapture>>> connect(async::Context&,
                                                                    std::string_view name) {
    std::string* const file =
        name.empty() ? nullptr : &Platform::current().files[std::string(name)];
    return async::ready(
        Result<std::unique_ptr<ImageCapture>>(std::make_unique<ImageCapture>(file)));
  }
  explicit ImageCapture(std::string* file) : file_(file) {}

  bool enabled() const { return file_ != nullptr; }
  void write(Bytes block) {
    for (const std::byte each : block) *file_ += static_cast<char>(each);
  }

 private:
  std::string* file_;
};
static_assert(sig::CaptureSink<ImageCapture>);

}  // namespace fata::sim
