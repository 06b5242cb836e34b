#include "fata/iperf/report.hpp"

#include <algorithm>

#include "fata/json/writer.hpp"

namespace fata::iperf {

namespace {

// Bits per second, for JSON.
std::uint64_t speed(std::uint64_t bytes, Duration time) {
  const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(time.us(), 1));
  return bytes / us * 8'000'000 + bytes % us * 8'000'000 / us;
}

// The fields common to intervals, streams and sums.
void put_span(json::Writer& out, Duration from, Duration to, std::uint64_t bytes) {
  out.key("start")
      .decimal(from.us(), 6)
      .key("end")
      .decimal(to.us(), 6)
      .key("seconds")
      .decimal((to - from).us(), 6);
  out.field("bytes", bytes).field("bits_per_second", speed(bytes, to - from));
}
void put_loss(json::Writer& out, Duration jitter, std::uint64_t lost, std::uint64_t packets) {
  out.key("jitter_ms").decimal(jitter.ns, 6).field("lost_packets", lost).field("packets", packets);
  out.key("lost_percent")
      .decimal(packets == 0 ? 0 : static_cast<std::int64_t>(lost * 10000 / packets), 2);
}

void put_name(TextWriter& out, unsigned id) {
  out.put('[');
  if (id == 0) {
    out.put("SUM");
  } else {
    out.put(id < 10 ? "  " : id < 100 ? " " : "");
    out.put_unsigned(id);
  }
  out.put("]  ");
}

}  // namespace

// Totals of one direction, from the results of its sender and its receiver.
struct Report::Sums {
  std::uint64_t sent = 0, received = 0, lost = 0, packets = 0;
  std::int64_t retransmits = 0;
  Duration jitter{}, sent_in{}, received_in{};
  std::size_t streams = 0;

  void add(const StreamResult& sender, const StreamResult& receiver) {
    sent += sender.bytes;
    received += receiver.bytes;
    lost += receiver.errors;
    packets += receiver.packets;
    retransmits += std::max<std::int64_t>(sender.retransmits, 0);
    jitter = jitter + receiver.jitter;
    sent_in = std::max(sent_in, sender.end);
    received_in = std::max(received_in, receiver.end);
    ++streams;
  }
};

Report::Report(const Parameters& parameters, bool as_json)
    : parameters_(parameters),
      as_json_(as_json),
      omitting_(parameters.omit != 0),
      memory_(2048 + parameters.streams() * 1024, '\0'),
      text_(memory_) {}

TextWriter& Report::fresh() {
  text_.clear();
  return text_;
}

std::string_view Report::begin() {
  TextWriter& out = fresh();
  begun_ = true;
  if (!as_json_) {
    print(out, "Connected to ", server_, ": ", parameters_.udp ? "UDP, " : "TCP, ",
          parameters_.parallel, parameters_.parallel == 1 ? " stream, " : " streams, ",
          parameters_.bidirectional ? "both ways"
          : parameters_.reverse     ? "receiving"
                                    : "sending",
          "\n");
    return out.view();
  }
  json::Writer writer(out);
  Text<64> host(std::in_place, server_.address);
  writer.object().key("start").object();
  writer.key("connecting_to")
      .object()
      .field("host", host.view())
      .field("port", server_.port)
      .end_object();
  writer.key("test_start").object().field("protocol", parameters_.udp ? "UDP" : "TCP");
  writer.field("num_streams", parameters_.parallel)
      .field("blksize", parameters_.length)
      .field("omit", parameters_.omit);
  writer.field("duration", parameters_.time)
      .field("bytes", parameters_.bytes)
      .field("blocks", parameters_.blocks);
  writer.field("reverse", parameters_.reverse ? 1 : 0)
      .field("bidir", parameters_.bidirectional ? 1 : 0);
  writer.field("target_bitrate", parameters_.rate).end_object().end_object();
  out.put(",\"intervals\":[");
  return out.view();
}

std::string_view Report::omitted() {
  omitting_ = false;
  from_ = {};
  return {};
}

std::string_view Report::interval(Test& test, Instant now) {
  TextWriter& out = fresh();
  const Duration to = test.elapsed(now);
  std::uint64_t sum = 0;
  if (as_json_) {
    if (!std::exchange(first_interval_, false)) out.put(',');
    json::Writer writer(out);
    writer.object().key("streams").array();
    for (Stream& stream : test.streams()) {
      const std::uint64_t bytes = stream.take_interval();
      sum += bytes;
      writer.object().field("socket", stream.id);
      put_span(writer, from_, to, bytes);
      writer.field("omitted", omitting_).field("sender", stream.sends).end_object();
    }
    writer.end_array().key("sum").object();
    put_span(writer, from_, to, sum);
    writer.field("omitted", omitting_).end_object().end_object();
  } else {
    for (Stream& stream : test.streams()) {
      const std::uint64_t bytes = stream.take_interval();
      sum += bytes;
      put_name(out, stream.id);
      write_interval(out, from_, to, bytes);
      out.put(omitting_ ? "  omitted\n" : "\n");
    }
    if (test.streams().size() > 1) {
      put_name(out, 0);
      write_interval(out, from_, to, sum);
      out.put(omitting_ ? "  omitted\n" : "\n");
    }
  }
  from_ = to;
  return out.view();
}

std::string_view Report::end(const Test& test, const End& results) {
  TextWriter& out = fresh();
  as_json_ ? json(out, test, results) : lines(out, test, results);
  return out.view();
}

void Report::lines(TextWriter& out, const Test& test, const End& results) {
  out.put("- - - in all, by who sent and by who received\n");
  const auto put = [&](unsigned id, std::uint64_t bytes, Duration in, std::string_view who) {
    put_name(out, id);
    write_interval(out, {}, in, bytes);
    print(out, "  ", who);
  };
  const auto put_both = [&](unsigned id, const Sums& of, bool knows) {
    put(id, of.sent, of.sent_in, "sender");
    if (!parameters_.udp && knows) print(out, "  ", of.retransmits, " retransmits");
    out.put('\n');
    put(id, of.received, of.received_in, "receiver");
    if (parameters_.udp) {
      print(out, "  lost ", of.lost, " of ", of.packets, ", jitter ",
            Duration{of.jitter.ns /
                     std::max<std::int64_t>(static_cast<std::int64_t>(of.streams), 1)});
    }
    out.put('\n');
  };
  for (const bool sends : {true, false}) {
    Sums all;
    const bool knows = (sends ? results.ours : results.theirs).has_retransmits;
    for (const Stream& stream : test.streams()) {
      const StreamResult* const ours = results.ours.find(stream.id);
      const StreamResult* const theirs = results.theirs.find(stream.id);
      if (stream.sends != sends || ours == nullptr || theirs == nullptr) continue;
      Sums one;
      one.add(sends ? *ours : *theirs, sends ? *theirs : *ours);
      put_both(stream.id, one, knows);
      all.add(sends ? *ours : *theirs, sends ? *theirs : *ours);
    }
    if (all.streams > 1) put_both(0, all, knows);
  }
}

void Report::json(TextWriter& out, const Test& test, const End& results) {
  out.put("],\"end\":");
  json::Writer writer(out);
  writer.object().key("streams").array();
  // In a bidirectional test, the client's sending comes first, as in iperf3.
  std::array<Sums, 2> all;
  for (const Stream& stream : test.streams()) {
    const StreamResult* const ours = results.ours.find(stream.id);
    const StreamResult* const theirs = results.theirs.find(stream.id);
    if (ours == nullptr || theirs == nullptr) continue;
    const StreamResult& sender = stream.sends ? *ours : *theirs;
    const StreamResult& receiver = stream.sends ? *theirs : *ours;
    all[stream.sends ? 0 : 1].add(sender, receiver);
    writer.object();
    if (parameters_.udp) {
      writer.key("udp").object().field("socket", stream.id);
      put_span(writer, {}, receiver.end, receiver.bytes);
      put_loss(writer, receiver.jitter, receiver.errors, receiver.packets);
      writer.field("sender", stream.sends).end_object();
    } else {
      writer.key("sender").object().field("socket", stream.id);
      put_span(writer, {}, sender.end, sender.bytes);
      if (sender.retransmits >= 0) writer.field("retransmits", sender.retransmits);
      writer.field("sender", stream.sends).end_object();
      writer.key("receiver").object().field("socket", stream.id);
      put_span(writer, {}, receiver.end, receiver.bytes);
      writer.field("sender", stream.sends).end_object();
    }
    writer.end_object();
  }
  writer.end_array();
  for (const std::size_t way : {std::size_t{0}, std::size_t{1}}) {
    const Sums& sums = all[way];
    if (sums.streams == 0) continue;
    const bool second = way == 1 && parameters_.bidirectional;
    writer.key(second ? "sum_sent_bidir_reverse" : "sum_sent").object();
    put_span(writer, {}, sums.sent_in, sums.sent);
    if (!parameters_.udp && (way == 0 ? results.ours : results.theirs).has_retransmits) {
      writer.field("retransmits", sums.retransmits);
    }
    writer.field("sender", way == 0).end_object();
    writer.key(second ? "sum_received_bidir_reverse" : "sum_received").object();
    put_span(writer, {}, sums.received_in, sums.received);
    writer.field("sender", way == 0).end_object();
    if (!parameters_.udp) continue;
    writer.key(second ? "sum_bidir_reverse" : "sum").object();
    put_span(writer, {}, sums.received_in, sums.received);
    put_loss(writer, sums.jitter / static_cast<std::int64_t>(sums.streams), sums.lost,
             sums.packets);
    writer.field("sender", way == 0).end_object();
  }
  writer.key("cpu_utilization_percent").object();
  writer.key("host_total").decimal(results.ours.cpu_permille, 1);
  writer.key("remote_total").decimal(results.theirs.cpu_permille, 1).end_object().end_object();
  out.put("}\n");
}

std::string_view Report::failed(const Error& error) {
  TextWriter& out = fresh();
  if (!as_json_) return {};
  Text<200> text(std::in_place, error);
  json::Writer writer(out);
  if (begun_) {
    out.put("],");
  } else {
    out.put('{');
  }
  writer.key("error").value(text.view());
  out.put("}\n");
  return out.view();
}

}  // namespace fata::iperf
