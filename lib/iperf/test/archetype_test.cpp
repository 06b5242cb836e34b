// The drivers' bodies use nothing beyond their concepts.
#include <gtest/gtest.h>

#include "fata/iperf/client.hpp"
#include "fata/iperf/server.hpp"
#include "fata/sig/archetype.hpp"

namespace fata::iperf {

template class Server<sig::archetype::Tcp, sig::archetype::Udp, sig::archetype::Clock>;
template class Client<sig::archetype::Connector, sig::archetype::Tcp, sig::archetype::Udp,
                      sig::archetype::Clock, sig::archetype::Console>;

}  // namespace fata::iperf
