// A connection's sending decisions (RFC 9293 section 3.8, RFC 6691, RFC 7323, RFC 3168).
#include <algorithm>

#include "fata/tcp/connection.hpp"
#include "fata/tcp/table.hpp"

namespace fata::tcp {

namespace {
constexpr std::uint32_t kPathAge = 2;  // seconds
// Bytes that a flow may send in its turn while others wait.
constexpr std::uint32_t kTurn = 128 << 10;
constexpr Duration kNoBufferWait = milliseconds(1);
}  // namespace

bool Connection::must_wait(std::uint32_t sent) {
  if (!table_->ip_->full(link_) && (sent < kTurn || !table_->others_wait())) return false;
  table_->mark(*this);
  return true;
}

void Connection::output(Instant now) {
  acks_.on_end_of_batch();
  if (!may_send() || gone()) return;
  if (must_wait(0)) return arm();
  const bool paced = options_.pacing && !pace_at_.is_never() && now < pace_at_;
  bool sent = false;
  if (!paced && (board_.lost() != 0 || unsent() != 0 || (fin_queued_ && !fin_sent_))) {
    if (seconds_of(now) - path_checked_s_ > kPathAge) refresh_path(now);
    // RFC 5681 section 4.1.
    if (board_.empty() && last_sent_.ns != 0 && now - last_sent_ > rto())
      congestion_.after_idle(now - last_sent_, rto(), now);
    sent = send_lost(now);
    if (mtu_search_.search_high() != 0) send_path_probe(now);
    sent = send_new(now) || sent;
    note_limit();
    // A tail probe is timed from the last transmission (RFC 8985 section 7.2); a window probe is no
    // longer needed.
    const bool stale = retransmit_timer_ == RetransmitTimer::kTailProbe ||
                       (retransmit_timer_ == RetransmitTimer::kWindowProbe && !probing_);
    if (retransmit_timer_ == RetransmitTimer::kOff || (sent && stale))
      restart_retransmit_timer(now);
  }
  if (acks_.is_required()) send_ack(now);
  arm();
}

// Software segmentation needs one buffer per segment and one for the headers. Without them, the
// data would count as sent and be lost.
std::uint32_t Connection::within_buffers(std::uint32_t length) {
  if (length <= mss_ || gso_segments_ == ip::Path::kAnySegments) return length;
  // SACK blocks may shorten the segments and add one.
  const std::uint32_t segments = (length - 1) / mss_ + 2;
  const std::size_t got = table_->ip_->reserve(link_, segments + 1);
  return got > segments ? length
                        : static_cast<std::uint32_t>(std::max<std::size_t>(got, 3) - 2) * mss_;
}

bool Connection::send_lost(Instant now) {
  bool sent = false;
  const std::uint32_t most = std::max<std::uint32_t>(mss_, gso_max_ == 0 ? 0 : 16U * mss_);
  while (const std::optional<SeqRange> range = board_.first_lost(most)) {
    const std::uint32_t in_pipe = pipe();
    const std::uint32_t room = congestion_.cwnd() > in_pipe ? congestion_.cwnd() - in_pipe : 0;
    if (room < std::min<std::uint32_t>(mss_, range->size())) break;
    if (must_wait(0)) break;
    SeqRange part = *range;
    if (part.size() > room) part.end = part.begin + room / mss_ * mss_;
    if (part.size() > mss_) part.end = part.begin + part.size() / mss_ * mss_;
    part.end = part.begin + within_buffers(part.size());
    // Data beyond the peer's shrunken window waits until it opens (a probe keeps checking).
    if (snd_.wnd == 0 && !probing_) break;
    if (!send_data(part, true, now)) break;
    if (recovery_ == Recovery::kRecovery) prr_.on_sent(part.size());
    undo_.on_retransmission(part.size(), timestamp_clock(now));
    const bool head = part.begin == snd_.una;
    if (head) restart_retransmit_timer(now);
    sent = true;
  }
  return sent;
}

bool Connection::send_new(Instant now) {
  bool sent = false;
  std::uint32_t in_turn = 0;
  const std::uint32_t segments =
      gso_max_ == 0 ? 1 : std::clamp<std::uint32_t>((gso_max_ - 100) / mss_, 1, gso_segments_);
  const std::uint32_t most = segments * mss_;
  while (!board_.full()) {
    const std::uint32_t waiting = unsent();
    const bool fin = fin_queued_ && !fin_sent_;
    if (waiting == 0 && !fin) break;
    const std::uint32_t in_pipe = pipe();
    const std::uint32_t cwnd_room = congestion_.cwnd() > in_pipe ? congestion_.cwnd() - in_pipe : 0;
    const std::uint32_t window = snd_.usable_window();
    std::uint32_t length = within_buffers(std::min({waiting, window, cwnd_room, most}));
    const bool closing = fin && length == waiting;
    if (length > mss_ && length % mss_ != 0 &&
        !(length == waiting && (closing || options_.no_delay)))
      length -= length % mss_;
    if (length < mss_ && !closing) {
      if (length == waiting) {
        // Nagle (RFC 9293 section 3.7.4): a partial segment waits while data is unacknowledged.
        if (!options_.no_delay && !board_.empty()) break;
      } else if (cwnd_room < std::min<std::uint32_t>(mss_, std::min(waiting, window))) {
        break;
      } else if (length == 0 || length < snd_.max_wnd / 2 || !board_.empty()) {
        // Sender-side silly window avoidance (RFC 9293 section 3.8.6.2.1); the probe timer
        // overrides it.
        break;
      }
    }
    if (length == 0 && !closing) break;
    const bool with_fin = closing && (window > length || length == 0);
    if (length == 0 && !with_fin) break;
    if (must_wait(in_turn)) break;
    if (!send_data({snd_.nxt, snd_.nxt + length + (with_fin ? 1 : 0)}, false, now)) break;
    if (recovery_ == Recovery::kRecovery) prr_.on_sent(length);
    in_turn += length;
    sent = true;
    if (options_.pacing) {
      const std::uint64_t rate = congestion_.pacing_rate(rtt_.srtt());
      if (rate != 0) {
        pace_at_ =
            std::max(now, pace_at_ == Instant::never() ? now : pace_at_) +
            nanoseconds(static_cast<std::int64_t>(std::uint64_t{length} * 1'000'000'000 / rate));
        if (pace_at_ > now + milliseconds(1)) break;
      }
    }
  }
  return sent;
}

void Connection::fill_header(Header& header, Instant now, bool with_data) {
  header.source_port = local.port;
  header.destination_port = remote.port;
  header.ack = rcv_.nxt;
  header.window = rcv_.advertise(window_to_offer());
  if (timestamps_) {
    header.options.has_timestamps = true;
    header.options.ts_value = timestamp(now);
    header.options.ts_echo = ts_recent_;
  }
  if (sack_ && (dsack_.size() != 0 || has_out_of_order() || rcv_.fin_is_early()))
    report_sack(header, with_data);
  if (ecn_.echoes()) header.flags |= kEce;
}

// SACK blocks take at most half of a segment with data, so that tiny segments still carry data.
// Blocks that do not fit are reported in the next ACK.
void Connection::report_sack(Header& header, bool with_data) {
  const std::size_t room = with_data ? mss_ / 2U : std::max<std::size_t>(mss_, 12);
  const std::size_t most =
      std::min<std::size_t>(timestamps_ ? 3 : 4, room < 4 ? 0 : (room - 4) / 8);
  if (most == 0) return;
  std::span<SeqRange> blocks = std::span(header.options.sack).first(most);
  const std::size_t twice = dsack_.size() != 0 ? 1 : 0;
  if (twice != 0) {
    blocks[0] = dsack_;
    dsack_ = {};
  }
  header.options.sack_count = static_cast<std::uint8_t>(
      twice + (reorder_ == nullptr ? 0 : reorder_->blocks(blocks.subspan(twice))));
  // A FIN received too early is reported like data, so that the peer learns what is missing.
  if (!rcv_.fin_is_early()) return;
  bool joined = false;
  for (SeqRange& block : blocks.first(header.options.sack_count).subspan(twice)) {
    if (block.end == rcv_.fin_at) ++block.end, joined = true;
  }
  if (!joined && header.options.sack_count < most)
    blocks[header.options.sack_count++] = {rcv_.fin_at, rcv_.fin_at + 1};
}

// Places up to `length` bytes of the stream after room for the header: in the packet's own buffer,
// or in further buffers for the device to gather or segment. Returns the number placed, which is
// less than `length` if buffers are small.
std::uint32_t Connection::place(PacketBuf& packet, Seq begin, std::uint32_t length,
                                std::size_t header_length, std::uint32_t segment) {
  const bool gathers = gso_max_ != 0 && gso_segments_ == ip::Path::kAnySegments;
  if (length <= segment && !gathers) {
    length = std::min(length, static_cast<std::uint32_t>(packet.tailroom() - header_length));
    send_.read(begin, packet.append(header_length + length).subspan(header_length));
    return length;
  }
  (void)packet.append(header_length);
  const auto collected = static_cast<std::uint32_t>(send_.collect(begin, length, packet.chain()));
  if (collected == length) return length;
  length = collected >= segment ? collected / segment * segment : collected;
  packet.chain().truncate(length);
  return length;
}

// Sends [begin, end) of the stream, which may end with the FIN, as one packet. The packet has
// several segments if the device performs segmentation.
bool Connection::send_data(SeqRange range, bool again, Instant now) {
  [[clang::uninitialized]] PacketBuf packet = table_->ip_->allocate();
  if (!packet || packet.tailroom() <= kMaxHeader || (!again && !board_.reserve())) {
    // There is no notification when a device's buffers are recycled: retry after a delay.
    table_->count_up(Table::kNoBuffer);
    pace_at_ = std::min(pace_at_, now + kNoBufferWait);
    return false;
  }
  const bool fin = fin_queued_ && range.end == fin_seq() + 1;
  const std::uint32_t wanted = range.size() - (fin ? 1 : 0);
  Header header;
  header.seq = range.begin;
  header.flags = kAck;
  fill_header(header, now, wanted != 0);
  if (fin) header.flags |= kFin;
  if (wanted != 0 && range.begin + wanted == send_.end()) header.flags |= kPsh;
  const std::size_t header_length = kHeaderSize + header.options.size();
  ip::Marks marks = this->marks();
  marks.path_probe = !again && mtu_search_.is_probe(range.end);
  if (marks.path_probe) marks.may_fragment = false;
  // SACK blocks reduce the data too.
  const std::uint32_t segment = marks.path_probe ? wanted
                                                 : mss_ + (timestamps_ ? 32U : 20U) -
                                                       static_cast<std::uint32_t>(header_length);
  if (ecn_.is_capable() && !again && wanted != 0) {
    marks.ecn = ip::Ecn::kCapable0;
    if (ecn_.take_cwr()) header.flags |= kCwr;
  }
  std::uint32_t length = gso_max_ == 0 ? std::min(wanted, segment) : wanted;
  if (length <= segment && header_length + length <= packet.tailroom()) [[likely]] {
    const MutableBytes all = packet.append(header_length + length);
    if (length != 0) send_.read(range.begin, all.subspan(header_length));
  } else {
    length = place(packet, range.begin, length, header_length, segment);
  }
  if (length != wanted) {
    range.end = range.begin + length;
    header.flags &= static_cast<std::uint8_t>(~(kFin | kPsh));
  }
  if (length > segment) {
    packet.offload().gso = remote.address.is_v4() ? Offload::Gso::kTcpV4 : Offload::Gso::kTcpV6;
    packet.offload().gso_size = static_cast<std::uint16_t>(segment);
    packet.offload().header_length = static_cast<std::uint16_t>(header_length);
    packet.offload().gso_ecn = (header.flags & kCwr) != 0;
  }
  if (again) {
    ++retransmits_;
    table_->count_up(Table::kRetransmitted);
    board_.retransmitted(range, now, std::min(segment, length));
  } else {
    board_.sent(range, now, std::min(segment, length));
    snd_.nxt = range.end;
    if ((header.flags & kFin) != 0) fin_sent_ = true;
  }
  last_sent_ = now;
  acks_.on_ack_sent(rcv_.nxt);
  if (length != 0) acks_.on_data_sent();
  table_->send_packet(std::move(packet), header, local.address, remote.address, checksum_, marks,
                      now);
  return true;
}

void Connection::send_control(std::uint8_t flags, Seq seq, Instant now) {
  Header header;
  header.seq = seq;
  header.flags = flags;
  if ((flags & kAck) != 0) {
    fill_header(header, now);
    acks_.on_ack_sent(rcv_.nxt);
  } else {
    header.source_port = local.port;
    header.destination_port = remote.port;
  }
  table_->send_segment(header, local.address, remote.address, checksum_, marks(), now);
}

// Sends the SYN or, in SYN-RECEIVED, the SYN-ACK, with the options that apply.
void Connection::send_syn(Instant now) {
  const Config& config = table_->config_;
  const bool answer = state_ == State::kSynReceived;
  Header header;
  header.source_port = local.port;
  header.destination_port = remote.port;
  header.seq = snd_.iss;
  header.flags = kSyn;
  header.options.mss = table_->our_mss(local, remote);
  // The last attempts carry no options, in case a device on the path drops them.
  const bool plain = !answer && attempts_ >= 4;
  if (answer ? scaling_ : config.window_scaling && !plain) {
    header.options.has_window_scale = true;
    header.options.window_scale = config.window_shift;
  }
  header.options.sack_permitted = answer ? sack_ : config.sack && !plain;
  if (answer ? timestamps_ : config.timestamps && !plain) {
    header.options.has_timestamps = true;
    header.options.ts_value = timestamp(now);
    header.options.ts_echo = answer ? ts_recent_ : 0;
  }
  if (answer) {
    header.flags |= kAck;
    header.ack = rcv_.nxt;
    acks_.on_ack_sent(rcv_.nxt);
    if (ecn_.is_capable()) header.flags |= kEce;
  } else if (config.ecn_ask && attempts_ == 0) {
    header.flags |= kEce | kCwr;
  }
  header.window = rcv_.syn_window();
  if (answer) rcv_.offer(header.window);
  last_sent_ = now;
  if (!answer && fast_open_) {
    if (attempts_ == 0) return send_syn_data(header, now);
    // RFC 7413 section 4.1.3: without the option, the next SYNs may pass where this one did not.
    table_->fast_open_cache().failed(remote, now);
    fast_open_ = false;
  }
  table_->send_segment(header, local.address, remote.address, checksum_, marks(), now);
}

// RFC 7413 section 4.2.1: requests a cookie, or presents one and sends the first data.
void Connection::send_syn_data(Header& header, Instant now) {
  const auto known = table_->fast_open_cache().find(remote, now).value_or(FastOpenCache::Known{});
  header.options.has_cookie = true;
  header.options.cookie_size =
      static_cast<std::uint8_t>(copy_bytes(header.options.cookie, known.cookie.bytes()));
  const std::uint32_t header_length =
      kHeaderSize + static_cast<std::uint32_t>(header.options.size());
  const std::uint32_t most =
      kHeaderSize +
      std::min<std::uint32_t>(known.mss == 0 ? 536 : known.mss, mss_of_mtu(remote.address, mtu_));
  [[clang::uninitialized]] PacketBuf packet = table_->ip_->allocate();
  if (!packet || packet.tailroom() < header_length) return table_->count_up(Table::kNoBuffer);
  const std::uint32_t room = std::min(most, static_cast<std::uint32_t>(packet.tailroom()));
  const std::uint32_t length = known.cookie.is_request() || room <= header_length
                                   ? 0
                                   : std::min(send_.size(), room - header_length);
  const MutableBytes all = packet.append(header_length + length);
  if (length != 0) {
    send_.read(send_.begin(), all.subspan(header_length));
    board_.sent({snd_.nxt, snd_.nxt + length}, now);
    snd_.nxt += length;
  }
  ip::Marks marks = this->marks();
  marks.may_fragment = remote.address.is_v4() && known.mss != 0 && known.mss <= kMinCookieMss;
  table_->send_packet(std::move(packet), header, local.address, remote.address, checksum_, marks,
                      now);
}

std::uint32_t Connection::window_to_offer() const {
  return rcv_.window_to_offer(receive_.size(), table_->memory_.low_on_buffers());
}

// The application has read data: send a window update if it is worth a segment.
void Connection::consider_window_update(Instant now) {
  if (!synchronized() || gone() || rcv_.fin_received) return;
  if (!rcv_.is_worth_an_update(window_to_offer())) return;
  send_ack(now);
  arm();
}

}  // namespace fata::tcp
