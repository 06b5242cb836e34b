// The conformance suite of sig::Flow. Every implementation must pass it unchanged.
//
// A world is default-constructed once an event loop exists, and provides
//   Task<Ends> connect()   two connected flows (unique_ptr left, right)
//   Slice bytes(text)      a buffer with that content
//   bool kNamesEnds        whether the flows have addresses
//   Session session()      what both ends must report, certificates apart
// Each test is a coroutine over a world. FLOW_CONFORMANCE(Suite, Runner) defines a GoogleTest test
// for each.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "fata/async/scope.hpp"
#include "fata/sig/flow.hpp"

namespace fata::flow_test {

using async::Scope;
using async::Task;
using async::Wait;

template <class F>
Task<std::string> read_exactly(F* flow, std::size_t count) {
  std::string text;
  while (text.size() < count) {
    const Result<Slice> got = co_await flow->read(Wait::at_most(seconds(10)));
    if (!got || got->empty()) break;
    text += got->text();
  }
  co_return text;
}

template <class F, class W>
Task<sig::WriteOutcome> write_text(F* flow, W* world, std::string text, Wait wait = {}) {
  std::array<Slice, 1> list{world->bytes(text)};
  co_return co_await flow->write(list, wait);
}

template <class W>
Task<void> carries_bytes_both_ways(W* world) {
  auto ends = co_await world->connect();
  EXPECT_EQ((co_await write_text(ends.left.get(), world, "hello")).accepted, 5U);
  EXPECT_EQ(co_await read_exactly(ends.right.get(), 5), "hello");
  std::array<Slice, 3> list{world->bytes("a"), world->bytes(""), world->bytes("bc")};
  EXPECT_EQ((co_await ends.right->write(list, Wait{})).accepted, 3U);
  EXPECT_TRUE(list[0].empty() && list[2].empty()) << "accepted buffers are the flow's";
  EXPECT_EQ(co_await read_exactly(ends.left.get(), 3), "abc");
}

template <class W>
Task<void> half_close_is_end_of_stream_and_reading_goes_on(W* world) {
  auto ends = co_await world->connect();
  EXPECT_EQ((co_await write_text(ends.left.get(), world, "last")).accepted, 4U);
  EXPECT_TRUE(co_await ends.left->shutdown(Wait{}));
  EXPECT_EQ(co_await read_exactly(ends.right.get(), 4), "last");
  for (int again = 0; again < 2; ++again) {
    const Result<Slice> end = co_await ends.right->read(Wait::at_most(seconds(5)));
    EXPECT_TRUE(end && end->empty()) << "end-of-stream is no error, and stays";
  }
  EXPECT_EQ((co_await write_text(ends.right.get(), world, "still")).accepted, 5U);
  EXPECT_EQ(co_await read_exactly(ends.left.get(), 5), "still");
  const sig::WriteOutcome outcome = co_await write_text(ends.left.get(), world, "no more");
  EXPECT_EQ(outcome.accepted, 0U);
  EXPECT_TRUE(outcome.error && outcome.error->is(sig::FlowErrc::kClosedForWriting));
}

template <class W>
Task<void> abort_is_an_error_not_end_of_stream(W* world) {
  auto ends = co_await world->connect();
  ends.left->abort();
  const Result<Slice> here = co_await ends.left->read(Wait::at_most(seconds(5)));
  EXPECT_TRUE(!here && here.error().is(sig::FlowErrc::kReset));
  const Result<Slice> there = co_await ends.right->read(Wait::at_most(seconds(5)));
  EXPECT_TRUE(!there && there.error().is(sig::FlowErrc::kReset));
}

template <class F>
Task<void> expect_reset(F* flow, bool* ended) {
  const Result<Slice> got = co_await flow->read(Wait::at_most(seconds(5)));
  EXPECT_TRUE(!got && got.error().is(sig::FlowErrc::kReset));
  *ended = true;
}
// The left end aborts while `reads` waits.
template <class F>
Task<void> expect_abort_ends_a_read(F* left, F* reads) {
  bool ended = false;
  Scope scope;
  scope.spawn(expect_reset(reads, &ended));
  co_await async::sleep(milliseconds(5));
  EXPECT_FALSE(ended);
  const Instant begin = async::current_loop().now();
  left->abort();
  co_await scope.join();
  EXPECT_TRUE(ended);
  EXPECT_LT(async::current_loop().now() - begin, seconds(4)) << "its timeout ended it";
}
template <class W>
Task<void> abort_ends_a_pending_read_of_the_peer(W* world) {
  auto ends = co_await world->connect();
  co_await expect_abort_ends_a_read(ends.left.get(), ends.right.get());
}
template <class W>
Task<void> abort_ends_a_pending_read_of_the_same_end(W* world) {
  auto ends = co_await world->connect();
  co_await expect_abort_ends_a_read(ends.left.get(), ends.left.get());
}

template <class W>
Task<void> a_read_that_gave_up_loses_no_byte(W* world) {
  auto ends = co_await world->connect();
  const Result<Slice> early = co_await ends.right->read(Wait::at_most(milliseconds(5)));
  EXPECT_TRUE(!early && early.error().is(async::Errc::kTimedOut));
  async::CancelSource cancelled;
  cancelled.cancel();
  const Result<Slice> never = co_await ends.right->read(Wait::cancelled_by(cancelled.token()));
  EXPECT_TRUE(!never && never.error().is(async::Errc::kCancelled));
  EXPECT_EQ((co_await write_text(ends.left.get(), world, "kept")).accepted, 4U);
  EXPECT_EQ(co_await read_exactly(ends.right.get(), 4), "kept");
}

// Writes until the flow accepts no more; returns the total number of bytes accepted.
template <class F, class W>
Task<std::size_t> fill(F* flow, W* world) {
  std::size_t accepted = 0;
  for (;;) {
    const sig::WriteOutcome outcome =
        co_await write_text(flow, world, std::string(1000, 'x'), Wait::at_most(milliseconds(50)));
    accepted += outcome.accepted;
    if (!outcome.error) continue;
    EXPECT_TRUE(outcome.error->is(async::Errc::kTimedOut));
    co_return accepted;
  }
}
template <class W>
Task<void> writes_wait_for_a_slow_reader_and_count_what_was_accepted(W* world) {
  auto ends = co_await world->connect();
  const std::size_t accepted = co_await fill(ends.left.get(), world);
  EXPECT_GT(accepted, 0U);
  EXPECT_TRUE(co_await ends.left->shutdown(Wait{}));
  std::size_t received = 0;
  for (;;) {
    const Result<Slice> got = co_await ends.right->read(Wait::at_most(seconds(5)));
    EXPECT_TRUE(got.has_value());
    if (!got || got->empty()) break;
    received += got->size();
  }
  EXPECT_EQ(received, accepted);
}

template <class F, class W>
Task<void> send_numbers(F* flow, W* world, int count) {
  for (int i = 0; i < count; ++i) {
    const std::string text = std::to_string(i) + ",";
    EXPECT_EQ((co_await write_text(flow, world, text)).accepted, text.size());
  }
  EXPECT_TRUE(co_await flow->shutdown(Wait{}));
}
template <class W>
Task<void> keeps_order_through_backpressure(W* world) {
  auto ends = co_await world->connect();
  Scope scope;
  scope.spawn(send_numbers(ends.left.get(), world, 3000));
  std::string expected;
  for (int i = 0; i < 3000; ++i) expected += std::to_string(i) + ",";
  EXPECT_EQ(co_await read_exactly(ends.right.get(), expected.size()), expected);
  co_await scope.join();
}

template <class W>
Task<void> a_vanished_end_is_heard(W* world) {
  auto ends = co_await world->connect();
  ends.left.reset();
  const Result<Slice> end = co_await ends.right->read(Wait::at_most(seconds(5)));
  EXPECT_TRUE(end && end->empty());
  sig::WriteOutcome outcome;
  for (int i = 0; i < 100 && !outcome.error; ++i) {
    outcome = co_await write_text(ends.right.get(), world, "anyone?");
    co_await async::sleep(milliseconds(1));
  }
  EXPECT_TRUE(outcome.error && outcome.error->is(sig::FlowErrc::kReset));
}

// As a layer with a header and a trailer does it, over flows that know neither.
template <class W>
Task<void> allocates_room_for_headers_and_trailers(W* world) {
  auto ends = co_await world->connect();
  for (const auto& [headroom, tailroom] :
       {std::pair<std::size_t, std::size_t>{0, 0}, {13, 1000}, {4096, 0}, {0, 4096}, {96, 4000}}) {
    PacketBuf packet = ends.left->allocate(headroom, tailroom);
    EXPECT_TRUE(packet) << headroom << ", " << tailroom;
    if (!packet) continue;
    EXPECT_EQ(packet.size(), 0U);
    EXPECT_GE(packet.headroom(), headroom);
    EXPECT_GE(packet.tailroom(), tailroom);
    std::ranges::fill(packet.append(tailroom), std::byte{'t'});
    std::ranges::fill(packet.prepend(headroom), std::byte{'h'});
    std::array<Slice, 1> out{Slice(std::move(packet))};
    EXPECT_EQ((co_await ends.left->write(out, Wait::at_most(seconds(5)))).accepted,
              headroom + tailroom);
    EXPECT_EQ(co_await read_exactly(ends.right.get(), headroom + tailroom),
              std::string(headroom, 'h') + std::string(tailroom, 't'));
  }
}

// As a layer does it that decrypts in place.
template <class W>
Task<void> a_received_slice_becomes_a_packet_without_a_copy(W* world) {
  auto ends = co_await world->connect();
  EXPECT_EQ((co_await write_text(ends.left.get(), world, std::string(1000, 'a'))).accepted, 1000U);
  Result<Slice> got = co_await ends.right->read(Wait::at_most(seconds(5)));
  EXPECT_TRUE(got && got->size() == 1000);
  if (!got) co_return;
  const std::byte* const arrived = got->bytes().data();
  std::optional<PacketBuf> packet = std::move(*got).into_packet();
  EXPECT_TRUE(packet) << "something else holds the buffer";
  if (!packet) co_return;
  EXPECT_EQ(packet->size(), 1000U);
  EXPECT_EQ(packet->bytes().data(), arrived);
  std::ranges::fill(packet->bytes(), std::byte{'b'});
  std::array<Slice, 1> out{Slice(std::move(*packet))};
  EXPECT_EQ((co_await ends.right->write(out, Wait{})).accepted, 1000U);
  EXPECT_EQ(co_await read_exactly(ends.left.get(), 1000), std::string(1000, 'b'));
}

template <class W>
Task<void> allocates_nothing_where_no_buffer_is_large_enough(W* world) {
  auto ends = co_await world->connect();
  constexpr std::size_t kMax = std::numeric_limits<std::size_t>::max();
  for (const auto& [headroom, tailroom] : {std::pair<std::size_t, std::size_t>{1 << 20, 0},
                                           {0, 1 << 20},
                                           {kMax, 1},
                                           {1, kMax},
                                           {kMax, kMax}})
    EXPECT_FALSE(ends.left->allocate(headroom, tailroom)) << headroom << ", " << tailroom;
}

template <class W>
Task<void> both_ends_name_each_other_for_as_long_as_they_exist(W* world) {
  auto ends = co_await world->connect();
  const auto left = ends.left->local(), right = ends.right->local();
  EXPECT_TRUE(ends.left->peer() == right);
  EXPECT_TRUE(ends.right->peer() == left);
  EXPECT_EQ(!(left == right), W::kNamesEnds);
  ends.left->abort();
  const Result<Slice> reset = co_await ends.right->read(Wait::at_most(seconds(5)));
  EXPECT_FALSE(reset);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(ends.left->local() == left && ends.left->peer() == right);
    EXPECT_TRUE(ends.right->local() == right && ends.right->peer() == left);
    co_await async::sleep(milliseconds(5));
  }
}

// Here local() is first called after the end of the connection.
template <class W>
Task<void> the_first_to_ask_after_a_reset_gets_the_address(W* world) {
  auto ends = co_await world->connect();
  const auto left = ends.right->peer(), right = ends.left->peer();
  ends.left->abort();
  const Result<Slice> reset = co_await ends.right->read(Wait::at_most(seconds(5)));
  EXPECT_FALSE(reset);
  EXPECT_TRUE(ends.left->local() == left);
  EXPECT_TRUE(ends.right->local() == right);
}

template <class W>
Task<void> both_ends_report_the_session(W* world) {
  auto ends = co_await world->connect();
  const sig::Session expected = world->session();
  for (const auto* end : {ends.left.get(), ends.right.get()}) {
    EXPECT_EQ(end->session().alpn, expected.alpn);
    EXPECT_EQ(end->session().server_name, expected.server_name);
    EXPECT_EQ(end->session().empty(), expected.empty());
  }
}

}  // namespace fata::flow_test

// `Runner::run(test)` must create a loop and a world, call `test(&world)`, and run the resulting
// task to completion on the loop.
#define FLOW_CONFORMANCE(Suite, Runner)                                                           \
  TEST(Suite, CarriesBytesBothWays) {                                                             \
    Runner::run([](auto* w) { return flow_test::carries_bytes_both_ways(w); });                   \
  }                                                                                               \
  TEST(Suite, HalfCloseIsEndOfStreamAndReadingGoesOn) {                                           \
    Runner::run(                                                                                  \
        [](auto* w) { return flow_test::half_close_is_end_of_stream_and_reading_goes_on(w); });   \
  }                                                                                               \
  TEST(Suite, AbortIsAnErrorNotEndOfStream) {                                                     \
    Runner::run([](auto* w) { return flow_test::abort_is_an_error_not_end_of_stream(w); });       \
  }                                                                                               \
  TEST(Suite, AbortEndsAPendingReadOfThePeer) {                                                   \
    Runner::run([](auto* w) { return flow_test::abort_ends_a_pending_read_of_the_peer(w); });     \
  }                                                                                               \
  TEST(Suite, AbortEndsAPendingReadOfTheSameEnd) {                                                \
    Runner::run([](auto* w) { return flow_test::abort_ends_a_pending_read_of_the_same_end(w); }); \
  }                                                                                               \
  TEST(Suite, AReadThatGaveUpLosesNoByte) {                                                       \
    Runner::run([](auto* w) { return flow_test::a_read_that_gave_up_loses_no_byte(w); });         \
  }                                                                                               \
  TEST(Suite, WritesWaitForASlowReaderAndCountWhatWasAccepted) {                                  \
    Runner::run([](auto* w) {                                                                     \
      return flow_test::writes_wait_for_a_slow_reader_and_count_what_was_accepted(w);             \
    });                                                                                           \
  }                                                                                               \
  TEST(Suite, KeepsOrderThroughBackpressure) {                                                    \
    Runner::run([](auto* w) { return flow_test::keeps_order_through_backpressure(w); });          \
  }                                                                                               \
  TEST(Suite, AllocatesRoomForHeadersAndTrailers) {                                               \
    Runner::run([](auto* w) { return flow_test::allocates_room_for_headers_and_trailers(w); });   \
  }                                                                                               \
  TEST(Suite, AReceivedSliceBecomesAPacketWithoutACopy) {                                         \
    Runner::run(                                                                                  \
        [](auto* w) { return flow_test::a_received_slice_becomes_a_packet_without_a_copy(w); });  \
  }                                                                                               \
  TEST(Suite, AllocatesNothingWhereNoBufferIsLargeEnough) {                                       \
    Runner::run(                                                                                  \
        [](auto* w) { return flow_test::allocates_nothing_where_no_buffer_is_large_enough(w); }); \
  }                                                                                               \
  TEST(Suite, BothEndsNameEachOtherForAsLongAsTheyExist) {                                        \
    Runner::run([](auto* w) {                                                                     \
      return flow_test::both_ends_name_each_other_for_as_long_as_they_exist(w);                   \
    });                                                                                           \
  }                                                                                               \
  TEST(Suite, TheFirstToAskAfterAResetGetsTheAddress) {                                           \
    Runner::run(                                                                                  \
        [](auto* w) { return flow_test::the_first_to_ask_after_a_reset_gets_the_address(w); });   \
  }                                                                                               \
  TEST(Suite, BothEndsReportTheSession) {                                                         \
    Runner::run([](auto* w) { return flow_test::both_ends_report_the_session(w); });              \
  }                                                                                               \
  TEST(Suite, AVanishedEndIsHeard) {                                                              \
    Runner::run([](auto* w) { return flow_test::a_vanished_end_is_heard(w); });                   \
  }
