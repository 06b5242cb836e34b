// The driver uses nothing beyond its concepts, and models its own.
#include "fata/eyeballs/connector.hpp"
#include "fata/sig/archetype.hpp"

namespace fata::eyeballs {

template class Connector<sig::archetype::Tcp, sig::archetype::Resolver>;
static_assert(sig::Connector<Connector<sig::archetype::Tcp, sig::archetype::Resolver>>);

}  // namespace fata::eyeballs
