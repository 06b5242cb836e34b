// An application outside Fata's tree: prints a page that is linked into it.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/sig/console.hpp>
#include <fata/sig/key_value.hpp>

namespace site {

template <fata::sig::Console Console, fata::sig::KeyValueReader Pages>
class Site {
 public:
  Site(fata::async::Context&, Console& console, Pages& pages) : console_(console), pages_(pages) {}

  fata::async::Task<int> start() {
    const auto page = co_await pages_.get("a/index.txt", {});
    if (!page) co_return 1;
    console_.write(page->text());
    co_return 0;
  }

 private:
  Console& console_;
  Pages& pages_;
};

}  // namespace site
