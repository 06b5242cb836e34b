#include "fata/bus/xen/store_wire.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "fata/sim/bus/store_daemon.hpp"

namespace fata::bus::xen {
namespace {

struct Both {
  struct alignas(4096) {
    std::byte bytes[4096];
  } page{};
  StoreWire wire{&page};
  sim::StoreDaemon daemon{&page};
  xenstore_domain_interface& shared() {
    return *reinterpret_cast<xenstore_domain_interface*>(&page);
  }
};

std::string text_of(std::size_t size, unsigned seed) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((seed + i * 31) % 128);
  return text;
}

TEST(StoreWire, CarriesMessagesBothWaysWhateverTheSlices) {
  for (const std::uint32_t start : {0U, 1000U, 0xfffffe00U}) {
    for (unsigned seed = 0; seed < 20; ++seed) {
      Both both;
      both.daemon.start_at(start);
      std::mt19937 random(seed);
      std::deque<sim::StoreDaemon::Request> sent;
      std::deque<StoreWire::Message> replied;
      const auto size = [&] {
        return random() % 10 == 0 ? random() % (StoreWire::kMaxPayload + 1) : random() % 60;
      };
      std::size_t whole = 0;
      for (std::uint32_t id = 0; whole < 200 || !sent.empty() || !replied.empty();) {
        switch (random() % 5) {
          case 0: {
            if (id == 200) break;
            std::string payload = text_of(size(), id);
            const auto length = static_cast<std::uint32_t>(payload.size());
            if (both.wire.send(id % 7, id, id % 3, payload)) {
              sent.push_back({{id % 7, id, id % 3, length}, payload});
              ++id;
            } else {
              ASSERT_GE(sent.size(), StoreWire::kMaxQueued);
            }
            break;
          }
          case 1:
            both.wire.pump();
            break;
          case 2:
            both.daemon.take(random() % 700);
            break;
          case 3:
            both.daemon.give(random() % 700);
            break;
          case 4:
            if (auto request = both.daemon.next()) {
              ASSERT_FALSE(sent.empty());
              EXPECT_EQ(request->header.type, sent.front().header.type);
              EXPECT_EQ(request->header.req_id, sent.front().header.req_id);
              EXPECT_EQ(request->header.tx_id, sent.front().header.tx_id);
              ASSERT_EQ(request->payload, sent.front().payload);
              sent.pop_front();
              StoreWire::Message reply{static_cast<std::uint32_t>(random() % 16),
                                       static_cast<std::uint32_t>(random() % 1000),
                                       text_of(size(), static_cast<unsigned>(random() % 128))};
              both.daemon.reply(reply.type, reply.id, reply.payload);
              replied.push_back(std::move(reply));
            }
            StoreWire::Message message;
            if (!both.wire.receive(message)) break;
            ASSERT_FALSE(replied.empty());
            EXPECT_EQ(message.type, replied.front().type);
            EXPECT_EQ(message.id, replied.front().id);
            ASSERT_EQ(message.payload, replied.front().payload);
            replied.pop_front();
            ++whole;
        }
        ASSERT_FALSE(both.wire.broken());
      }
    }
  }
}

TEST(StoreWire, TellsWhetherTheOtherSideShouldHearOfAnything) {
  Both both;
  EXPECT_FALSE(both.wire.pump());
  ASSERT_TRUE(both.wire.send(1, 1, 0, "a"));
  EXPECT_TRUE(both.wire.pump());
  EXPECT_FALSE(both.wire.pump());
  both.daemon.reply(1, 1, "b");
  both.daemon.give(3);
  EXPECT_TRUE(both.wire.pump()) << "there is room again in the ring of replies";
  EXPECT_FALSE(both.wire.has_received());
}

TEST(StoreWire, RefusesWhatIsTooLongAndMoreThanMayWait) {
  Both both;
  EXPECT_FALSE(both.wire.send(1, 1, 0, std::string(StoreWire::kMaxPayload + 1, 'x')));
  for (std::size_t i = 0; i < StoreWire::kMaxQueued; ++i) {
    ASSERT_TRUE(both.wire.send(1, 1, 0, std::string(StoreWire::kMaxPayload, 'x')));
  }
  EXPECT_FALSE(both.wire.send(1, 1, 0, ""));
  both.wire.pump();
  EXPECT_FALSE(both.wire.send(1, 1, 0, "")) << "a full ring takes no whole message";
  while (both.daemon.take(1024) != 0) both.wire.pump();
  EXPECT_TRUE(both.wire.send(1, 1, 0, ""));
}

TEST(StoreWire, LeavesInTheRingWhatNobodyTakes) {
  Both both;
  for (std::uint32_t i = 0; i < 100; ++i)
    both.daemon.reply(1, i, std::string(StoreWire::kMaxPayload, 'x'));
  for (int i = 0; i < 100; ++i) {
    both.daemon.give(1024);
    both.wire.pump();
  }
  EXPECT_GT(both.daemon.waiting(), 98 * StoreWire::kMaxPayload)
      << "memory is bounded, whatever comes";
  StoreWire::Message message;
  for (std::uint32_t i = 0; i < 100;) {
    both.daemon.give(1024);
    both.wire.pump();
    while (both.wire.receive(message)) EXPECT_EQ(message.id, i++);
  }
}

struct Attack {
  const char* name;
  void (*play)(Both&);
};
const Attack kAttacks[] = {
    {"requests taken that were never there",
     [](Both& b) { b.shared().req_cons = b.shared().req_prod + 1; }},
    {"our own index", [](Both& b) { b.shared().req_prod += 5000; }},
    {"more replies than the ring holds",
     [](Both& b) { b.shared().rsp_prod = b.shared().rsp_cons + 1025; }},
    {"an index that goes back", [](Both& b) { b.shared().rsp_prod = b.shared().rsp_cons - 1; }},
    {"a payload that is too long",
     [](Both& b) {
       const xsd_sockmsg header{1, 1, 0, StoreWire::kMaxPayload + 1};
       std::memcpy(b.shared().rsp, &header, sizeof header);
       b.shared().rsp_prod = sizeof header;
     }},
    {"an absurd length",
     [](Both& b) {
       const xsd_sockmsg header{1, 1, 0, 0xffffffff};
       std::memcpy(b.shared().rsp, &header, sizeof header);
       b.shared().rsp_prod = sizeof header;
     }},
};

TEST(StoreWire, BreaksWhenTheOtherSideLiesAndWorksOnAfterARestart) {
  for (const Attack& attack : kAttacks) {
    Both both;
    ASSERT_TRUE(both.wire.send(1, 1, 0, "hello"));
    attack.play(both);
    both.wire.pump();
    both.wire.pump();
    EXPECT_TRUE(both.wire.broken()) << attack.name;
    EXPECT_FALSE(both.wire.pump()) << attack.name;
    StoreWire::Message message;
    EXPECT_FALSE(both.wire.receive(message)) << attack.name;
    both.page = {};
    both.wire.restart();
    EXPECT_FALSE(both.wire.broken());
    ASSERT_TRUE(both.wire.send(1, 2, 0, "again"));
    both.wire.pump();
    both.daemon.take(1000);
    EXPECT_EQ(both.daemon.next()->payload, "again") << attack.name;
  }
}

TEST(StoreWire, CountsALieThatComesBehindGoodMessages) {
  Both both;
  both.daemon.reply(1, 1, "good");
  both.daemon.give(1000);
  const xsd_sockmsg header{1, 1, 0, 0xffffffff};
  std::memcpy(both.shared().rsp + 20, &header, sizeof header);
  both.shared().rsp_prod += sizeof header;
  both.wire.pump();
  StoreWire::Message message;
  ASSERT_TRUE(both.wire.receive(message));
  EXPECT_EQ(message.payload, "good");
  EXPECT_FALSE(both.wire.receive(message));
  both.wire.pump();
  EXPECT_TRUE(both.wire.broken());
}

// Moves as much data as possible, and answers each request.
std::vector<std::string> heard(Both& both, LastRequest& last, std::size_t slice) {
  std::vector<std::string> payloads;
  for (int i = 0; i < 10000 && !last.answered() && !both.wire.broken(); ++i) {
    last.pump();
    both.daemon.take(slice);
    while (auto request = both.daemon.next()) {
      payloads.push_back(request->payload);
      both.daemon.reply(request->header.type, request->header.req_id, request->payload);
    }
    both.daemon.give(slice);
  }
  EXPECT_TRUE(last.answered());
  return payloads;
}

TEST(LastRequest, IsHeardBehindWhatIsHalfInTheRingAndWhatWaitsIsDropped) {
  for (const std::size_t slice : {1U, 7U, 1024U}) {
    for (const std::size_t size : {0U, 100U, 2000U}) {
      Both both;
      both.daemon.start_at(0xfffffff0);
      const std::string payload = text_of(size, 1);
      ASSERT_TRUE(both.wire.send(1, 1, 0, payload));
      ASSERT_TRUE(both.wire.send(1, 2, 0, payload));
      both.wire.pump();
      const bool first_is_half = size > 1024, second_fits = size < 500;
      LastRequest last(both.wire, 11, std::string_view("a/path\0value", 12));
      std::vector<std::string> wanted{payload};
      if (!first_is_half && second_fits) wanted.push_back(payload);
      wanted.emplace_back("a/path\0value", 12);
      EXPECT_EQ(heard(both, last, slice), wanted) << size;
    }
  }
}

TEST(LastRequest, ThrowsAwayTheRepliesOfOthersWhateverOfThemHadCome) {
  for (std::size_t come = 0; come < 60; ++come) {
    Both both;
    both.daemon.reply(1, 1, "abc");
    both.daemon.reply(1, 2, "");
    for (std::uint32_t i = 3; i < 100; ++i) both.daemon.reply(1, i, text_of(100, i));
    both.daemon.give(come);
    both.wire.pump();
    LastRequest last(both.wire, 11, "last");
    EXPECT_EQ(heard(both, last, 50), std::vector<std::string>{"last"}) << come;
  }
}

TEST(LastRequest, MovesNothingOnABrokenWireAndEndsInTheFaceOfNonsense) {
  Both both;
  LastRequest last(both.wire, 11, std::string(100, 'x'));
  both.shared().rsp_prod = 1024;  // headers of zeros
  EXPECT_TRUE(last.pump());
  both.daemon.take(1024);
  EXPECT_EQ(both.daemon.next()->payload, std::string(48, 'x'));
  both.shared().req_cons = both.shared().req_prod + 1;
  both.shared().rsp_prod = both.shared().rsp_cons + 1025;
  EXPECT_FALSE(last.pump());
  EXPECT_TRUE(both.wire.broken());
  EXPECT_FALSE(last.answered());
}

TEST(StorePayload, IsPutTogetherAndTakenApart) {
  std::string all = store_path("a/b") + store_pair("c", "value");
  std::string_view rest = all;
  EXPECT_EQ(take_store_part(rest), "a/b");
  EXPECT_EQ(take_store_part(rest), "c");
  EXPECT_EQ(take_store_part(rest), "value") << "a last part without its zero byte";
  EXPECT_EQ(take_store_part(rest), "");
}

TEST(StoreNumber, IsDecimalAndNothingElse) {
  EXPECT_EQ(store_text(0), "0");
  EXPECT_EQ(store_text(18446744073709551615U), "18446744073709551615");
  EXPECT_EQ(store_number("4242"), 4242U);
  for (const std::string_view bad :
       {"", "-1", "+1", " 1", "1 ", "0x1", "1\n", "18446744073709551616", "abc"}) {
    EXPECT_FALSE(store_number(bad)) << bad;
  }
}

}  // namespace
}  // namespace fata::bus::xen
