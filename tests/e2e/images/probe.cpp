// Executes its parameters one after the other and logs the results, so that tests can observe a
// running machine.
#include <array>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "fata/arch/memory.hpp"
#include "fata/async/image.hpp"
#include "fata/async/wait.hpp"
#include "fata/base/log.hpp"
#include "fata/base/platform.hpp"
#include "fata/bus/found.hpp"
#include "fata/bus/pci.hpp"

namespace fata {
namespace {

constinit int zeroed[4]{};
struct Constructed {
  Constructed() { zeroed[2] = 42; }
};
const Constructed constructed;

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  check(parse_unsigned(text, 1'000'000'000'000, value), "a number was expected");
  return value;
}

// The standard containers in an image. A broken part of the runtime shows here.
bool containers_work() {
  std::map<std::string, int> tree;
  std::unordered_map<std::string, std::shared_ptr<int>> table;
  for (int i = 0; i < 1000; ++i) {
    std::string key = "a key that is too long to be stored in place " + std::to_string(i);
    tree[key] = i;
    table[std::move(key)] = std::make_shared<int>(i);
  }
  int wrong = 0;
  for (const auto& [key, value] : tree) wrong += *table.at(key) != value;
  return wrong == 0 && tree.size() == 1000 && zeroed[2] == 42;
}

// Logs the new secret after a restore, as an image with secrets would renew its own.
struct Watcher final : async::Renewal {
  explicit Watcher(const Logger& log) : log(log) {}
  void renew(const SipKey& secret) override {
    log.info("renewed ", Hex{secret.k0, 16}, Hex{secret.k1, 16});
  }
  const Logger& log;
};

async::Task<int> run(async::Context* context) {
  const Logger log = context->logger("probe");
  Watcher watcher(log);
  for (const std::string_view word : platform::arguments()) {
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string_view name = word.substr(0, equals);
    const std::string_view value = word.substr(std::min(equals + 1, word.size()));
    if (name == "sleep") {
      const Instant start = context->loop.now();  // a sleep counts from the start of the turn
      co_await async::sleep(milliseconds(static_cast<std::int64_t>(number(value))), context->stop);
      log.info("slept ", (platform::monotonic_now() - start).us(), " us");
    } else if (name == "wait") {
      log.info("waiting");
      co_await async::sleep(seconds(3600), context->stop);
      log.info("stopped");
    } else if (name == "spin") {
      log.info("spinning");
      const Instant until =
          platform::monotonic_now() + milliseconds(static_cast<std::int64_t>(number(value)));
      while (platform::monotonic_now() < until) {
      }
      log.info("spun");
    } else if (name == "monotonic") {
      Instant last = platform::monotonic_now();
      std::uint64_t steps_back = 0;
      for (int i = 0; i < 200'000; ++i) {
        if (i % 16 == 0) platform::poll_devices();
        const Instant now = platform::monotonic_now();
        steps_back += now < last;
        last = now;
      }
      log.info("steps back: ", steps_back);
    } else if (name == "wall") {
      const std::int64_t ms = platform::wall_now().ns / 1'000'000;
      log.info("wall ", ms / 1000, '.', ms / 100 % 10, ms / 10 % 10, ms % 10);
    } else if (name == "random") {
      std::array<std::byte, 16> bytes;
      platform::entropy(bytes);
      Text<64> text;
      for (const std::byte b : bytes) text.put_hex(static_cast<std::uint8_t>(b), 2);
      log.info("random ", text.view());
    } else if (name == "watch") {
      context->loop.on_restore(watcher);
    } else if (name == "heap") {
      const auto block = std::make_unique<int>();
      log.info("heap ", Hex{reinterpret_cast<std::uintptr_t>(block.get())});
    } else if (name == "base") {
      log.info("base ", Hex{arch::image().begin});
    } else if (name == "containers") {
      log.info("containers ", containers_work() ? "work" : "are broken");
    } else if (name == "flood") {
      for (std::uint64_t i = 0; i < number(value); ++i)
        log.info("flood line ", i, " of a text that is of some length");
    } else if (name == "devices") {
      for (const bus::FoundDevice& device : bus::found_devices().all()) {
        if (device.bus == bus::FoundDevice::Bus::kMmio)
          log.info("mmio ", Hex{device.number}, " irq ", device.irq);
      }
      bus::for_each_pci(
          [](void* to, bus::PciAddress at, std::uint16_t vendor, std::uint16_t device) {
            static_cast<const Logger*>(to)->info("pci ", std::uint32_t{at.device}, '.',
                                                 std::uint32_t{at.function}, ' ', Hex{vendor, 4},
                                                 ' ', Hex{device, 4});
          },
          const_cast<Logger*>(&log));
    } else {
      log.info("parameter '", word, "'");
    }
  }
  co_return 0;
}

}  // namespace

async::Task<int> image_main(async::Context& context) { return run(&context); }

}  // namespace fata
