// Grants between the domains of a sim::Domains. Models sig::GrantTable.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "fata/sig/grant_table.hpp"

namespace fata::sim {

class Domains;

// The memory of a host: numbered pages, which may be mapped at several addresses.
class DomainMemory {
 public:
  DomainMemory();
  ~DomainMemory();
  DomainMemory(const DomainMemory&) = delete;
  DomainMemory& operator=(const DomainMemory&) = delete;

  std::size_t new_page();  // zeroed; returns its number
  void free_page(std::size_t page) { free_.push_back(page); }
  MutableBytes map(std::span<const std::size_t> pages, bool writable);
  static void unmap(MutableBytes memory);

 private:
  int file_;
  std::size_t count_ = 0;
  std::vector<std::size_t> free_;
};

class GrantTable {
  struct Pages;

 public:
  static constexpr std::size_t kMaxGrants = 1024;  // pages that a domain may offer
  static constexpr std::size_t kMaxMapped = 1024;  // pages that a domain may map

  class Offer {
   public:
    Offer() = default;
    Offer(Offer&&) noexcept = default;
    Offer& operator=(Offer&& other) noexcept {
      std::swap(pages_, other.pages_);
      return *this;
    }
    ~Offer();
    MutableBytes memory() const;
    std::span<const sig::GrantReference> references() const;
    bool take_back();

   private:
    friend class GrantTable;
    std::shared_ptr<Pages> pages_;
  };
  class Mapping {
   public:
    Mapping() = default;
    Mapping(Mapping&& other) noexcept { *this = std::move(other); }
    Mapping& operator=(Mapping&& other) noexcept;
    ~Mapping();
    MutableBytes memory() const { return memory_; }

   private:
    friend class GrantTable;
    GrantTable* owner_ = nullptr;
    std::size_t id_ = 0;
    MutableBytes memory_;
  };

  GrantTable(Domains& host, sig::DomainId self) : host_(&host), self_(self) {}
  ~GrantTable();
  GrantTable(const GrantTable&) = delete;
  GrantTable& operator=(const GrantTable&) = delete;

  Result<Offer> offer(sig::DomainId to, std::size_t pages, sig::GrantAccess access);
  Result<Mapping> map(sig::DomainId from, std::span<const sig::GrantReference> references,
                      sig::GrantAccess access);

  // Offered pages, including those still mapped by another domain; mapped pages.
  std::size_t offered() const { return grants_.size(); }
  std::size_t mapped() const { return mapped_; }

 private:
  friend class Domain;
  struct Grant {
    std::size_t page;
    sig::DomainId to;
    bool writable;
    bool ended = false;      // must not be mapped any more
    std::size_t mapped = 0;  // number of mappings by the other side
  };
  struct Mapped {
    sig::DomainId from;
    std::vector<sig::GrantReference> references;
  };

  bool end(Pages& pages);
  void unmap(std::size_t id);
  void let_go(std::span<const sig::GrantReference> references);
  void sweep();
  void die();

  Domains* host_;
  sig::DomainId self_;
  bool dead_ = false;
  sig::GrantReference next_ = 8;
  std::map<sig::GrantReference, Grant> grants_;
  std::vector<std::shared_ptr<Pages>> left_;  // offers destroyed while mapped
  std::map<std::size_t, Mapped> mappings_;
  std::size_t next_mapping_ = 0;
  std::size_t mapped_ = 0;
};
static_assert(sig::GrantTable<GrantTable>);

}  // namespace fata::sim
