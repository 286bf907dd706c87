// The network from the plan to its commit or its way back, on a machine in memory.
#include <algorithm>
#include <string>

#include "agent/network/netplan.h"
#include "common/base/yaml_document.h"
#include "tests/agent/servicing/fake_world.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using test::FakeWorld;

YamlValue Network(const std::string& setting) {
  return ToYamlValue(*LoadYaml("{version: 2, ethernets: {eth0: {" + setting + "}}}").root);
}

std::string Netplan(const FakeWorld& world) {
  return world.files.Get(kNetplanPath).value_or("(none)");
}

// The images have netplan, as their roots show when they are mounted.
void AddNetplanToImages(FakeWorld& world) {
  world.commands.OnOutput({"netplan"}, "");
  world.commands.On({"netplan", "generate"}, [&world](const Command& command) {
    // Nothing is asked before the document is there.
    CommandResult result;
    result.exit_status = world.files.Exists(command.root + kNetplanPath) ? 0 : 1;
    return result;
  });
}

// A host that was installed with a network, and runs.
HostConfiguration Installed(FakeWorld& world, Servicer& servicer) {
  AddNetplanToImages(world);
  world.files.SetFile(kNetplanProgram, "netplan");
  HostConfiguration document = world.Document(1);
  const auto plan = servicer.MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  for (const Phase phase : {Phase::kStage, Phase::kFinalize, Phase::kLeave}) {
    REQUIRE_OK(world.RunPhase(servicer, document, *plan, phase));
  }
  world.Boot(document);
  REQUIRE_OK(world.RunPhase(servicer, document, *plan, Phase::kCommit));
  document.network = Network("dhcp4: true");
  REQUIRE_OK(WriteNetplan(world.files, "/", *document.network));
  world.recorded.configuration = document;
  REQUIRE_OK(servicer.Refresh(world.recorded, world.recorded.status));
  return document;
}

}  // namespace

TEST_CASE("an image without netplan is refused when it is mounted, and nothing is pointed at it") {
  FakeWorld world;
  const auto servicer = world.MakeServicer();
  HostConfiguration document = world.Document(1);
  document.network = Network("dhcp4: true");
  const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  const absl::Status status = world.RunPhase(*servicer, document, *plan, Phase::kStage);
  REQUIRE_ERROR(status, absl::StatusCode::kFailedPrecondition, "has no netplan");
  CHECK_THAT(GetErrorDetail(status).remedy, Catch::Contains("netplan.io"));
  CHECK(world.firmware.writes().empty());
}

TEST_CASE("the new root gets its network, which its own netplan has read") {
  for (const int times : {1, 2}) {
    FakeWorld world;
    AddNetplanToImages(world);
    world.image_files[kNetplanProgram] = "netplan";
    const auto servicer = world.MakeServicer();
    HostConfiguration document = world.Document(1);
    document.network = Network("dhcp4: true");
    const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
    REQUIRE_OK(plan);
    REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kStage, times));
    const std::string root = FindPartition(world.recorded.status, "root-a")->path;
    CHECK_THAT(world.mounts.GetFrom(root, kNetplanPath).value_or("(none)"),
               Catch::Contains("dhcp4: true"));
    const auto commands = world.commands.commands();
    CHECK(std::count_if(commands.begin(), commands.end(), [](const Command& command) {
            return command.argv == std::vector<std::string>{"netplan", "generate"} &&
                   command.root == kDefaultNewRootPath;
          }) == times);
  }
}

TEST_CASE(
    "a live change is kept when the host stays reachable, whether its steps run once or twice") {
  for (const int times : {1, 2}) {
    FakeWorld world;
    const auto servicer = world.MakeServicer();
    HostConfiguration document = Installed(world, *servicer);
    document.network = Network("dhcp4: true, mtu: 1400");
    const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
    REQUIRE_OK(plan);
    REQUIRE(plan->kind == ServicingKind::kNormalUpdate);
    REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kStage, times));
    REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kFinalize, times));
    REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kCommit, times));
    CHECK_THAT(Netplan(world), Catch::Contains("mtu: 1400"));
    CHECK_THAT(world.files.Get("/etc/trident/config.yaml").value_or(""),
               Catch::Contains("mtu: 1400"));
    bool needs_reboot = true;
    REQUIRE_OK(servicer->RollBack(document, *plan, world.recorded.status, needs_reboot));
    CHECK_THAT(Netplan(world), Catch::Contains("mtu: 1400"));
  }
}

TEST_CASE("a live change that cuts the host off is taken back, and one that is confirmed is not") {
  for (const bool confirmed : {false, true}) {
    INFO((confirmed ? "confirmed" : "not confirmed"));
    FakeWorld world;
    const auto servicer = world.MakeServicer();
    HostConfiguration document = Installed(world, *servicer);
    document.network = Network("dhcp4: false");
    const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
    REQUIRE_OK(plan);
    REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kFinalize));
    world.network.SetRoutes({});
    world.confirmed = confirmed;
    const absl::Status status = world.RunPhase(*servicer, document, *plan, Phase::kCommit);
    if (confirmed) {
      REQUIRE_OK(status);
      CHECK_THAT(Netplan(world), Catch::Contains("dhcp4: false"));
      continue;
    }
    REQUIRE_ERROR(status, absl::StatusCode::kDeadlineExceeded, "no default route");
    bool needs_reboot = true;
    REQUIRE_OK(servicer->RollBack(document, *plan, world.recorded.status, needs_reboot));
    CHECK_FALSE(needs_reboot);
    CHECK_THAT(Netplan(world), Catch::Contains("dhcp4: true"));
    CHECK_THAT(world.files.Get("/etc/trident/config.yaml").value_or(""),
               !Catch::Contains("dhcp4: false"));
    CHECK(world.commands.command_lines().back() == "netplan apply");
  }
}

TEST_CASE("an agent that was restarted meanwhile takes the change back") {
  FakeWorld world;
  auto servicer = world.MakeServicer();
  HostConfiguration document = Installed(world, *servicer);
  document.network = Network("dhcp4: false");
  const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kFinalize));
  servicer = world.MakeServicer();
  REQUIRE_ERROR(world.RunPhase(*servicer, document, *plan, Phase::kCommit),
                absl::StatusCode::kAborted, "agent was stopped");
  bool needs_reboot = true;
  REQUIRE_OK(servicer->RollBack(document, *plan, world.recorded.status, needs_reboot));
  CHECK_THAT(Netplan(world), Catch::Contains("dhcp4: true"));
}

}  // namespace trident
