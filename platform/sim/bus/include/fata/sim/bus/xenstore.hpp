// A xenstore that behaves, for one domain: a tree of nodes and watches. Transactions take effect at
// once and never conflict.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fata/bus/xen/store_wire.hpp"
#include "fata/sim/bus/store_daemon.hpp"

namespace fata::sim {

class Xenstore {
 public:
  explicit Xenstore(void* page) : daemon_(page) {}

  // Called after the domain wrote a node.
  std::function<void(const std::string& path, const std::string& value)> written =
      [](const std::string&, const std::string&) {};

  // A node as the domain names it: absolute, or relative to its own.
  void put(const std::string& path, std::string value) {
    nodes_[path] = std::move(value);
    notify(path);
  }
  void remove(const std::string& path) {
    nodes_.erase(path);
    notify(path);
  }
  std::string get(const std::string& path) const {
    const auto found = nodes_.find(path);
    return found == nodes_.end() ? std::string() : found->second;
  }
  std::uint64_t number(const std::string& path) const {
    return bus::xen::store_number(get(path)).value_or(0);
  }

  // Answers all requests; true if it did anything.
  bool turn() {
    bool any = daemon_.take(1024) != 0;
    while (const auto request = daemon_.next()) answer(*request);
    return daemon_.give(1024) != 0 || any;
  }

 private:
  struct Watch {
    std::string path, token;
  };

  void answer(const StoreDaemon::Request& request) {
    const std::uint32_t type = request.header.type, id = request.header.req_id;
    std::string_view rest = request.payload;
    const std::string path(bus::xen::take_store_part(rest));
    const auto fine = [&] { daemon_.reply(type, id, std::string_view("OK\0", 3)); };
    switch (type) {
      case XS_READ:
        if (!nodes_.contains(path))
          return daemon_.reply(XS_ERROR, id, std::string_view("ENOENT\0", 7));
        return daemon_.reply(type, id, get(path));
      case XS_DIRECTORY:
        return daemon_.reply(type, id, names_below(path + "/"));
      case XS_TRANSACTION_START:
        return daemon_.reply(type, id, std::string_view("7\0", 2));
      case XS_WRITE:
        put(path, std::string(rest));
        fine();
        return written(path, std::string(rest));
      case XS_WATCH:
        watches_.push_back({path, std::string(bus::xen::take_store_part(rest))});
        fine();
        return report(watches_.back());
      case XS_UNWATCH: {
        const std::string token(bus::xen::take_store_part(rest));
        std::erase_if(watches_, [&](const Watch& watch) { return watch.token == token; });
        return fine();
      }
      default:
        fine();
    }
  }
  std::string names_below(const std::string& folder) const {
    std::string names, last;
    for (auto node = nodes_.lower_bound(folder);
         node != nodes_.end() && node->first.starts_with(folder); ++node) {
      const std::string name =
          node->first.substr(folder.size(), node->first.find('/', folder.size()) - folder.size());
      if (name != last) (names += name) += '\0';
      last = name;
    }
    return names;
  }
  void notify(const std::string& path) {
    for (const Watch& watch : watches_) {
      if (path == watch.path || path.starts_with(watch.path + "/")) report(watch);
    }
  }
  void report(const Watch& watch) {
    daemon_.reply(XS_WATCH_EVENT, 0, watch.path + '\0' + watch.token + '\0');
  }

  StoreDaemon daemon_;
  std::map<std::string, std::string> nodes_;
  std::vector<Watch> watches_;
};

}  // namespace fata::sim
