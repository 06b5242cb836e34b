// TCP's part of a report, in a separate file so that it is linked only when used.
#include "fata/stack/netstat.hpp"

namespace fata::stack {
namespace {

void write_connection(TextWriter& out, const tcp::ConnectionStats& of) {
  print(out, "tcp ", of.local, " ", of.remote, " ", tcp::name(of.state));
  if (of.mss != 0) {  // else it is half open or in TIME-WAIT
    print(out, " cwnd ", of.cwnd);
    if (of.ssthresh < (1U << 30)) print(out, " ssthresh ", of.ssthresh);
    print(out, " flight ", of.in_flight, " srtt ", of.srtt, " rto ", of.rto, " mss ", of.mss);
    print(out, " windows ", of.send_window, "/", of.receive_window, " retransmits ",
          of.retransmits);
    print(out, " queues ", of.send_queue, "/", of.receive_queue, "/", of.reorder_queue);
    print(out, " bytes ", of.sent, "/", of.received);
  }
  out.put('\n');
}

}  // namespace

bool Netstat::write_tcp(const Tcp& tcp, TextWriter& out, std::size_t index) {
  const tcp::Table& table = tcp.table();
  if (index == 0) {
    print(out, "tcp connections ", table.connections(), " half-open ", table.half_open(),
          " time-wait ", table.time_waits(), " orphans ", table.orphans());
    const tcp::Memory& memory = table.memory();
    print(out, " memory ", memory.used(), " of ", memory.limit(), " borrowed ", memory.borrowed(),
          "\n");
    table.for_each_listener([&out](const tcp::Listener& listener) {
      print(out, "tcp ", listener.at, " LISTEN backlog ", listener.waiting, " of ",
            listener.backlog, "\n");
    });
    return true;
  }
  return table.for_each_in(
      index - 1, [&out](const tcp::ConnectionStats& stats) { write_connection(out, stats); });
}

}  // namespace fata::stack
