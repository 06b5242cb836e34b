// Xenstore for the domains of a sim::Domains. Models sig::Xenstore, with the access rights and
// quotas of Xen's own daemon.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fata/async/task.hpp"
#include "fata/sig/xenstore.hpp"

namespace fata::sim {

class Domains;
class Xenstore;

// The tree itself, by absolute paths; the root is "".
class StoreTree {
 public:
  static constexpr std::size_t kMaxValue = 2048;
  static constexpr std::size_t kMaxPath = 3072;
  // Nodes that one domain may own; domain 0 has no limit.
  static constexpr std::size_t kMaxNodes = 1000;
  static constexpr std::size_t kMaxPermissions = 64;
  using Permissions = std::vector<sig::StorePermission>;

  struct Node {
    std::string value;
    Permissions permissions;
    std::uint64_t generation = 0;  // changes with the node and with the names below it
  };
  using Nodes = std::map<std::string, Node, std::less<>>;

  StoreTree();

  // All of these act for domain `who`, with or without a transaction.
  Result<std::string> read(sig::DomainId who, const std::string& path, sig::StoreTransaction in);
  Result<void> write(sig::DomainId who, const std::string& path, std::string value,
                     sig::StoreTransaction in);
  Result<std::vector<std::string>> list(sig::DomainId who, const std::string& path,
                                        sig::StoreTransaction in);
  Result<void> remove(sig::DomainId who, const std::string& path, sig::StoreTransaction in);
  Result<void> permit(sig::DomainId who, const std::string& path, Permissions permissions);
  Result<sig::StoreTransaction> begin(sig::DomainId who);
  Result<void> end(sig::DomainId who, sig::StoreTransaction transaction, bool commit);
  // Drops the transactions of a domain.
  void forget(sig::DomainId who);

  void add_listener(Xenstore& store) { listeners_.push_back(&store); }

 private:
  struct Transaction {
    sig::DomainId who;
    Nodes nodes;
    Nodes before;                   // the tree at begin()
    std::set<std::string> touched;  // read or changed
    std::set<std::string> changed;
  };
  // The tree that a request works on.
  struct View {
    Nodes* nodes;
    Transaction* transaction;
  };
  Result<View> view(sig::DomainId who, sig::StoreTransaction in);
  void touch(View& view, const std::string& path);
  void change(View& view, const std::string& path);
  void renew(View& view, const std::string& path);  // after a change of the names below it
  void tell(const std::string& path, const Permissions& permissions);
  std::size_t owned(const Nodes& nodes, sig::DomainId who) const;

  Nodes nodes_;
  std::map<sig::StoreTransaction, Transaction> transactions_;
  sig::StoreTransaction next_ = 1;
  std::uint64_t generation_ = 0;
  std::vector<Xenstore*> listeners_;
};

class Xenstore {
 public:
  static constexpr std::size_t kMaxWatches = 128;
  static constexpr std::size_t kMaxTransactions = 10;

  class Watch {
   public:
    Watch(Xenstore& store, std::string path);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    async::Task<Result<void>> next(async::Wait wait = {});

   private:
    friend class Xenstore;
    Xenstore* store_;
    std::string path_;
    bool changed_ = true;
    async::WaitQueue waiting_;
  };

  Xenstore(Domains& host, sig::DomainId self);
  Xenstore(const Xenstore&) = delete;
  Xenstore& operator=(const Xenstore&) = delete;

  async::Task<Result<std::string>> read(std::string path, sig::StoreTransaction in = 0,
                                        async::Wait wait = {});
  async::Task<Result<void>> write(std::string path, std::string value, sig::StoreTransaction in = 0,
                                  async::Wait wait = {});
  async::Task<Result<std::vector<std::string>>> list(std::string path, sig::StoreTransaction in = 0,
                                                     async::Wait wait = {});
  async::Task<Result<void>> remove(std::string path, sig::StoreTransaction in = 0,
                                   async::Wait wait = {});
  async::Task<Result<void>> permit(std::string path, std::vector<sig::StorePermission> permissions,
                                   async::Wait wait = {});
  async::Task<Result<sig::StoreTransaction>> begin(async::Wait wait = {});
  async::Task<Result<void>> end(sig::StoreTransaction in, bool commit, async::Wait wait = {});
  Result<std::unique_ptr<Watch>> watch(std::string path);

 private:
  friend class Domain;
  friend class StoreTree;
  // Simulates the request's way to the daemon; returns the absolute path.
  async::Task<Result<std::string>> ask(std::string path, async::Wait wait);
  Result<std::string> absolute(std::string path) const;
  void hear(std::string_view path);
  void die();

  Domains* host_;
  sig::DomainId self_;
  bool dead_ = false;
  std::vector<Watch*> watches_;
};
static_assert(sig::Xenstore<Xenstore>);

}  // namespace fata::sim
