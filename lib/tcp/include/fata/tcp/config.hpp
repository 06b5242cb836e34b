// Settings of a TCP, and its bounds.
#pragma once

#include <cstddef>

#include "fata/base/siphash.hpp"
#include "fata/base/time.hpp"
#include "fata/ip/transport.hpp"
#include "fata/tcp/congestion.hpp"
#include "fata/tcp/rtt.hpp"

namespace fata::tcp {

// Options of one flow.
struct FlowOptions {
  CongestionAlgorithm congestion = CongestionAlgorithm::kCubic;
  bool no_delay = false;   // disables Nagle's algorithm (RFC 9293 section 3.7.4)
  bool keepalive = false;  // RFC 9293 section 3.8.4
  bool pacing = false;     // spreads segments over the round trip
  // RFC 7413, as a client: the first data may be sent in the SYN.
  bool fast_open = false;
  std::uint8_t dscp = 0;       // of its packets, 0 to 63 (RFC 2474)
  std::uint8_t hop_limit = 0;  // of its packets; 0: the host's default
  // How long sent data may stay unacknowledged (R2 of RFC 9293 section 3.8.3, RFC 5482), in
  // seconds; 0: limited by the retransmission counts of Config.
  std::uint16_t user_timeout_s = 0;

  ip::Marks marks() const { return {.dscp = dscp, .hop_limit = hop_limit}; }
};

struct Config {
  FlowOptions flow;  // initial options of a new flow

  // Sizes in bytes.
  std::size_t memory = 16 << 20;  // the whole budget: see Memory
  // Limit of borrowed buffers (device frames) in queues; above it, data is copied.
  std::size_t borrowed = 512 << 10;
  std::uint32_t receive_first = 128 << 10;  // initial receive window of a connection
  std::uint32_t receive_max = 4 << 20;      // its maximum as it grows with the reading rate
  std::uint32_t send_first = 128 << 10;     // limit of data accepted but not acknowledged
  std::uint32_t send_max = 4 << 20;         // its maximum as it grows with the congestion window

  // Counts.
  std::size_t connections = 65536;  // in all states except TIME-WAIT
  std::size_t half_open = 1024;     // SYN received but no ACK; above it, SYN cookies are used
  std::size_t time_wait = 16384;    // compact entries; a new one replaces the oldest
  // Not yet confirmed by an ACK (RFC 7413 section 5.1); above it, a SYN is handled as an ordinary
  // one.
  std::size_t fast_opens = 256;
  // Connections released by the application but not closed; above it, further ones are reset.
  std::size_t orphans = 4096;
  std::uint8_t challenge_acks = 10;  // per second and connection (RFC 5961 section 7)
  // Challenge ACKs of all connections, and resets for segments of no connection, per second. Each
  // limit varies randomly by up to a quarter: with an exact limit, an attacker could count the
  // remaining responses and infer other connections' activity (CVE-2016-5696).
  std::uint32_t challenge_acks_in_all = 1000;
  std::uint32_t resets = 1000;
  std::uint8_t syn_retries = 7;  // 255 s: R2 of a SYN is at least 3 minutes
  std::uint8_t syn_ack_retries = 5;
  std::uint8_t retries = 15;  // R2: about 15 minutes
  std::uint8_t orphan_retries = 8;

  // Times.
  RtoLimits rto;
  Duration delayed_ack = milliseconds(40);
  Duration time_wait_time = seconds(60);  // 2 MSL
  Duration fin_wait_2 = seconds(60);      // for an orphan
  // After the application has closed: how long the peer may keep its window closed, and the total
  // lifetime of an orphan. RFC 9293 requires probing a closed window indefinitely, but lets an
  // application abort; this limit acts as that abort.
  Duration closing = seconds(120);
  Duration orphan_max = seconds(900);
  Duration keepalive_idle = seconds(7200);
  Duration keepalive_interval = seconds(75);
  std::uint8_t keepalive_probes = 9;

  // Options offered and accepted.
  std::uint8_t window_shift = 7;
  bool window_scaling = true;
  bool timestamps = true;
  bool sack = true;
  bool ecn = true;       // accepted when a peer requests it
  bool ecn_ask = false;  // requested
  bool syn_cookies = true;
  bool fast_open_server = false;
  // RFC 4821: uses smaller segments after full ones are lost repeatedly, and then searches for the
  // path MTU.
  bool black_hole_detection = true;
};

// Secret keys of 16 bytes, drawn once. Runs with the same secrets and events are identical to the
// byte.
struct Secrets {
  SipKey table;
  SipKey numbers;
  SipKey cookies;
  SipKey ports;
  SipKey fast_open;

  // All of them, derived from the secret of a host.
  static Secrets from(const SipKey& secret);
};

}  // namespace fata::tcp
