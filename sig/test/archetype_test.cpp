#include "fata/sig/archetype.hpp"

#include <gtest/gtest.h>

namespace fata::sig {
namespace {

static_assert(Clock<archetype::Clock> && Random<archetype::Random> && Console<archetype::Console>);
static_assert(CorrectableClock<archetype::CorrectableClock> && !CorrectableClock<archetype::Clock>);
static_assert(Job<archetype::Job> && NetDevice<archetype::NetDevice> && Ipv4<archetype::Ipv4>);
static_assert(UdpSocket<archetype::UdpSocket> && Udp<archetype::Udp>);
static_assert(Flow<archetype::Flow> && Listener<archetype::Listener>);
static_assert(StreamTransport<archetype::StreamTransport> && Tcp<archetype::Tcp>);
static_assert(KeyValueReader<archetype::KeyValueReader> && BlockDevice<archetype::BlockDevice>);
static_assert(Connector<archetype::Connector>);
static_assert(Resolver<archetype::Resolver> && Names<archetype::Names> && Names<NoNames>);
static_assert(Resolver<NoResolver> && !Names<NoResolver>);
static_assert(Ping<archetype::Ping> && Ping<NoPing> && Tcp<NoTcp>);
static_assert(CaptureSink<archetype::CaptureSink> && ReportRequests<archetype::ReportRequests>);
static_assert(GrantTable<archetype::GrantTable> && EventChannels<archetype::EventChannels> &&
              Xenstore<archetype::Xenstore>);

// A concept that every type satisfies proves nothing, so each must reject its neighbour's
// archetype.
static_assert(!Names<archetype::Resolver> && !Resolver<archetype::Names>);
static_assert(!Ping<archetype::Udp> && !CaptureSink<archetype::Console> &&
              !ReportRequests<archetype::Udp>);
static_assert(!Clock<archetype::Random> && !Flow<archetype::UdpSocket> &&
              !Udp<archetype::UdpSocket>);
static_assert(!NetDevice<archetype::Flow> && !KeyValueReader<archetype::BlockDevice> &&
              !StreamTransport<archetype::Udp> && !Tcp<archetype::StreamTransport>);
static_assert(!GrantTable<archetype::EventChannels> && !EventChannels<archetype::GrantTable> &&
              !Xenstore<archetype::KeyValueReader>);
static_assert(Awaits<async::Task<int>, int> && !Awaits<async::Task<int>, long> &&
              !Awaits<int, int>);

TEST(Errors, OfTheConceptsHaveTexts) {
  Text<200> out(std::in_place, Error(FlowErrc::kReset), "; ", Error(KeyErrc::kNotFound), "; ",
                Error(DomainErrc::kRefused, 22), "; ", Error(NameErrc::kServersFailed, 2));
  EXPECT_EQ(out.view(),
            "flow: reset by the peer; key-value: no such key; domain: the hypervisor refused a "
            "call (22); resolver: the name servers failed; the last response code is (2)");
}

}  // namespace
}  // namespace fata::sig
