// The attached devices of a loop, the last attached first. The owner of a loop defines
// bus::attach() and bus::detach() with one.
#pragma once

#include <utility>

#include "fata/bus/device.hpp"

namespace fata::bus {

class DeviceList {
 public:
  void add(Device& device) { device.next_ = std::exchange(first_, &device); }
  void remove(Device& device) {
    for (Device** link = &first_; *link != nullptr; link = &(*link)->next_) {
      if (*link != &device) continue;
      *link = device.next_;
      return;
    }
  }
  bool is_empty() const { return first_ == nullptr; }

  // Polls every device; true if anything was completed.
  bool poll() {
    bool completed = false;
    for (Device* device = first_; device != nullptr; device = device->next_)
      completed |= device->poll();
    return completed;
  }
  // Stops at the first device that returns false, and returns false.
  bool prepare_to_idle() {
    for (Device* device = first_; device != nullptr; device = device->next_) {
      if (!device->prepare_to_idle()) return false;
    }
    return true;
  }
  void suspend() {
    for (Device* device = first_; device != nullptr; device = device->next_) device->suspend();
  }
  void resume() {
    for (Device* device = first_; device != nullptr; device = device->next_) device->resume();
  }

 private:
  Device* first_ = nullptr;
};

}  // namespace fata::bus
