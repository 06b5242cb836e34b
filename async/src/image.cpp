#include "fata/async/image.hpp"

#include "fata/base/parameters.hpp"
#include "fata/base/platform.hpp"

namespace fata {

int run_image(async::Loop& loop) {
  async::CancelSource stop;
  loop.cancel_on_stop(stop);
  async::Context context{loop, stop.token()};
  context.memory = platform::memory();
  return loop.run(image_main(context));
}

int cannot_set_up(const async::Context& context, std::string_view image, std::string_view what,
                  const Error& error) {
  return context.stop.cancelled() ? 0 : cannot_set_up(image, what, error);
}

int cannot_set_up(const async::Context& context, std::string_view image, std::string_view what,
                  const Error& error, std::string_view file) {
  return context.stop.cancelled() ? 0 : cannot_set_up(image, what, error, file);
}

}  // namespace fata
