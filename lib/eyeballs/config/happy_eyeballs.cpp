#include "fata/config/happy_eyeballs.hpp"

namespace fata::config {

Device<Connector> happy_eyeballs(const Device<Tcp>& tcp, const Device<Resolver>& resolver,
                                 Where where) {
  return device<Connector>({.type = "fata::eyeballs::Connector",
                            .headers = {"fata/eyeballs/connector.hpp"},
                            .libraries = {"eyeballs"},
                            .called = "the connector",
                            .where = where},
                           tcp, resolver);
}

}  // namespace fata::config
