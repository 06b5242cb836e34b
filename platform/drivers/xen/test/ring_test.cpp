// Tests the frontend's side of a ring against Xen's own macros for the backend's side
// (xen/io/ring.h).
#include "fata/xen/ring.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "../src/abi.hpp"

namespace {
struct Ask {
  std::uint32_t id, payload, more;
};
struct Answer {
  std::uint16_t id, payload;
};
DEFINE_RING_TYPES(test, Ask, Answer);
}  // namespace

#define xen_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

namespace fata::xen {
namespace {

using Front = FrontRing<Ask, Answer>;

struct Both {
  Both() : front(&page) {
    auto* const shared = reinterpret_cast<test_sring*>(&page);
    BACK_RING_INIT(&back, shared, sizeof page);
  }
  bool has_request() {
    const bool any = RING_HAS_UNCONSUMED_REQUESTS(&back);
    return any;
  }
  Ask take() { return *RING_GET_REQUEST(&back, back.req_cons++); }
  // True if the frontend must be notified.
  bool answer(const Answer& answer) {
    *RING_GET_RESPONSE(&back, back.rsp_prod_pvt++) = answer;
    bool notify = false;
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&back, notify);
    return notify;
  }
  bool may_sleep() {
    bool more = false;
    RING_FINAL_CHECK_FOR_REQUESTS(&back, more);
    return !more;
  }
  void set_answered(std::uint32_t index) { back.sring->rsp_prod = index; }

  struct alignas(4096) {
    std::byte bytes[4096];
  } page{};
  Front front;
  test_back_ring back;
};

TEST(FrontRing, HasTheSizeAndLayoutOfXensOwn) {
  Both both;
  EXPECT_EQ(Front::kSize, RING_SIZE(&both.back));
  EXPECT_EQ(Front::kSize, 256U);
  both.front.push(Ask{1, 2, 3});
  EXPECT_FALSE(both.has_request()) << "nothing is visible before publish()";
  EXPECT_TRUE(both.front.publish());
  ASSERT_TRUE(both.has_request());
  const Ask seen = both.take();
  EXPECT_TRUE(seen.id == 1 && seen.payload == 2 && seen.more == 3);
}

TEST(FrontRing, HoldsWhatItHoldsAndLosesNothingInALongLife) {
  Both both;
  std::mt19937 random(3);
  std::deque<std::uint32_t> asked, taken;
  bool back_awake = true, front_awake = true;
  std::uint32_t next = 0, answered = 0;
  // Each side sleeps only after requesting a notification, and wakes only by one: a lost
  // notification would end the run.
  for (int step = 0; step < 100'000; ++step) {
    ASSERT_FALSE(both.front.broken());
    if (front_awake) {
      switch (random() % 4) {
        case 0:
          for (std::size_t i = random() % 40; i != 0 && both.front.room() != 0; --i) {
            both.front.push(Ask{next, ~next, 0});
            asked.push_back(next++);
          }
          ASSERT_EQ(both.front.room(), Front::kSize - asked.size() - taken.size());
          break;
        case 1:
          back_awake = both.front.publish() || back_awake;
          break;
        case 2: {
          Answer answer;
          while (random() % 8 != 0 && both.front.pop(answer)) {
            ASSERT_EQ(answer.id, static_cast<std::uint16_t>(taken.front()));
            taken.pop_front();
            --answered;
          }
          break;
        }
        case 3:
          back_awake = both.front.publish() || back_awake;
          front_awake = asked.empty() || !both.front.ask();
          break;
      }
    }
    if (back_awake) {
      while (random() % 4 != 0 && both.has_request()) {
        const Ask ask = both.take();
        ASSERT_EQ(ask.id, asked.front());
        ASSERT_EQ(ask.payload, ~ask.id);
        asked.pop_front();
        taken.push_back(ask.id);
      }
      while (random() % 4 != 0 && answered < taken.size()) {
        front_awake =
            both.answer({static_cast<std::uint16_t>(taken[answered++]), 0}) || front_awake;
      }
      if (answered == taken.size()) back_awake = !both.may_sleep();
    }
    ASSERT_TRUE(front_awake || back_awake)
        << "both sleep: a notification was lost in step " << step;
  }
  EXPECT_GT(next, 100'000U);
}

struct Attack {
  const char* name;
  // The index that the backend claims, after three requests of which one was answered and taken.
  std::uint32_t answered;
};
constexpr Attack kAttacks[] = {{"one more than was asked", 4},
                               {"a ring more", 1 + Front::kSize},
                               {"an index that goes back", 0},
                               {"an index far away", 0x80000000},
                               {"an index before the beginning", 0xffffffff}};

TEST(FrontRing, BreaksForGoodWhenAnIndexRunsAhead) {
  for (const Attack& attack : kAttacks) {
    Both both;
    Answer answer{};
    for (std::uint32_t i = 0; i < 3; ++i) both.front.push(Ask{i, 0, 0});
    both.front.publish();
    both.front.push(Ask{3, 0, 0});  // not published, so an answer to it is invalid, too
    both.set_answered(1);
    ASSERT_TRUE(both.front.pop(answer));
    both.set_answered(attack.answered);
    EXPECT_FALSE(both.front.pop(answer)) << attack.name;
    EXPECT_TRUE(both.front.broken()) << attack.name;
    both.set_answered(2);
    EXPECT_FALSE(both.front.pop(answer)) << attack.name << ": it stays broken";
    EXPECT_FALSE(both.front.pending()) << attack.name;
    both.front.restart();
    EXPECT_FALSE(both.front.broken());
    EXPECT_EQ(both.front.room(), Front::kSize);
  }
}

TEST(FrontRing, DoesNotReadItsOwnIndexBack) {
  Both both;
  for (std::uint32_t i = 0; i < 10; ++i) both.front.push(Ask{i, 0, 0});
  both.front.publish();
  both.back.sring->req_prod = 0x12345678;
  both.back.sring->rsp_event = 0x9abcdef0;
  EXPECT_EQ(both.front.room(), Front::kSize - 10);
  both.front.push(Ask{10, 0, 0});
  both.front.publish();
  EXPECT_EQ(both.back.sring->req_prod, 11U);
  both.set_answered(11);
  Answer answer;
  for (int i = 0; i < 11; ++i) EXPECT_TRUE(both.front.pop(answer));
  EXPECT_FALSE(both.front.pop(answer));
  EXPECT_FALSE(both.front.broken());
}

}  // namespace
}  // namespace fata::xen
