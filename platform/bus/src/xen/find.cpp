#include "fata/bus/xen/find.hpp"

#include <algorithm>

namespace fata::bus::xen {
namespace {

std::string folder_of(DeviceKind kind) {
  return kind == DeviceKind::kNic ? "device/vif" : "device/vbd";
}

}  // namespace

async::Task<Result<void>> find_devices(Store* store, DeviceKind kind, async::Wait wait) {
  const Result<std::vector<std::string>> names = co_await store->list(folder_of(kind), wait);
  if (!names && names.error() != Error(Errc::kNotFound)) co_return fail(names.error());
  FoundDevices& found = found_devices();
  found.forget(kind);
  if (!names) co_return Result<void>{};
  std::vector<std::uint64_t> numbers;
  for (const std::string& name : *names) {
    if (const auto value = store_number(name)) numbers.push_back(*value);
  }
  std::ranges::sort(numbers);
  for (const std::uint64_t number : numbers)
    found.add({.kind = kind, .bus = FoundDevice::Bus::kXen, .number = number});
  co_return Result<void>{};
}

std::string path_of(const FoundDevice& found) {
  return folder_of(found.kind) + "/" + store_text(found.number);
}

}  // namespace fata::bus::xen
