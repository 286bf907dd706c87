#include "agent/servicing/host_servicer.h"

#include "agent/boot/boot_entries.h"
#include "tests/agent/servicing/fake_world.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using test::FakeWorld;

// Installs version 1 and starts it; the world is then a running host on volume A.
Plan Install(FakeWorld& world, Servicer& servicer, const HostConfiguration& document, int times) {
  const auto plan = servicer.MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  for (const Phase phase : {Phase::kStage, Phase::kFinalize, Phase::kLeave}) {
    REQUIRE_OK(world.RunPhase(servicer, document, *plan, phase, times));
  }
  return *plan;
}

std::string ReadOn(FakeWorld& world, const BlockDeviceId& partition, const std::string& path) {
  const PartitionStatus* status = FindPartition(world.recorded.status, partition);
  return world.mounts.GetFrom(status->path, path).value_or("(no file)");
}

}  // namespace

TEST_CASE("an installation leaves a disk that starts volume A, whether steps run once or twice") {
  for (const int times : {1, 2}) {
    INFO("each step runs " << times << " times");
    FakeWorld world;
    const auto servicer = world.MakeServicer();
    const HostConfiguration document = world.Document(1);
    const Plan plan = Install(world, *servicer, document, times);
    CHECK(world.machine.reboots() == times);
    CHECK(world.stores_copied == times);
    CHECK(world.target_range == StoreRange{1, 1});
    CHECK(world.mounts.List()->empty());

    CHECK(ReadOn(world, "trident", "/datastore.sqlite") == "store");
    const std::string root_uuid = FindPartition(world.recorded.status, "root-a")->uuid;
    const std::string grub = ReadOn(world, "root-a", "/boot/grub/grub.cfg");
    CHECK_THAT(grub, Catch::Contains("root=PARTUUID=" + root_uuid));
    CHECK_THAT(grub, !Catch::Contains("11111111-2222"));
    CHECK_THAT(ReadOn(world, "esp-a", "/EFI/BOOT/grub.cfg"), !Catch::Contains("11111111-2222"));
    CHECK_THAT(ReadOn(world, "root-a", "/etc/fstab"),
               Catch::Contains("PARTUUID=" + root_uuid + " / ext4"));
    CHECK_THAT(ReadOn(world, "root-a", "/etc/trident/config.yaml"),
               Catch::Contains("datastore: /var/lib/trident/datastore.sqlite"));
    CHECK(FindPartition(world.recorded.status, "root-a")->contents.kind == Contents::Kind::kImage);

    CHECK(world.Boot(document) == BootEntryLabel(Volume::kA));
    const auto found = servicer->InspectBoot(document, plan, world.recorded.status);
    REQUIRE_OK(found);
    CHECK(found->target_booted);
    CHECK(found->booted == "volume-a");
    REQUIRE_OK(world.RunPhase(*servicer, document, plan, Phase::kCommit, times));
    CHECK(world.recorded.status.storage.ab_update->active_volume == Volume::kA);
  }
}

TEST_CASE("an update starts volume B once; uncommitted it falls back, committed it stays") {
  for (const bool good : {true, false}) {
    INFO((good ? "good" : "broken") << " version 2");
    FakeWorld world;
    const auto servicer = world.MakeServicer();
    const HostConfiguration first = world.Document(1);
    const Plan install = Install(world, *servicer, first, 1);
    world.Boot(first);
    REQUIRE_OK(world.RunPhase(*servicer, first, install, Phase::kCommit));
    world.recorded.configuration = first;

    const HostConfiguration second = world.Document(2);
    const uint64_t active_writes =
        world.devices.BytesWritten(FindPartition(world.recorded.status, "root-a")->path);
    const auto plan = servicer->MakePlan(second, world.recorded, false, Cancellation());
    REQUIRE_OK(plan);
    CHECK(plan->kind == ServicingKind::kAbUpdate);
    for (const Phase phase : {Phase::kStage, Phase::kFinalize, Phase::kLeave}) {
      REQUIRE_OK(world.RunPhase(*servicer, second, *plan, phase));
    }
    CHECK(world.stores_copied == 1);
    CHECK(world.devices.BytesWritten(FindPartition(world.recorded.status, "root-a")->path) ==
          active_writes);
    const auto uuid_on = [&](const char* id) {
      return world.devices.Probe(FindPartition(world.recorded.status, id)->path)->uuid;
    };
    CHECK(uuid_on("root-a") != uuid_on("root-b"));

    if (good) {
      CHECK(world.firmware.Restart().has_value());
      const PartitionStatus* root = FindPartition(world.recorded.status, "root-b");
      world.machine.SetRootDevice(world.devices.Resolve(root->path));
      const auto found = servicer->InspectBoot(second, *plan, world.recorded.status);
      REQUIRE_OK(found);
      CHECK(found->target_booted);
      REQUIRE_OK(world.RunPhase(*servicer, second, *plan, Phase::kCommit));
      CHECK(world.recorded.status.storage.ab_update->active_volume == Volume::kB);
      CHECK(world.firmware.Find(*world.firmware.Restart())->label == BootEntryLabel(Volume::kB));
    } else {
      CHECK(world.firmware.Find(*world.firmware.Restart())->label == BootEntryLabel(Volume::kB));
      // It panicked: the firmware starts anew, without BootNext.
      CHECK(world.firmware.Find(*world.firmware.Restart())->label == BootEntryLabel(Volume::kA));
      const auto found = servicer->InspectBoot(second, *plan, world.recorded.status);
      REQUIRE_OK(found);
      CHECK_FALSE(found->target_booted);
      CHECK(found->booted == "volume-a");
      bool needs_reboot = true;
      REQUIRE_OK(servicer->RollBack(second, *plan, world.recorded.status, needs_reboot));
      CHECK_FALSE(needs_reboot);
    }
  }
}

TEST_CASE("a new system is healthy only with its target unit and all of its mounts") {
  FakeWorld world;
  const auto servicer = world.MakeServicer();
  const HostConfiguration document = world.Document(1);
  const Plan plan = Install(world, *servicer, document, 1);
  world.Boot(document);
  // The root itself is mounted by the kernel.
  const auto health = [&] {
    return servicer->CheckHealth(document, plan, world.recorded.status, Cancellation());
  };
  REQUIRE_ERROR(health(), absl::StatusCode::kFailedPrecondition, "/ is not mounted");
  const std::string message(health().message());
  CHECK_THAT(message, !Catch::Contains("/boot/efi"));
  REQUIRE_OK(world.mounts.Unmount("/home"));
  REQUIRE_ERROR(health(), absl::StatusCode::kFailedPrecondition, "/home is not mounted");
  world.machine.SetUnit("multi-user.target", absl::DeadlineExceededError("still activating"));
  REQUIRE_ERROR(health(), absl::StatusCode::kFailedPrecondition, "still activating");
}

TEST_CASE("staging fails when the image has no agent that would check the new system") {
  struct Case {
    const char* name;
    std::function<void(FakeWorld&)> break_it;
    const char* text;
  };
  const Case cases[] = {
      {"unit not enabled",
       [](FakeWorld& world) {
         world.commands.On(
             {"systemctl"},
             CommandResult{.exit_status = 1, .output = "disabled\n", .error_output = ""});
       },
       "not enabled"},
      {"agent does not run",
       [](FakeWorld& world) {
         world.commands.On(
             {"/usr/bin/tridentd", "store-range"},
             CommandResult{
                 .exit_status = 127, .output = "", .error_output = "libfoo.so: not found"});
       },
       "does not run"},
      {"agent of another kind",
       [](FakeWorld& world) {
         world.commands.OnOutput({"/usr/bin/tridentd", "store-range"}, "hello\n");
       },
       "does not say"},
  };
  for (const Case& test : cases) {
    INFO(test.name);
    FakeWorld world;
    test.break_it(world);
    const auto servicer = world.MakeServicer();
    const HostConfiguration document = world.Document(1);
    const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
    REQUIRE_OK(plan);
    REQUIRE_ERROR(world.RunPhase(*servicer, document, *plan, Phase::kStage),
                  absl::StatusCode::kFailedPrecondition, test.text);
    REQUIRE_OK(servicer->CleanUp(world.recorded));
    CHECK(world.mounts.List()->empty());
    CHECK(world.machine.reboots() == 0);
  }
}

TEST_CASE("a wrong hash leaves the target unknown and nothing pointed at it") {
  FakeWorld world;
  const auto servicer = world.MakeServicer();
  HostConfiguration document = world.Document(1);
  document.storage.images[1].sha256 = ImageHash::Of(std::string(64, '0'));
  const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  REQUIRE_ERROR(world.RunPhase(*servicer, document, *plan, Phase::kStage),
                absl::StatusCode::kDataLoss, "SHA-256");
  CHECK(FindPartition(world.recorded.status, "root-a")->contents.kind == Contents::Kind::kUnknown);
  CHECK(world.firmware.writes().empty());
}

TEST_CASE("what the medium did not keep is found by the read-back") {
  FakeWorld world;
  const auto servicer = world.MakeServicer();
  const HostConfiguration document = world.Document(1);
  const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  // esp-a is the first partition.
  world.devices.CorruptAt("/dev/vda1", 2000);
  REQUIRE_ERROR(world.RunPhase(*servicer, document, *plan, Phase::kStage),
                absl::StatusCode::kDataLoss, "esp-a");
  CHECK(FindPartition(world.recorded.status, "esp-a")->contents.kind == Contents::Kind::kUnknown);
}

TEST_CASE("a process that died between writing and reading back writes again") {
  FakeWorld world;
  const HostConfiguration document = world.Document(1);
  const auto plan = world.MakeServicer()->MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  Plan until_write = *plan;
  std::erase_if(until_write.steps, [&](const Step& step) {
    return step.kind != StepKind::kWritePartitionTable && step.kind != StepKind::kWriteImage;
  });
  REQUIRE_OK(world.RunPhase(*world.MakeServicer(), document, until_write, Phase::kStage));
  Plan rest = *plan;
  std::erase_if(rest.steps, [&](const Step& step) { return step.kind != StepKind::kVerifyImage; });
  const uint64_t before = world.devices.BytesWritten("/dev/vda1");
  CHECK(before > 0);
  REQUIRE_OK(world.RunPhase(*world.MakeServicer(), document, rest, Phase::kStage));
  CHECK(world.devices.BytesWritten("/dev/vda1") == 2 * before);
}

TEST_CASE("two volumes share one ESP: each has its own loader, and a broken update falls back") {
  for (const bool systemd_boot : {false, true}) {
    INFO((systemd_boot ? "systemd-boot" : "GRUB"));
    FakeWorld world;
    world.use_systemd_boot = systemd_boot;
    const auto servicer = world.MakeServicer();
    const HostConfiguration first = world.SharedEspDocument(1);
    const Plan install = Install(world, *servicer, first, 2);
    CHECK(world.Boot(first) == BootEntryLabel(Volume::kA));
    world.files.SetDirectory("/var/tmp");
    REQUIRE_OK(world.RunPhase(*servicer, first, install, Phase::kCommit));
    world.recorded.configuration = first;
    const std::string entry_a = ReadOn(world, "esp", "/loader/entries/trident-a.conf");
    const std::string stub_a = ReadOn(world, "esp", "/EFI/trident-a/grub.cfg");
    CHECK_THAT(systemd_boot ? entry_a : stub_a, !Catch::Contains("11111111-2222"));
    CHECK(ReadOn(world, "root-a", "/var/tmp/trident-esp.img") == "(no file)");

    const HostConfiguration second = world.SharedEspDocument(2);
    const auto plan = servicer->MakePlan(second, world.recorded, false, Cancellation());
    REQUIRE_OK(plan);
    CHECK(plan->kind == ServicingKind::kAbUpdate);
    for (const Phase phase : {Phase::kStage, Phase::kFinalize, Phase::kLeave}) {
      REQUIRE_OK(world.RunPhase(*servicer, second, *plan, phase, 2));
    }
    CHECK(ReadOn(world, "esp", "/loader/entries/trident-a.conf") == entry_a);
    CHECK(ReadOn(world, "esp", "/EFI/trident-a/grub.cfg") == stub_a);
    const std::string root_b = FindPartition(world.recorded.status, "root-b")->uuid;
    if (systemd_boot) {
      CHECK_THAT(ReadOn(world, "esp", "/loader/entries/trident-b.conf"),
                 Catch::Contains("root=PARTUUID=" + root_b));
    } else {
      CHECK_THAT(ReadOn(world, "root-b", "/boot/grub/grub.cfg"),
                 Catch::Contains("root=PARTUUID=" + root_b));
    }
    // Once B, then A again.
    CHECK(world.firmware.Find(*world.firmware.Restart())->loader.find("trident-b") !=
          std::string::npos);
    CHECK(world.firmware.StartLoaderEntry() == (systemd_boot ? "trident-b.conf" : ""));
    CHECK(world.firmware.Find(*world.firmware.Restart())->loader.find("trident-a") !=
          std::string::npos);
    CHECK(world.firmware.StartLoaderEntry() == (systemd_boot ? "trident-a.conf" : ""));

    // The same document once more is the same update; the first one is what runs.
    const auto again = servicer->MakePlan(first, world.recorded, false, Cancellation());
    REQUIRE_OK(again);
    CHECK(again->kind == ServicingKind::kNone);
  }
}

TEST_CASE("a target is started by kexec: its kernel is loaded and the firmware keeps its choice") {
  for (const bool systemd_boot : {false, true}) {
    INFO((systemd_boot ? "systemd-boot" : "GRUB"));
    FakeWorld world;
    world.use_systemd_boot = systemd_boot;
    const auto servicer = world.MakeServicer();
    HostConfiguration first = world.Document(1);
    const Plan install = Install(world, *servicer, first, 1);
    world.Boot(first);
    REQUIRE_OK(world.RunPhase(*servicer, first, install, Phase::kCommit));
    world.recorded.configuration = first;

    HostConfiguration second = world.Document(2);
    second.management.transition = Transition::kKexec;
    const auto plan = servicer->MakePlan(second, world.recorded, false, Cancellation());
    REQUIRE_OK(plan);
    for (const Phase phase : {Phase::kStage, Phase::kFinalize}) {
      REQUIRE_OK(world.RunPhase(*servicer, second, *plan, phase, 2));
    }
    const auto kernel = world.machine.loaded_kernel();
    REQUIRE(kernel.has_value());
    CHECK_THAT(kernel->kernel,
               Catch::EndsWith(systemd_boot ? "/boot/efi/debian/linux" : "/boot/vmlinuz"));
    REQUIRE(kernel->initrds.size() == 1);
    CHECK(kernel->command_line ==
          "root=PARTUUID=" + FindPartition(world.recorded.status, "root-b")->uuid + " ro panic=5");
    REQUIRE_OK(world.RunPhase(*servicer, second, *plan, Phase::kLeave));
    // A trial that fails ends in a reset: the firmware starts A.
    CHECK(world.firmware.Find(*world.firmware.Restart())->label == BootEntryLabel(Volume::kA));
  }
}

}  // namespace trident
