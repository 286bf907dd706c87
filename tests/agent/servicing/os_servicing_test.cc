// The operating system through installation, A/B update and live changes, in a machine in memory.
#include <algorithm>

#include "agent/servicing/host_servicer.h"
#include "common/base/error.h"
#include "common/config/document.h"
#include "tests/agent/servicing/fake_world.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using Catch::Matchers::Contains;
using test::FakeWorld;

constexpr char kNewRoot[] = "/run/trident/newroot";
constexpr char kUndo[] = "/var/lib/trident/undo";

Script Site(const char* name) {
  Script script;
  script.name = name;
  script.servicing_type = {ScriptServicing::kAll};
  script.content = "true";
  return script;
}

HostConfiguration DocumentWithOs(FakeWorld& world, int version) {
  HostConfiguration document = world.Document(version);
  OsConfig& os = document.osconfig;
  os.hostname = "node-1";
  os.services.enable = {"site"};
  os.kernel_command_line.extra_command_line = {"quiet"};
  os.additional_files.push_back({"/etc/site/site.conf", "a\n", std::nullopt, "0640"});
  os.preserve = {"/etc/site.key"};
  return document;
}

std::string ReadOn(FakeWorld& world, const BlockDeviceId& partition, const std::string& path) {
  const PartitionStatus* status = FindPartition(world.recorded.status, partition);
  return world.mounts.GetFrom(status->path, path).value_or("(no file)");
}

Plan PlanOf(FakeWorld& world, Servicer& servicer, const HostConfiguration& document) {
  const auto plan = servicer.MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  return *plan;
}

void Run(FakeWorld& world, Servicer& servicer, const HostConfiguration& document, const Plan& plan,
         std::initializer_list<Phase> phases, int times = 1) {
  for (const Phase phase : phases) {
    REQUIRE_OK(world.RunPhase(servicer, document, plan, phase, times));
  }
}

// A host that was installed with the document and runs from volume A.
void InstallAndBoot(FakeWorld& world, Servicer& servicer, const HostConfiguration& document) {
  const Plan plan = PlanOf(world, servicer, document);
  Run(world, servicer, document, plan, {Phase::kStage, Phase::kFinalize, Phase::kLeave});
  world.Boot(document);
  Run(world, servicer, document, plan, {Phase::kCommit});
  world.recorded.configuration = document;
}

// The running system's own files, as far as live changes touch them.
void SetUpRunningSystem(FakeWorld& world) {
  world.files.SetFile("/etc/hostname", "node-1\n");
  world.files.SetFile("/etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\tnode-1\n");
  world.files.SetFile("/proc/sys/kernel/hostname", "node-1\n");
  world.files.SetFile("/etc/trident/config.yaml", "old\n", 0600);
  world.files.SetFile("/etc/site/site.conf", "a\n", 0640);
  world.files.SetFile(
      "/boot/grub/grub.cfg",
      "menuentry 'Debian' {\n  linux /boot/vmlinuz root=PARTUUID=x ro trident.extra=1 quiet\n}\n");
  world.commands.OnOutput({"hostname"}, "");
  world.commands.OnOutput({"systemctl"}, "");
}

}  // namespace

TEST_CASE("an installation configures the new root and runs the scripts in their places") {
  for (const int times : {1, 2}) {
    INFO("each step runs " << times << " times");
    FakeWorld world;
    const auto servicer = world.MakeServicer();
    HostConfiguration document = DocumentWithOs(world, 1);
    document.scripts.pre_servicing = {Site("pre")};
    document.scripts.post_provision = {Site("provision")};
    document.scripts.post_configure = {Site("configure")};
    std::vector<std::string> ran;
    world.commands.On({"/bin/sh"}, [&](const Command& command) {
      const bool has_root = world.files.Exists(std::string(kNewRoot) + "/boot/vmlinuz");
      ran.push_back(command.argv[1].substr(command.argv[1].rfind('.') + 1) +
                    " root=" + command.root + " target=" + command.environment.at("TARGET_ROOT") +
                    " " + command.environment.at("SERVICING_TYPE") + (has_root ? " mounted" : ""));
      CommandResult result;
      result.output = "said\n";
      return result;
    });
    const Plan plan = PlanOf(world, *servicer, document);
    Run(world, *servicer, document, plan, {Phase::kStage}, times);
    if (times == 1) {
      CHECK(ran ==
            std::vector<std::string>{
                "preServicing[0] root= target=/ clean-install",
                "postProvision[0] root= target=/run/trident/newroot clean-install mounted",
                "postConfigure[0] root=/run/trident/newroot target=/ clean-install mounted"});
    }
    CHECK(std::count(world.infos.begin(), world.infos.end(), "configure: said") == times);
    CHECK(ReadOn(world, "root-a", "/etc/hostname") == "node-1\n");
    CHECK(ReadOn(world, "root-a", "/etc/site/site.conf") == "a\n");
    CHECK_THAT(ReadOn(world, "root-a", "/boot/grub/grub.cfg"),
               Contains(" panic=5 trident.extra=1 quiet\n"));
    const std::vector<std::string> lines = world.commands.command_lines();
    CHECK(std::count(lines.begin(), lines.end(),
                     "systemctl --no-ask-password --root=/run/trident/newroot enable site") ==
          times);
    CHECK(world.recorded.status.os == OsStatus());
  }
}

TEST_CASE("a script that fails, fails the staging, and nothing is pointed at the target") {
  FakeWorld world;
  const auto servicer = world.MakeServicer();
  HostConfiguration document = world.Document(1);
  document.scripts.post_configure = {Site("configure")};
  world.commands.On({"/bin/sh"}, CommandResult{7, "no licence\n", ""});
  const Plan plan = PlanOf(world, *servicer, document);
  REQUIRE_ERROR(world.RunPhase(*servicer, document, plan, Phase::kStage),
                absl::StatusCode::kInternal,
                "the script 'configure' (scripts.postConfigure[0]) ended with exit status 7; its "
                "last lines: no licence");
  CHECK(world.firmware.writes().empty());
}

TEST_CASE("an update carries over what the host keeps, and tells where the image had it, too") {
  for (const int times : {1, 2}) {
    INFO("each step runs " << times << " times");
    FakeWorld world;
    const auto servicer = world.MakeServicer();
    InstallAndBoot(world, *servicer, DocumentWithOs(world, 1));
    world.files.SetFile("/etc/machine-id", "0123\n", 0444);
    world.files.SetFile("/etc/ssh/ssh_host_ed25519_key", "host key", 0600);
    world.files.SetFile("/etc/site.key", "ours", 0600);
    world.files.SetFile("/var/lib/systemd/random-seed", "seed", 0600);
    world.recorded.status.os.unlisted_users = {"of the old root"};
    world.image_files["/etc/site.key"] = "the image's";
    const HostConfiguration next = DocumentWithOs(world, 2);
    const Plan plan = PlanOf(world, *servicer, next);
    Run(world, *servicer, next, plan, {Phase::kStage}, times);
    CHECK(ReadOn(world, "root-b", "/etc/machine-id") == "0123\n");
    CHECK(ReadOn(world, "root-b", "/etc/ssh/ssh_host_ed25519_key") == "host key");
    CHECK(ReadOn(world, "root-b", "/var/lib/systemd/random-seed") == "seed");
    CHECK(ReadOn(world, "root-b", "/etc/site.key") == "ours");
    CHECK(world.recorded.status.os.preserve_conflicts == std::vector<std::string>{"/etc/site.key"});
    CHECK_FALSE(world.recorded.status.os.preserved_by.empty());
    Run(world, *servicer, next, plan, {Phase::kFinalize, Phase::kLeave, Phase::kCommit});
    CHECK(world.recorded.status.os.unlisted_users.empty());
  }
}

TEST_CASE("a live change is applied, accepted, and what is left over is told") {
  FakeWorld world;
  const auto servicer = world.MakeServicer();
  InstallAndBoot(world, *servicer, DocumentWithOs(world, 1));
  SetUpRunningSystem(world);
  HostConfiguration next = *world.recorded.configuration;
  next.osconfig.hostname = "node-2";
  next.osconfig.additional_files[0].destination = "/etc/site/other.conf";
  const Plan plan = PlanOf(world, *servicer, next);
  CHECK(plan.kind == ServicingKind::kNormalUpdate);
  Run(world, *servicer, next, plan, {Phase::kStage, Phase::kFinalize}, 2);
  CHECK(world.files.Get("/etc/hostname") == "node-2\n");
  CHECK(world.files.Get("/etc/site/other.conf") == "a\n");
  CHECK(world.files.Exists(kUndo));
  REQUIRE_OK(servicer->CheckHealth(next, plan, world.recorded.status, Cancellation()));
  Run(world, *servicer, next, plan, {Phase::kCommit}, 2);
  CHECK_THAT(*world.files.Get("/etc/trident/config.yaml"), Contains("node-2"));
  CHECK_FALSE(world.files.Exists(kUndo));
  CHECK(world.recorded.status.os.unlisted_files == std::vector<std::string>{"/etc/site/site.conf"});
  CHECK(world.machine.reboots() == 1);
}

TEST_CASE("an address for phonehome that a document named goes when it stops to name it") {
  const std::string config = "/etc/trident/config.yaml";
  FakeWorld world;
  const auto servicer = world.MakeServicer();
  InstallAndBoot(world, *servicer, DocumentWithOs(world, 1));
  SetUpRunningSystem(world);
  world.files.SetFile(config, "phonehome: http://192.0.2.1/\n", 0600);
  const auto change_to = [&](const HostConfiguration& next) {
    const Plan plan = PlanOf(world, *servicer, next);
    Run(world, *servicer, next, plan, {Phase::kStage, Phase::kFinalize, Phase::kCommit}, 2);
    world.recorded.configuration = next;
    const auto written = ParseAgentConfiguration(*world.files.Get(config));
    REQUIRE_OK(written);
    return written->phonehome.value_or("none");
  };
  HostConfiguration next = *world.recorded.configuration;
  next.osconfig.hostname = "node-2";
  CHECK(change_to(next) == "http://192.0.2.1/");
  next.management.phonehome = "http://192.0.2.2/";
  CHECK(change_to(next) == "http://192.0.2.2/");
  next.management.phonehome.reset();
  CHECK(change_to(next) == "none");
  next.osconfig.hostname = "node-3";
  CHECK(change_to(next) == "none");
}

constexpr char kStore[] = "/var/lib/trident/datastore.sqlite";
constexpr char kNewStore[] = "/home/agent/x.sqlite";

TEST_CASE("the store moves to another path when a live change is accepted, and not before") {
  FakeWorld world;
  const auto servicer = world.MakeServicer();
  InstallAndBoot(world, *servicer, DocumentWithOs(world, 1));
  SetUpRunningSystem(world);
  world.files.SetFile(kStore, "store", 0600);
  const std::vector<std::string> files = world.files.AllFiles();
  HostConfiguration next = *world.recorded.configuration;
  next.management.datastore_path = kNewStore;
  const Plan plan = PlanOf(world, *servicer, next);
  CHECK(plan.kind == ServicingKind::kHotPatch);
  Run(world, *servicer, next, plan, {Phase::kStage, Phase::kFinalize}, 2);
  CHECK(world.files.ReadLink(kNewStore).value() == kStore);
  CHECK_THAT(*world.files.Get("/etc/trident/config.yaml"), Contains(kNewStore));
  CHECK(world.store_moves.empty());
  world.warnings.clear();  // of the installation

  SECTION("accepted") {
    Run(world, *servicer, next, plan, {Phase::kCommit});
    CHECK(world.store_moves == std::vector<std::string>{kNewStore});
    CHECK(world.recorded.status.management.datastore_path == kNewStore);
    CHECK(world.warnings.empty());
  }
  SECTION("accepted, but it cannot move: it is where it was, and the change stays") {
    world.store_move = absl::ResourceExhaustedError("no room");
    Run(world, *servicer, next, plan, {Phase::kCommit});
    REQUIRE(world.warnings.size() == 1);
    CHECK_THAT(world.warnings[0], Contains("/home/agent/x.sqlite is a link to it: no room"));
  }
  SECTION("taken back") {
    bool needs_reboot = true;
    REQUIRE_OK(servicer->RollBack(next, plan, world.recorded.status, needs_reboot));
    CHECK(world.files.AllFiles() == files);
    CHECK(world.store_moves.empty());
  }
}

TEST_CASE("an update to another datastore path leaves a link for the new system's agent") {
  FakeWorld world;
  const auto servicer = world.MakeServicer();
  InstallAndBoot(world, *servicer, DocumentWithOs(world, 1));
  world.files.SetFile(kStore, "store", 0600);
  HostConfiguration next = DocumentWithOs(world, 2);
  next.management.datastore_path = kNewStore;
  const Plan plan = PlanOf(world, *servicer, next);
  Run(world, *servicer, next, plan, {Phase::kStage}, 2);
  CHECK(world.files.ReadLink(kNewStore).value() == kStore);
  CHECK_THAT(ReadOn(world, "root-b", "/etc/trident/config.yaml"), Contains(kNewStore));
  Run(world, *servicer, next, plan, {Phase::kFinalize, Phase::kLeave});
  CHECK(world.store_moves.empty());
  world.Boot(next);
  Run(world, *servicer, next, plan, {Phase::kCommit});
  CHECK(world.store_moves == std::vector<std::string>{kNewStore});
}

TEST_CASE("a store does not move over another file, nor to where nothing is mounted") {
  FakeWorld world;
  const auto servicer = world.MakeServicer();
  InstallAndBoot(world, *servicer, DocumentWithOs(world, 1));
  SetUpRunningSystem(world);
  world.files.SetFile(kStore, "store", 0600);
  HostConfiguration next = *world.recorded.configuration;
  next.management.datastore_path = kNewStore;
  SECTION("a file") {
    world.files.SetFile(kNewStore, "somebody's", 0600);
    REQUIRE_ERROR(servicer->MakePlan(next, world.recorded, false, Cancellation()),
                  absl::StatusCode::kFailedPrecondition,
                  "the datastore cannot move to /home/agent/x.sqlite: a file is there");
  }
  SECTION("a file that came after the plan") {
    const Plan plan = PlanOf(world, *servicer, next);
    world.files.SetFile(kNewStore, "somebody's", 0600);
    REQUIRE_ERROR(world.RunPhase(*servicer, next, plan, Phase::kFinalize),
                  absl::StatusCode::kFailedPrecondition, "a file is there");
    CHECK(world.files.Get(kNewStore) == "somebody's");
  }
  SECTION("a link to the store, left by an update that fell back") {
    world.files.SetLink(kNewStore, kStore);
    REQUIRE_OK(servicer->MakePlan(next, world.recorded, false, Cancellation()));
  }
  SECTION("a mount point without its file system") {
    REQUIRE_OK(world.mounts.Unmount("/home"));
    REQUIRE_ERROR(servicer->MakePlan(next, world.recorded, false, Cancellation()),
                  absl::StatusCode::kFailedPrecondition, "nothing is mounted at /home");
  }
}

TEST_CASE("a live change that fails is undone, also by an agent that was started anew") {
  for (const bool is_restarted : {false, true}) {
    INFO((is_restarted ? "restarted" : "the same agent"));
    FakeWorld world;
    auto servicer = world.MakeServicer();
    InstallAndBoot(world, *servicer, DocumentWithOs(world, 1));
    SetUpRunningSystem(world);
    const std::vector<std::string> files = world.files.AllFiles();
    HostConfiguration next = *world.recorded.configuration;
    next.osconfig.hostname = "node-2";
    next.osconfig.additional_files[0].content = "b\n";
    next.osconfig.additional_files.push_back({"/srv/new/file", "c\n", std::nullopt, std::nullopt});
    next.scripts.post_configure = {Site("check")};
    world.commands.On({"/bin/sh"}, CommandResult{1, "not well\n", ""});
    const Plan plan = PlanOf(world, *servicer, next);
    REQUIRE_ERROR(world.RunPhase(*servicer, next, plan, Phase::kFinalize),
                  absl::StatusCode::kInternal, "not well");
    CHECK(world.files.Get("/etc/hostname") == "node-2\n");
    if (is_restarted) servicer = world.MakeServicer();
    bool needs_reboot = true;
    REQUIRE_OK(servicer->RollBack(next, plan, world.recorded.status, needs_reboot));
    CHECK_FALSE(needs_reboot);
    CHECK(world.files.Get("/etc/hostname") == "node-1\n");
    CHECK(world.files.Get("/etc/site/site.conf") == "a\n");
    CHECK(world.files.ModeOf("/etc/site/site.conf") == 0640);
    CHECK(world.files.Get("/etc/trident/config.yaml") == "old\n");
    CHECK(world.files.AllFiles() == files);
    CHECK(world.commands.command_lines().back() == "hostname node-1");
  }
}

TEST_CASE("new kernel options are tried by one start and kept when it is well") {
  FakeWorld world;
  const auto servicer = world.MakeServicer();
  InstallAndBoot(world, *servicer, DocumentWithOs(world, 1));
  SetUpRunningSystem(world);
  HostConfiguration next = *world.recorded.configuration;
  next.osconfig.kernel_command_line.extra_command_line = {"panic=9", "audit=0"};
  const Plan plan = PlanOf(world, *servicer, next);
  CHECK(plan.kind == ServicingKind::kUpdateAndReboot);
  const std::string config = "/boot/grub/grub.cfg";
  const std::string copy = config + ".trident-trial";
  const std::string before = *world.files.Get(config);
  Run(world, *servicer, next, plan, {Phase::kFinalize}, 2);
  // What starts if the trial does not is as it was.
  CHECK_THAT(*world.files.Get(config), Catch::EndsWith(before));
  CHECK_THAT(*world.files.Get(copy), Contains("ro trident.extra=2 panic=9 audit=0\n"));
  Run(world, *servicer, next, plan, {Phase::kLeave});
  CHECK(world.machine.reboots() == 2);
  world.clock.Restart("boot-2");
  bool needs_reboot = false;

  SECTION("it is accepted") {
    world.machine.SetKernelCommandLine("root=x ro trident.extra=2 panic=9 audit=0");
    const auto found = servicer->InspectBoot(next, plan, world.recorded.status);
    REQUIRE_OK(found);
    CHECK(found->target_booted);
    CHECK_FALSE(found->lacks_options);
    Run(world, *servicer, next, plan, {Phase::kCommit});
    CHECK_THAT(*world.files.Get(config), Contains("ro trident.extra=2 panic=9 audit=0\n"));
    CHECK_THAT(*world.files.Get(config), !Contains("trident-trial"));
    CHECK_FALSE(world.files.Exists(copy));
    CHECK_FALSE(world.files.Exists(kUndo));
  }
  SECTION("it is not well: the files are the old ones, and it takes a boot to go back") {
    world.machine.SetKernelCommandLine("root=x ro trident.extra=2 panic=9 audit=0");
    REQUIRE_OK(servicer->RollBack(next, plan, world.recorded.status, needs_reboot));
    CHECK(needs_reboot);
    CHECK(world.files.Get(config) == before);
    CHECK_FALSE(world.files.Exists(copy));
    REQUIRE_OK(servicer->RollBack(next, plan, world.recorded.status, needs_reboot));
    CHECK_FALSE(needs_reboot);
  }
  SECTION("the kernel did not start with them: the host came up with the old ones") {
    world.machine.SetKernelCommandLine("root=x ro trident.extra=1 quiet");
    const auto found = servicer->InspectBoot(next, plan, world.recorded.status);
    REQUIRE_OK(found);
    CHECK(found->target_booted);
    CHECK(found->lacks_options);
    REQUIRE_OK(servicer->RollBack(next, plan, world.recorded.status, needs_reboot));
    // Nothing of the change was in effect in this boot.
    CHECK_FALSE(needs_reboot);
  }
  SECTION("the kernel did not start with them, but the boot has read another file of the change") {
    world.machine.SetKernelCommandLine("root=x ro trident.extra=1 quiet");
    HostConfiguration more = next;
    more.osconfig.additional_files.push_back(
        {"/etc/sysctl.d/x.conf", "a=1\n", std::nullopt, std::nullopt});
    world.clock.Restart("boot-1b");
    const Plan larger = PlanOf(world, *servicer, more);
    Run(world, *servicer, more, larger, {Phase::kFinalize});
    world.clock.Restart("boot-3");
    REQUIRE_OK(servicer->RollBack(more, larger, world.recorded.status, needs_reboot));
    CHECK(needs_reboot);
    CHECK_FALSE(world.files.Exists("/etc/sysctl.d/x.conf"));
    CHECK(world.files.Get(config) == before);
    CHECK_FALSE(world.files.Exists(copy));
  }
}

}  // namespace trident
