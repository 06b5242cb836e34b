#include "fata/async/image.hpp"

#include "fata/base/platform.hpp"

namespace fata {

int run_image(async::Loop& loop) {
  async::CancelSource stop;
  loop.cancel_on_stop(stop);
  async::Context context{loop, stop.token()};
  context.memory = platform::memory();
  return loop.run(image_main(context));
}

}  // namespace fata
