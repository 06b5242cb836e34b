#include "fata/sntp/network_clock.hpp"

#include "fata/sig/archetype.hpp"

namespace fata::sntp {

// The device of a plan uses nothing but the concepts.
template class NetworkClock<sig::archetype::CorrectableClock, sig::archetype::Udp,
                            sig::archetype::Names, sig::archetype::Random>;
using Clock = NetworkClock<sig::archetype::CorrectableClock, sig::archetype::Udp,
                           sig::archetype::Names, sig::archetype::Random>;
static_assert(sig::Clock<Clock>);

}  // namespace fata::sntp
