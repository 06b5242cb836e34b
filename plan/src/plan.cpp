#include "fata/plan/plan.hpp"

#include <algorithm>
#include <cctype>
#include <set>

namespace fata::plan {

std::string Device::type_name() const {
  std::string out;
  bool upper = true;
  for (const char c : name) {
    if (c == '_') {
      upper = true;
      continue;
    }
    out += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return out;
}

const Parameter& Plan::parameter(std::string_view wanted) const {
  const auto found = std::ranges::find(parameters, wanted, &Parameter::name);
  if (found == parameters.end())
    throw Invalid("the plan has no parameter --" + std::string(wanted));
  return *found;
}

std::size_t Plan::nics() const {
  return static_cast<std::size_t>(std::ranges::count(devices, true, &Device::is_nic));
}

std::vector<std::string> Plan::libraries() const {
  std::set<std::string> names{"base", "async", "sig"};
  for (const Device& d : devices) names.insert(d.libraries.begin(), d.libraries.end());
  return {names.begin(), names.end()};
}

std::vector<std::string> Plan::local_libraries() const {
  std::set<std::string> names;
  for (const Device& d : devices) names.insert(d.local_libraries.begin(), d.local_libraries.end());
  return {names.begin(), names.end()};
}

std::vector<ThirdParty> Plan::third_party() const {
  std::vector<ThirdParty> list;
  for (const Device& d : devices) {
    for (const ThirdParty& t : d.third_party) {
      if (!std::ranges::contains(list, t.name, &ThirdParty::name)) list.push_back(t);
    }
  }
  return list;
}

std::vector<std::string> Plan::packages() const {
  std::set<std::string> names;
  for (const ThirdParty& t : third_party()) names.insert(t.package);
  return {names.begin(), names.end()};
}

}  // namespace fata::plan
