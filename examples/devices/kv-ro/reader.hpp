// Prints one file of a read-only key-value store, or lists all of them.
#pragma once

#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/sig/console.hpp>
#include <fata/sig/key_value.hpp>

#include <string>
#include <string_view>

namespace kv_ro {

template <fata::sig::KeyValueReader Store, fata::sig::Console Console>
class Reader {
 public:
  Reader(fata::async::Context& context, Store& store, Console& console, std::string_view key)
      : log_(context.logger("kv-ro")), store_(store), console_(console), key_(key) {}

  fata::async::Task<int> start() {
    if (key_.empty()) co_return co_await list("") ? 0 : 1;
    // A Slice of the store's own memory: a value of any size is not copied.
    const auto value = co_await store_.get(key_, fata::async::Wait{});
    if (!value) {
      log_.error(key_, ": ", value.error());
      co_return 1;
    }
    console_.write(value->text());
    co_return 0;
  }

 private:
  // A coroutine's parameters are values: a reference could outlive its object.
  fata::async::Task<bool> list(std::string folder) {
    const auto entries = co_await store_.list(folder, fata::async::Wait{});
    if (!entries) {
      log_.error(folder, ": ", entries.error());
      co_return false;
    }
    for (const fata::sig::KeyEntry& entry : *entries) {
      const std::string path = folder.empty() ? entry.name : folder + "/" + entry.name;
      if (entry.folder) {
        if (!co_await list(path)) co_return false;
        continue;
      }
      const auto value = co_await store_.get(path, fata::async::Wait{});
      console_.write(
          fata::Text<300>(std::in_place, path, " ", value ? value->size() : 0, "\n").view());
    }
    co_return true;
  }

  fata::Logger log_;
  Store& store_;
  Console& console_;
  std::string_view key_;
};

}  // namespace kv_ro
