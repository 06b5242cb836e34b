// What can be set of a TCP, and the bounds of everything in it.
#pragma once

#include <cstddef>

#include "fata/base/siphash.hpp"
#include "fata/base/time.hpp"
#include "fata/net/tcp/congestion.hpp"
#include "fata/net/tcp/rtt.hpp"
#include "fata/net/transport.hpp"

namespace fata::net::tcp {

// May differ from flow to flow.
struct FlowOptions {
  CongestionAlgorithm congestion = CongestionAlgorithm::kCubic;
  bool no_delay = false;       // Nagle's algorithm (RFC 9293 section 3.7.4) is off
  bool keepalive = false;      // RFC 9293 section 3.8.4
  bool pacing = false;         // segments are spread over the round trip
  bool fast_open = false;      // RFC 7413, as a client: the first data may travel in the SYN
  std::uint8_t dscp = 0;       // of its packets, 0 to 63 (RFC 2474)
  std::uint8_t hop_limit = 0;  // of its packets; 0: the host's
  // How long what was sent may stay unanswered (R2 of RFC 9293 section 3.8.3, RFC 5482), in
  // seconds; 0: as many retransmissions as Config says.
  std::uint16_t user_timeout_s = 0;

  IpMarks marks() const { return {.dscp = dscp, .hop_limit = hop_limit}; }
};

struct Config {
  FlowOptions flow;  // what a new flow starts with

  // Bytes.
  std::size_t memory = 16 << 20;  // everything: see Memory
  std::size_t borrowed =
      512 << 10;  // of foreign buffers (device frames) in queues; beyond it bytes are copied
  std::uint32_t receive_first = 128 << 10;  // window at the start of a connection
  std::uint32_t receive_most = 4 << 20;     // to which it grows with what the application takes
  std::uint32_t send_first = 128 << 10;     // accepted and not yet acknowledged
  std::uint32_t send_most = 4 << 20;        // to which it grows with the congestion window

  // Counts.
  std::size_t connections = 65536;  // all states but TIME-WAIT
  std::size_t half_open = 1024;     // SYN received, no ACK yet; beyond it cookies answer
  std::size_t time_wait = 16384;    // compact entries; the oldest goes for a newer one
  std::size_t fast_opens =
      256;  // not confirmed by an ACK yet (RFC 7413 section 5.1); a further one is an ordinary SYN
  // Connections that the application has left; a further one is reset.
  std::size_t orphans = 4096;
  std::uint8_t challenge_acks = 10;  // a second, of one connection (RFC 5961 section 7)
  // A second, for all connections, and resets for segments that belong to none: give or take a
  // quarter at random. Who counts what is left of an exact limit learns what others have used
  // (CVE-2016-5696).
  std::uint32_t challenge_acks_in_all = 1000;
  std::uint32_t resets = 1000;
  std::uint8_t syn_retries = 7;  // 255 s: R2 of a SYN is 3 minutes at least
  std::uint8_t syn_ack_retries = 5;
  std::uint8_t retries = 15;  // R2: about 15 minutes
  std::uint8_t orphan_retries = 8;

  // Times.
  RtoLimits rto;
  Duration delayed_ack = milliseconds(40);
  Duration time_wait_time = seconds(60);  // 2 MSL
  Duration fin_wait_2 = seconds(60);      // of an orphan
  // Once the application has closed: how long a peer may keep its window shut (RFC 9293 asks to
  // wait for ever, and lets an application abort: this is its abort), and how long an orphan lives
  // in all.
  Duration closing = seconds(120);
  Duration orphan_most = seconds(900);
  Duration keepalive_idle = seconds(7200);
  Duration keepalive_interval = seconds(75);
  std::uint8_t keepalive_probes = 9;

  // Options offered and taken.
  std::uint8_t window_shift = 7;
  bool window_scaling = true;
  bool timestamps = true;
  bool sack = true;
  bool ecn = true;       // taken when a peer asks
  bool ecn_ask = false;  // asked for
  bool syn_cookies = true;
  bool fast_open_server = false;
  // RFC 4821: smaller segments when full ones vanish, and then a search.
  bool black_hole_detection = true;
};

// Randomness, once: 16 bytes each. A run with the same secrets and the same events is the same to
// the byte.
struct Secrets {
  SipKey table;
  SipKey numbers;
  SipKey cookies;
  SipKey ports;
  SipKey fast_open;
};

}  // namespace fata::net::tcp
