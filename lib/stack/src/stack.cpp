#include "fata/stack/stack.hpp"

namespace fata::stack {

Stack::Stack(async::Context& context, const SipKey& secret)
    : SocketDriver(context.loop),
      log_(context.logger("net")),
      secret_(secret),
      memory_(context.memory),
      copies_(
          new ip::HeapBuffers(std::min<std::size_t>(context.memory / 16, std::size_t{8} << 20))) {
  host_.report_conflicts_to(this);
  context.loop.on_restore(*this);
}

Stack::~Stack() = default;

void Stack::renew(const SipKey& secret) {
  secret_ = secret;
  host_.renew(secret, now());
  log_.info("restored from a snapshot: secrets are drawn again");
  flush();
}

[[clang::minsize]] void Stack::report(const ip::Interface& on, const ip::AddressConflict& conflict,
                                      Instant now) {
  if (conflict_lines_ == 0 || conflicts_since_ + ip::kConflictInterval <= now) {
    conflicts_since_ = now;
    conflict_lines_ = 0;
  }
  if (++conflict_lines_ > kConflictLines) {
    if (conflict_lines_ == kConflictLines + 1)
      log_.warning("more address conflicts are not logged for a minute");
    return;
  }
  const unsigned nic = on.index();
  using Outcome = ip::AddressConflict::Outcome;
  switch (conflict.outcome) {
    case Outcome::kKept:
      return log_.warning("address ", conflict.address, " of NIC ", nic, " is also used by ",
                          conflict.other, "; it is kept, and packets for it may go astray");
    case Outcome::kLost:
      return log_.warning("address ", conflict.address, " of NIC ", nic, " is used by ",
                          conflict.other, " and is given up");
    case Outcome::kRefused:
      return log_.error("address ", conflict.address, " of NIC ", nic, " is already used by ",
                        conflict.other,
                        "; nothing is received at it; it is tried again every minute");
    case Outcome::kReplaced:
      return log_.warning("address ", conflict.address, " of NIC ", nic, " is already used by ",
                          conflict.other, "; another one is tried");
    case Outcome::kRecovered:
      return log_.info("address ", conflict.address, " of NIC ", nic,
                       " is free, and used from now on");
  }
}

ip::Interface& Stack::add(const ip::LinkConfig& given, ip::PacketSink& sink) {
  ip::LinkConfig config = given;
  // A packet must fit the buffer it is built in (the first interface's) and its interface's own
  // buffer, to which it may be copied.
  if ([[clang::uninitialized]] const PacketBuf own = sink.allocate(ip::kHeadroom))
    config.mtu = std::min(config.mtu, own.tailroom());
  if (host_.interface_count() != 0) {
    if ([[clang::uninitialized]] const PacketBuf first = host_.allocate())
      config.mtu = std::min(config.mtu, first.tailroom());
  }
  if (config.mtu < given.mtu)
    log_.info("NIC ", unsigned(host_.interface_count()), ": packets of up to ", config.mtu,
              " bytes are sent, of the ", given.mtu, " that the link carries");
  ip::Interface* const made = host_.add_interface(config, sink, now());
  check(made != nullptr, "too many network devices");
  return *made;
}

void Stack::lost(const ip::Interface& interface, const Error& error) {
  ++lost_count_;
  log_.error("NIC ", unsigned(interface.index()), ": the network device failed: ", error);
  if (lost_count_ < host_.interface_count()) return;
  log_.error("no NIC is left; stopping");
  loop().stop_as_failed();
}

bool Stack::copy(ip::Interface& from, sig::RxFrame& frame) {
  constexpr std::size_t kShort = 256;
  const std::size_t size = frame.total_size();
  [[clang::uninitialized]] PacketBuf copy =
      copies_->allocate(size, 0, size <= kShort ? 0 : copies_->budget() / 8);
  from.count_copied(static_cast<bool>(copy));
  if (!copy) return false;
  copy_bytes(copy.append(frame.frame.size()), frame.frame.bytes());
  for (const Slice& piece : frame.more.pieces())
    copy_bytes(copy.append(piece.size()), piece.bytes());
  frame.more.clear();
  frame.frame = Slice(std::move(copy));
  return true;
}

void Stack::flush() {
  host_.flush();
  const Instant next = host_.next_deadline();
  if (next.is_never()) return disarm();
  if (!armed() || deadline() != next) loop().timers().arm(*this, next);
}

void Stack::on_timer() noexcept {
  host_.tick(now());
  flush();
}

void Stack::resume() {
  host_.end_of_batch(now());
  flush();
  room().notify_all();
}

}  // namespace fata::stack
