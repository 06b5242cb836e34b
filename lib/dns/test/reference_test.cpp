// The engine against a naive resolver that reads RFC 1034 section 4.3.2 literally over a list of
// records, on random zones and questions. The seed in a failure's trace reproduces it.
#include <map>
#include <random>
#include <set>

#include "decode.hpp"
#include "fata/sim/effort.hpp"

namespace fata::dns::test {
namespace {

struct Datum {
  std::string owner;  // lower case, with a final dot
  std::string type;
  std::string rdata;   // in the decoder's form
  std::string target;  // the name in it, if any
};

struct Zone {
  std::string apex;
  std::vector<Datum> data;
};

struct Expected {
  unsigned rcode = 0;
  bool aa = false;
  std::multiset<std::string> answer, authority, additional;
};

constexpr int kTtl = 300, kNegativeTtl = 60;

bool under(const std::string& name, const std::string& ancestor) {
  return name.ends_with(ancestor) &&
         (name.size() == ancestor.size() || name[name.size() - ancestor.size() - 1] == '.');
}
std::string parent(const std::string& name) { return name.substr(name.find('.') + 1); }
std::size_t wire_size(const std::string& name) { return name.size() + 1; }
// From the apex down to the name itself.
std::vector<std::string> path(const std::string& apex, std::string name) {
  std::vector<std::string> out{name};
  while (name != apex) out.insert(out.begin(), name = parent(name));
  return out;
}

class Reference {
 public:
  explicit Reference(std::vector<Zone> zones) : zones_(std::move(zones)) {}

  Expected resolve(const std::string& qname, const std::string& qtype) {
    out_ = {};
    targets_.clear();
    zone_ = longest(qname);
    if (qtype == "DS" && zone_ != nullptr && zone_->apex == qname) {
      if (const Zone* above = longest(parent(qname))) zone_ = above;
    }
    if (zone_ == nullptr) {
      out_.rcode = 5;
      return out_;
    }
    std::set<std::string> visited;
    for (std::string name = qname; !name.empty();) {
      visited.insert(name);
      const std::string next = step(name, qtype);
      if (next.empty() || visited.size() > 16 || visited.contains(next) || longest(next) != zone_)
        break;
      name = next;
    }
    add_additional();
    return out_;
  }

 private:
  const Zone* longest(const std::string& name) const {
    const Zone* best = nullptr;
    for (const Zone& zone : zones_) {
      if (under(name, zone.apex) && (best == nullptr || zone.apex.size() > best->apex.size()))
        best = &zone;
    }
    return best;
  }
  std::vector<const Datum*> at(const std::string& name, const std::string& type) const {
    std::vector<const Datum*> found;
    for (const Datum& datum : zone_->data) {
      if (datum.owner == name && (type == "*" || datum.type == type)) found.push_back(&datum);
    }
    return found;
  }
  bool exists(const std::string& name) const {
    return std::ranges::any_of(zone_->data,
                               [&](const Datum& datum) { return under(datum.owner, name); });
  }
  bool is_cut(const std::string& name) const {
    return name != zone_->apex && !name.starts_with("*.") && !at(name, "NS").empty();
  }
  bool has_dname(const std::string& name) const {
    return !name.starts_with("*.") && !at(name, "DNAME").empty();
  }
  bool hidden(const std::string& name) const {
    const auto names = path(zone_->apex, name);
    for (std::size_t i = 0; i + 1 < names.size(); ++i) {
      if (is_cut(names[i]) || has_dname(names[i])) return true;
    }
    return false;
  }
  static std::string line(const std::string& owner, int ttl, const std::string& type,
                          const std::string& rdata) {
    return owner + " " + std::to_string(ttl) + " " + type + " " + rdata;
  }
  void put(std::multiset<std::string>& section, const std::string& owner,
           const std::vector<const Datum*>& data) {
    for (const Datum* datum : data) section.insert(line(owner, kTtl, datum->type, datum->rdata));
  }
  void note(const std::vector<const Datum*>& data) {
    for (const Datum* datum : data) {
      if (datum->type == "NS" || datum->type == "MX" || datum->type == "SRV")
        targets_.push_back(*datum);
    }
  }
  void add_soa() {
    const Datum& soa = *at(zone_->apex, "SOA").front();
    out_.authority.insert(line(zone_->apex, kNegativeTtl, "SOA", soa.rdata));
  }
  void add_additional() {
    std::set<std::string> seen;
    for (const Datum& datum : targets_) {
      if (!under(datum.target, zone_->apex) || !seen.insert(datum.target).second) continue;
      if (datum.type != "NS" && hidden(datum.target)) continue;
      put(out_.additional, datum.target, at(datum.target, "A"));
      put(out_.additional, datum.target, at(datum.target, "AAAA"));
    }
  }

  // One step of the algorithm; returns the next name, or "".
  std::string step(const std::string& name, const std::string& qtype) {
    for (const std::string& above : path(zone_->apex, name)) {
      if (is_cut(above) && !(above == name && qtype == "DS")) {
        put(out_.authority, above, at(above, "NS"));
        note(at(above, "NS"));
        return "";
      }
      if (above != name && has_dname(above)) {
        out_.aa = true;
        const Datum& dname = *at(above, "DNAME").front();
        const std::string shown = line(above, kTtl, dname.type, dname.rdata);
        if (!out_.answer.contains(shown)) out_.answer.insert(shown);
        const std::string target = name.substr(0, name.size() - above.size()) + dname.target;
        if (wire_size(target) > 255) {
          out_.rcode = 6;
          return "";
        }
        out_.answer.insert(line(name, kTtl, "CNAME", target));
        return qtype == "CNAME" || qtype == "ANY" || under(dname.target, above) ? "" : target;
      }
    }
    out_.aa = true;
    std::string source = name;
    if (!exists(name)) {
      std::string encloser = parent(name);
      while (!exists(encloser)) encloser = parent(encloser);
      source = "*." + encloser;
      if (!exists(source)) {
        out_.rcode = 3;
        add_soa();
        return "";
      }
    }
    if (qtype == "ANY") {
      for (const char* type :
           {"A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "SRV", "DNAME", "DS"}) {
        if (at(source, type).empty()) continue;
        put(out_.answer, name, at(source, type));
        return "";
      }
      add_soa();
      return "";
    }
    if (const auto found = at(source, qtype); !found.empty()) {
      put(out_.answer, name, found);
      note(found);
      return "";
    }
    if (const auto found = at(source, "CNAME"); !found.empty()) {
      put(out_.answer, name, found);
      return found.front()->target;
    }
    add_soa();
    return "";
  }

  std::vector<Zone> zones_;
  const Zone* zone_ = nullptr;
  std::vector<Datum> targets_;
  Expected out_;
};

const std::map<std::string, unsigned> kTypes = {
    {"A", 1},     {"NS", 2},   {"CNAME", 5},  {"SOA", 6}, {"MX", 15},  {"TXT", 16},
    {"AAAA", 28}, {"SRV", 33}, {"DNAME", 39}, {"DS", 43}, {"ANY", 255}};

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  unsigned below(unsigned n) { return random_() % n; }
  std::string label(bool star) {
    // Few labels, unevenly distributed, so that names collide: targets under delegations, wildcards
    // next to names that they cover.
    static const std::vector<std::string> kLabels{"a", "a", "a", "b", "b", "c", "*"};
    return kLabels[below(star ? 7 : 6)];
  }
  std::string name(const std::string& apex, bool star) {
    std::string out = apex;
    for (unsigned i = below(4); i != 0; --i) out = label(star) + "." + out;
    return out;
  }

  Zone zone(const std::string& apex, unsigned records) {
    Zone zone{.apex = apex, .data = {}};
    const auto add = [&](std::string owner, std::string type, std::string rdata,
                         std::string target = "") {
      for (const Datum& d : zone.data) {
        if (d.owner != owner) continue;
        const bool single = type == "CNAME" || type == "DNAME";
        if (d.type == "CNAME" || type == "CNAME" || (single && d.type == type)) return;
        if (d.type == type && d.rdata == rdata) return;
      }
      zone.data.push_back({std::move(owner), std::move(type), std::move(rdata), std::move(target)});
    };
    add(apex, "SOA", "m." + apex + " h." + apex + " 1 2 3 4 " + std::to_string(kNegativeTtl));
    add(apex, "NS", "a." + apex, "a." + apex);
    for (unsigned i = 0; i < records; ++i) {
      const std::string owner = name(apex, true);
      const std::string target =
          below(6) == 0 ? name("other.", false) : name(below(5) == 0 ? "test." : apex, true);
      const std::string number = std::to_string(below(200));
      switch (below(12)) {
        case 0:
        case 1:
        case 2:
          add(owner, "A", "10.0.0." + number);
          break;
        case 3:
          add(owner, "AAAA",
              "000000000000000000000000000000" + std::string("00ff").substr(below(3), 2));
          break;
        case 4:
        case 5:
          add(owner, "CNAME", target, target);
          break;
        case 6:
          add(owner, "NS", target, target);
          break;
        case 7:
          add(owner, "MX", number + " " + target, target);
          break;
        case 8:
          add(owner, "TXT", "\"t" + number + "\"");
          break;
        case 9:
          add(owner, "SRV", "1 2 " + number + " " + target, target);
          break;
        case 10:
          // A DNAME at a delegation is not allowed (RFC 6672 section 2.4).
          if (owner != apex) add(owner, "DNAME", target, target);
          break;
        default:
          add(owner, "DS", "00010dc800");
          break;
      }
    }
    return zone;
  }

 private:
  std::mt19937 random_;
};

std::string master_file(const Zone& zone) {
  std::string text = "$TTL " + std::to_string(kTtl) + "\n";
  for (const Datum& d : zone.data) {
    std::string rdata = d.rdata;
    if (d.type == "DS" || d.type == "AAAA")
      rdata = "\\# " + std::to_string(rdata.size() / 2) + " " + rdata;
    text += d.owner + " " + d.type + " " + rdata + "\n";
  }
  return text;
}

std::multiset<std::string> bag(const std::vector<std::string>& lines) {
  return {lines.begin(), lines.end()};
}

void compare(Engine& engine, Reference& reference, const std::string& name,
             const std::string& type) {
  SCOPED_TRACE(name + " " + type);
  const Expected want = reference.resolve(name, type);
  const Decoded got = resolve(engine, {.name = name, .type = kTypes.at(type)}, Transport::kTcp);
  ASSERT_TRUE(got.ok);
  EXPECT_EQ(got.rcode(), want.rcode);
  EXPECT_EQ(got.aa(), want.aa);
  EXPECT_FALSE(got.tc());
  EXPECT_EQ(bag(got.answer), want.answer);
  EXPECT_EQ(bag(got.authority), want.authority);
  EXPECT_EQ(bag(got.additional), want.additional);
  // The same over UDP, except for records that do not fit.
  const Decoded udp = resolve(engine, {.name = name, .type = kTypes.at(type), .payload = 1232});
  ASSERT_TRUE(udp.ok);
  EXPECT_EQ(udp.rcode(), want.rcode);
  if (udp.tc()) return;
  EXPECT_EQ(bag(udp.answer), want.answer);
  EXPECT_EQ(bag(udp.authority), want.authority);
  EXPECT_TRUE(std::ranges::includes(want.additional, bag(udp.additional)));
}

void run(unsigned seed, std::size_t prepared_bytes) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Generator generator(seed);
  std::vector<Zone> zones{generator.zone("test.", 4 + generator.below(40))};
  if (generator.below(2) == 0)
    zones.push_back(generator.zone(generator.label(false) + ".test.", generator.below(20)));
  if (generator.below(3) == 0) zones.push_back(generator.zone("a.b.test.", generator.below(20)));
  if (zones.size() == 3 && zones[1].apex == zones[2].apex) zones.pop_back();
  Engine engine({.prepared_bytes_per_record = prepared_bytes});
  std::string texts;
  for (const Zone& zone : zones) {
    const std::string text = master_file(zone);
    texts += "; zone " + zone.apex + "\n" + text;
    const auto loaded = engine.load("zone", text);
    Text<256> line;
    if (!loaded) print(line, loaded.error());
    ASSERT_TRUE(loaded.has_value()) << line.view() << "\n" << texts;
  }
  engine.build();
  SCOPED_TRACE(texts);
  Reference reference(zones);
  for (int i = 0; i < 60; ++i) {
    const std::string apex = generator.below(20) == 0 ? "elsewhere." : "test.";
    auto type = kTypes.begin();
    std::advance(type, generator.below(static_cast<unsigned>(kTypes.size())));
    std::string name = generator.name(apex, true);
    if (generator.below(8) == 0) name = std::string(1 + generator.below(63), 'l') + "." + name;
    std::string asked = type->first;
    if (generator.below(2) == 0) {  // existing names at least as often as possible ones
      const Zone& zone = zones[generator.below(static_cast<unsigned>(zones.size()))];
      const Datum& datum = zone.data[generator.below(static_cast<unsigned>(zone.data.size()))];
      name = datum.owner;
      if (generator.below(3) != 0) asked = datum.type;
    }
    compare(engine, reference, name, asked);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Reference, RandomZonesAreAnsweredAsByANaiveResolver) {
  for (unsigned seed = 1; seed <= sim::effort(8, 30) && !testing::Test::HasFailure(); ++seed)
    run(seed, seed % 2 == 0 ? 32 : 0);
}

}  // namespace
}  // namespace fata::dns::test
