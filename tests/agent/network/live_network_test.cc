// A change of the running network: when it is kept, and that it is taken back in every other case.
#include "agent/network/live_network.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/agent/network/network_test_world.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::NetworkTestWorld;
using test::Yaml;

constexpr char kRecord[] = "/var/lib/trident/network-before.json";
constexpr char kOld[] = "network:\n  version: 2\n";
const milliseconds kNever = std::chrono::hours(1000);

struct Bench : NetworkTestWorld {
  Bench() {
    files.SetFile(kNetplanPath, kOld);
    // A second goes by with every look.
    network.OnLook([this] { clock.Advance(seconds(1)); });
    live = NewProcess();
  }

  std::unique_ptr<LiveNetwork> NewProcess() {
    LiveNetworkOptions options;
    options.interval = milliseconds(1);
    return std::make_unique<LiveNetwork>(files, commands, network, clock, options);
  }
  absl::Status Apply(const std::string& job = "job-1") {
    return live->Apply(job, Yaml("{version: 2, ethernets: {eth0: {dhcp4: true}}}"), kRecord,
                       cancellation);
  }
  absl::Status Await(const std::string& job = "job-1") {
    return live->AwaitConfirmation(
        job, kRecord,
        {.confirmed =
             [this] {
               // What a look does not move on, time does.
               clock.Advance(milliseconds(100));
               return confirmed;
             },
         .tell = [this](std::string_view words) { told.emplace_back(words); },
         .cancellation = cancellation});
  }
  std::string Document() { return files.Get(kNetplanPath).value_or("(none)"); }
  size_t Applied() const {
    size_t count = 0;
    for (const std::string& line : commands.command_lines()) count += line == "netplan apply";
    return count;
  }

  std::unique_ptr<LiveNetwork> live;
  Cancellation cancellation;
  bool confirmed = false;
  std::vector<std::string> told;
};

InboundConnection Connection(const std::string& peer, milliseconds silence, bool stuck = false) {
  return {.local = "192.0.2.5:22", .peer = peer, .silence = silence, .stuck = stuck};
}

}  // namespace

TEST_CASE(
    "a change is kept when the host proves that it can be reached, and not before it settled") {
  Bench bench;
  REQUIRE_OK(bench.Apply());
  CHECK_THAT(bench.Document(), Catch::Contains("dhcp4: true"));
  CHECK(bench.files.ModeOf(kNetplanPath) == 0600);
  CHECK(bench.files.Exists(kRecord));
  const int64_t before = bench.clock.BootNanos();
  REQUIRE_OK(bench.Await());
  CHECK(bench.clock.BootNanos() - before > std::chrono::nanoseconds(seconds(5)).count());
  CHECK_FALSE(bench.files.Exists(kRecord));
  CHECK_THAT(bench.told.front(), Catch::Contains("120 seconds"));
  CHECK_THAT(bench.told.front(), Catch::Contains("tridentctl commit"));
  CHECK_THAT(bench.told.back(),
             Catch::Contains("is kept: the gateway of the default route answers"));
  // Then nothing is left to take back.
  REQUIRE_OK(bench.live->Undo(kRecord));
  CHECK_THAT(bench.Document(), Catch::Contains("dhcp4: true"));
  CHECK(bench.Applied() == 1);
}

TEST_CASE("what cuts the host off is taken back after the time limit, telling why") {
  struct Case {
    const char* name;
    std::function<void(Bench&)> before;  // the change
    std::function<void(Bench&)> cut;     // what it does
    const char* reason;
  };
  const Case cases[] = {
      {"the default route goes", [](Bench&) {}, [](Bench& b) { b.network.SetRoutes({}); },
       "no default route of IPv4"},
      {"another gateway does not answer", [](Bench&) {},
       [](Bench& b) {
         b.network.SetRoutes({{AddressFamily::kIpv4, "eth0", "192.0.2.99"}});
       },
       "192.0.2.99 on eth0 has not answered"},
      {"the gateway answered before the change only", [](Bench&) {},
       [](Bench& b) { b.network.SetGateway("192.0.2.1", kNever); }, "has not answered"},
      {"one of two families goes",
       [](Bench& b) {
         b.network.SetRoutes({{AddressFamily::kIpv4, "eth0", "192.0.2.1"},
                              {AddressFamily::kIpv6, "eth0", "fe80::1"}});
       },
       [](Bench& b) {
         b.network.SetRoutes({{AddressFamily::kIpv4, "eth0", "192.0.2.1"}});
       },
       "no default route of IPv6"},
      {"the client's connection gets stuck",
       [](Bench& b) {
         b.network.SetConnections({Connection("198.51.100.7:5000", milliseconds(1))});
       },
       [](Bench& b) {
         b.network.SetConnections({Connection("198.51.100.7:5000", kNever, /*stuck=*/true)});
       },
       "198.51.100.7:5000 does not get through"},
      {"the client's connection is silent",
       [](Bench& b) {
         b.network.SetConnections({Connection("198.51.100.7:5000", milliseconds(1))});
       },
       [](Bench& b) { b.network.SetConnections({Connection("198.51.100.7:5000", kNever)}); },
       "none of the connections"},
      {"the client's connection is gone",
       [](Bench& b) {
         b.network.SetConnections({Connection("198.51.100.7:5000", milliseconds(1))});
       },
       [](Bench& b) { b.network.SetConnections({}); }, "none of the connections"},
      {"one of two connections is stuck",
       [](Bench& b) {
         b.network.SetConnections({Connection("198.51.100.7:5000", milliseconds(1)),
                                   Connection("198.51.100.8:5000", milliseconds(1))});
       },
       [](Bench& b) {
         b.network.SetConnections({Connection("198.51.100.7:5000", milliseconds(1)),
                                   Connection("198.51.100.8:5000", kNever, /*stuck=*/true)});
       },
       "198.51.100.8:5000 does not get through"},
      {"only a new connection lives",
       [](Bench& b) {
         b.network.SetConnections({Connection("198.51.100.7:5000", milliseconds(1))});
       },
       [](Bench& b) { b.network.SetConnections({Connection("198.51.100.9:1", milliseconds(1))}); },
       "none of the connections"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      Bench bench;
      bench.network.SetGateway("fe80::1", milliseconds(0));
      c.before(bench);
      REQUIRE_OK(bench.Apply());
      c.cut(bench);
      const absl::Status status = bench.Await();
      REQUIRE_ERROR(status, absl::StatusCode::kDeadlineExceeded, c.reason);
      CHECK(GetErrorDetail(status).kind == "network");
      CHECK(GetErrorDetail(status).subkind == "not-confirmed");
      CHECK_THAT(GetErrorDetail(status).remedy, Catch::Contains("tridentctl commit"));
      // Those who follow hear of it all the time.
      CHECK(bench.told.size() >= 10);
      REQUIRE_OK(bench.live->Undo(kRecord));
      CHECK(bench.Document() == kOld);
      CHECK(bench.Applied() == 2);
      CHECK_FALSE(bench.files.Exists(kRecord));
      REQUIRE_OK(bench.live->Undo(kRecord));
      CHECK(bench.Applied() == 2);
    }
  }
}

TEST_CASE("what cannot prove itself is kept when it is confirmed, at once") {
  Bench bench;
  REQUIRE_OK(bench.Apply());
  bench.network.SetRoutes({});
  bench.confirmed = true;
  const int64_t before = bench.clock.BootNanos();
  REQUIRE_OK(bench.Await());
  CHECK(bench.clock.BootNanos() - before < std::chrono::nanoseconds(seconds(5)).count());
  CHECK_THAT(bench.told.back(), Catch::Contains("is kept: it was confirmed"));
  CHECK_FALSE(bench.files.Exists(kRecord));
}

TEST_CASE("a client whose connection is heard of again proves the change") {
  Bench bench;
  bench.network.SetConnections({Connection("198.51.100.7:5000", milliseconds(1)),
                                Connection("198.51.100.8:5000", milliseconds(1))});
  REQUIRE_OK(bench.Apply());
  // The other one has ended in order.
  bench.network.SetConnections({Connection("198.51.100.7:5000", milliseconds(200))});
  REQUIRE_OK(bench.Await());
  CHECK_THAT(bench.told.back(), Catch::Contains("198.51.100.7:5000 still lives"));
}

TEST_CASE("a client that was gone before the change does not count") {
  Bench bench;
  bench.network.SetConnections({Connection("198.51.100.7:5000", milliseconds(1)),
                                Connection("198.51.100.8:5000", kNever, /*stuck=*/true)});
  REQUIRE_OK(bench.Apply());
  REQUIRE_OK(bench.Await());
  CHECK_THAT(bench.told.back(), Catch::Contains("198.51.100.7:5000 still lives"));
}

TEST_CASE("a host that could not be reached before has nothing to lose") {
  Bench bench;
  bench.network.SetRoutes({});
  REQUIRE_OK(bench.Apply());
  REQUIRE_OK(bench.Await());
  CHECK_THAT(bench.told.back(), Catch::Contains("no way to other hosts"));
}

TEST_CASE("after a restart of the agent or of the machine the change is taken back") {
  for (const bool in_the_middle : {true, false}) {
    INFO((in_the_middle ? "while it was applied" : "while it waited"));
    Bench bench;
    if (in_the_middle) {
      bench.commands.On({"netplan", "apply"},
                        [&bench](const Command&) -> absl::StatusOr<CommandResult> {
                          bench.cancellation.Cancel();
                          return absl::CancelledError("the agent is stopped");
                        });
      CHECK_FALSE(bench.Apply().ok());
      bench.commands.OnOutput({"netplan", "apply"}, "");
    } else {
      REQUIRE_OK(bench.Apply());
    }
    CHECK_THAT(bench.Document(), Catch::Contains("dhcp4"));
    bench.live = bench.NewProcess();
    Cancellation fresh;
    const absl::Status status =
        in_the_middle ? bench.live->Apply("job-1", Yaml("{version: 2}"), kRecord, fresh)
                      : bench.live->AwaitConfirmation("job-1", kRecord,
                                                      {.confirmed = [] { return true; },
                                                       .tell = [](std::string_view) {},
                                                       .cancellation = fresh});
    REQUIRE_ERROR(status, absl::StatusCode::kAborted, "agent was stopped");
    REQUIRE_OK(bench.live->Undo(kRecord));
    CHECK(bench.Document() == kOld);
  }
}

TEST_CASE("a change that was accepted before the restart stays") {
  Bench bench;
  REQUIRE_OK(bench.Apply());
  REQUIRE_OK(bench.Await());
  bench.live = bench.NewProcess();
  REQUIRE_OK(bench.Await());
  REQUIRE_OK(bench.live->Undo(kRecord));
  CHECK_THAT(bench.Document(), Catch::Contains("dhcp4: true"));
}

TEST_CASE("running the change twice is the same as once, and keeps the way back") {
  Bench bench;
  REQUIRE_OK(bench.Apply());
  REQUIRE_OK(bench.Apply());
  REQUIRE_OK(bench.live->Undo(kRecord));
  CHECK(bench.Document() == kOld);
}

TEST_CASE("a host without a document gets one, and loses it again") {
  Bench bench;
  REQUIRE_OK(bench.files.Remove(kNetplanPath));
  REQUIRE_OK(bench.Apply());
  CHECK_THAT(bench.Document(), Catch::Contains("dhcp4"));
  REQUIRE_OK(bench.live->Undo(kRecord));
  CHECK(bench.Document() == "(none)");
}

TEST_CASE("a network that is not wanted any more is removed, and comes back") {
  Bench bench;
  REQUIRE_OK(bench.live->Apply("job-1", std::nullopt, kRecord, bench.cancellation));
  CHECK(bench.Document() == "(none)");
  REQUIRE_OK(bench.live->Undo(kRecord));
  CHECK(bench.Document() == kOld);
}

TEST_CASE("what netplan refuses is quoted, and taken back") {
  Bench bench;
  CommandResult refusal;
  refusal.exit_status = 1;
  refusal.error_output = "99-trident.yaml:4:3: unknown key 'x'\n";
  bench.commands.On({"netplan", "apply"}, refusal);
  REQUIRE_ERROR(bench.Apply(), absl::StatusCode::kFailedPrecondition, "unknown key 'x'");
  bench.commands.OnOutput({"netplan", "apply"}, "");
  REQUIRE_OK(bench.live->Undo(kRecord));
  CHECK(bench.Document() == kOld);
}

TEST_CASE("a way back that fails keeps its record, and the next change goes back first") {
  Bench bench;
  REQUIRE_OK(bench.Apply());
  CommandResult failure;
  failure.exit_status = 1;
  failure.error_output = "networkd is gone";
  bench.commands.On({"netplan", "apply"}, failure);
  REQUIRE_ERROR(bench.live->Undo(kRecord), absl::StatusCode::kFailedPrecondition,
                "networkd is gone");
  CHECK(bench.files.Exists(kRecord));
  bench.commands.OnOutput({"netplan", "apply"}, "");
  REQUIRE_OK(bench.Apply("job-2"));
  REQUIRE_OK(bench.live->Undo(kRecord));
  CHECK(bench.Document() == kOld);
}

TEST_CASE("without netplan nothing is touched") {
  Bench bench;
  REQUIRE_OK(bench.files.Remove(kNetplanProgram));
  REQUIRE_ERROR(bench.Apply(), absl::StatusCode::kFailedPrecondition, "no netplan");
  CHECK(bench.Document() == kOld);
  CHECK_FALSE(bench.files.Exists(kRecord));
}

TEST_CASE("a record that cannot be read is told, not guessed at") {
  Bench bench;
  bench.files.SetFile(kRecord, "{}");
  REQUIRE_ERROR(bench.live->Undo(kRecord), absl::StatusCode::kDataLoss, kRecord);
}

TEST_CASE("waiting ends at once when the job is given up or the agent stops") {
  Bench bench;
  REQUIRE_OK(bench.Apply());
  bench.cancellation.Cancel();
  REQUIRE_ERROR(bench.Await(), absl::StatusCode::kCancelled, "cancelled");
  CHECK(bench.files.Exists(kRecord));
}

}  // namespace trident
