#include <catch2/catch.hpp>

#include "tests/agent/api/api_fixture.h"

namespace trident::test {
namespace {

pb::GetStatusRequest Follow(std::optional<uint64_t> after, const std::string& journal = "") {
  pb::GetStatusRequest request;
  request.set_follow(true);
  if (after) request.set_after_sequence(*after);
  request.set_journal_id(journal);
  return request;
}

// The end of the agent is a good end of following. But a client whose library acknowledges
// something on a connection that the server has just closed drops what it has not read yet.
bool EndedWithTheServer(const grpc::Status& status) {
  return status.ok() ||
         (status.error_code() == grpc::UNAVAILABLE && status.error_details().empty());
}

}  // namespace

TEST_CASE("without follow there is one snapshot") {
  ApiFixture api;
  api.jobs.Append(TransitionOf(JobIn(JobState::kStaged)));
  const Streamed streamed = api.GetStatus({});
  CHECK(streamed.status.ok());
  REQUIRE(streamed.messages.size() == 1);
  CHECK(streamed.messages[0].status() == "reconcileState: ready\n");
  CHECK(streamed.messages[0].sequence() == 0);
  CHECK(streamed.messages[0].newest_sequence() == 1);
  CHECK(streamed.messages[0].job().state() == pb::JOB_STATE_STAGED);
}

TEST_CASE("a follower gets every sequence once, from where it asks") {
  struct Case {
    const char* name;
    std::optional<uint64_t> after;
    std::vector<uint64_t> sequences;
  };
  const Case cases[] = {
      {"from the beginning", 0, {1, 2, 3, 4, 5, 6}},
      {"after a sequence that it has", 2, {3, 4, 5, 6}},
      {"only what comes", std::nullopt, {4, 5, 6}},
  };
  for (const Case& test : cases) {
    DYNAMIC_SECTION(test.name) {
      ApiFixture api;
      for (int i = 0; i < 3; ++i) api.jobs.Append(LogOf(JobIn(JobState::kStaging), "old"));
      const auto context = api.NewContext();
      const auto reader = api.stub->GetStatus(context.get(), Follow(test.after, "journal-1"));
      REQUIRE(api.jobs.AwaitSubscriptions(1));
      for (int i = 0; i < 2; ++i) api.jobs.Append(LogOf(JobIn(JobState::kStaging), "new"));
      api.jobs.Append(TransitionOf(JobIn(JobState::kSucceeded)));
      pb::HostStatusState message;
      REQUIRE(reader->Read(&message));
      CHECK(message.sequence() == 0);
      std::vector<uint64_t> sequences;
      while (message.sequence() < 6 && reader->Read(&message)) {
        sequences.push_back(message.sequence());
        CHECK_FALSE(message.status().empty());
      }
      CHECK(sequences == test.sequences);
      CHECK(message.outcome().result() == "succeeded");
      api.server->Shutdown();
      const Streamed rest = ReadAll(*reader);
      for (const auto& last : rest.messages) CHECK(last.sequence() == 0);
      CHECK(EndedWithTheServer(rest.status));
    }
  }
}

TEST_CASE("a place that the journal does not have is OUT_OF_RANGE") {
  ApiFixture api;
  for (int i = 0; i < 5; ++i) api.jobs.Append(LogOf(JobIn(JobState::kStaging), "event"));
  api.jobs.Prune(3);
  pb::GetStatusRequest once;
  once.set_journal_id("another");
  const std::pair<const char*, pb::GetStatusRequest> cases[] = {
      {"pruned", Follow(1)},
      {"not there yet", Follow(6)},
      {"another journal", Follow(4, "another")},
      {"another journal, without following", once},
  };
  for (const auto& [name, request] : cases) {
    INFO(name);
    const Streamed streamed = api.GetStatus(request);
    CHECK(streamed.status.error_code() == grpc::OUT_OF_RANGE);
    CHECK(DetailOf(streamed.status).kind() == "precondition");
    CHECK(streamed.messages.empty());
  }
}

TEST_CASE("progress reaches the followers without a sequence") {
  ApiFixture api;
  const auto context = api.NewContext();
  const auto reader = api.stub->GetStatus(context.get(), Follow(std::nullopt));
  pb::HostStatusState message;
  REQUIRE(reader->Read(&message));
  REQUIRE(api.jobs.AwaitSubscriptions(1));
  ProgressEvent progress;
  progress.bytes_done = 7;
  progress.bytes_total = 10;
  progress.rate = 2.5;
  progress.seconds_left = 1.2;
  progress.fraction = 0.5;
  api.jobs.Report(progress, JobIn(JobState::kStaging));
  REQUIRE(reader->Read(&message));
  CHECK(message.sequence() == 0);
  CHECK(message.progress().bytes_done() == 7);
  CHECK(message.progress().bytes_total() == 10);
  CHECK(message.progress().rate() == 2.5);
  CHECK(message.progress().seconds_left() == 1.2);
  CHECK(message.progress().fraction() == 0.5);
  CHECK_FALSE(message.has_outcome());
}

TEST_CASE("a slow reader delays nobody and gets everything") {
  ApiFixture api;
  api.jobs.status_yaml = std::string(64 << 10, '#');  // fills the flow-control window soon
  const auto slow_channel = api.NewChannel();
  const auto slow_stub = pb::HostManagement::NewStub(slow_channel);
  const auto slow_context = api.NewContext();
  const auto slow = slow_stub->GetStatus(slow_context.get(), Follow(std::nullopt));
  const auto fast_context = api.NewContext();
  const auto fast = api.stub->GetStatus(fast_context.get(), Follow(std::nullopt));
  REQUIRE(api.jobs.AwaitSubscriptions(2));
  constexpr uint64_t kEvents = 300;
  for (uint64_t i = 0; i < kEvents; ++i) api.jobs.Append(LogOf(JobIn(JobState::kStaging), "event"));
  for (grpc::ClientReader<pb::HostStatusState>* reader : {fast.get(), slow.get()}) {
    pb::HostStatusState message;
    uint64_t expected = 1;
    while (expected <= kEvents && reader->Read(&message)) {
      if (message.sequence() == 0) continue;
      REQUIRE(message.sequence() == expected);
      ++expected;
    }
    CHECK(expected == kEvents + 1);
  }
}

TEST_CASE("a reader that stopped reading does not hold up the shutdown") {
  ApiFixture api;
  api.jobs.status_yaml = std::string(64 << 10, '#');
  const auto context = api.NewContext();
  const auto reader = api.stub->GetStatus(context.get(), Follow(std::nullopt));
  REQUIRE(api.jobs.AwaitSubscriptions(1));
  for (int i = 0; i < 300; ++i) api.jobs.Append(LogOf(JobIn(JobState::kStaging), "event"));
  const auto begin = std::chrono::steady_clock::now();
  api.server->Shutdown();
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
  CHECK(api.jobs.subscriptions() == 0);
  pb::HostStatusState message;
  while (reader->Read(&message)) {
  }
  CHECK_FALSE(reader->Finish().ok());
}

TEST_CASE("five hundred followers all see the same") {
  ApiFixture api;
  constexpr size_t kFollowers = 500;
  struct Follower {
    std::unique_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientReader<pb::HostStatusState>> reader;
  };
  std::vector<Follower> followers;
  for (size_t i = 0; i < kFollowers; ++i) {
    Follower follower;
    follower.context = api.NewContext();
    follower.reader = api.stub->GetStatus(follower.context.get(), Follow(std::nullopt));
    followers.push_back(std::move(follower));
  }
  REQUIRE(api.jobs.AwaitSubscriptions(kFollowers));
  api.jobs.Append(TransitionOf(JobIn(JobState::kSucceeded)));
  for (Follower& follower : followers) {
    pb::HostStatusState message;
    REQUIRE(follower.reader->Read(&message));
    CHECK(message.sequence() == 0);
    REQUIRE(follower.reader->Read(&message));
    CHECK(message.sequence() == 1);
  }
  SECTION("and a shutdown ends them well") {
    api.server->Shutdown();
    for (Follower& follower : followers) {
      pb::HostStatusState message;
      while (follower.reader->Read(&message)) {
      }
      CHECK(EndedWithTheServer(follower.reader->Finish()));
    }
  }
  SECTION("and going away leaves nothing behind") {
    for (Follower& follower : followers) follower.context->TryCancel();
    CHECK(api.jobs.AwaitSubscriptions(0));
  }
}

}  // namespace trident::test
