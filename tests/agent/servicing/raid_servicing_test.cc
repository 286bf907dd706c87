// RAID arrays from the plan to the commit, on a machine in memory.
#include "agent/boot/boot_entries.h"
#include "tests/agent/servicing/fake_world.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using test::FakeWorld;

std::vector<std::string> BootLabels(const FakeWorld& world) {
  const std::vector<uint16_t> order = world.firmware.Order().value();
  std::vector<std::string> labels;
  for (const uint16_t number : order) labels.push_back(world.firmware.Find(number)->label);
  return labels;
}

TEST_CASE("a host with mirrored ESP and root is installed, starts from either disk, is updated") {
  for (const int times : {1, 2}) {
    INFO("each step runs " << times << " times");
    FakeWorld world;
    world.devices.AddDisk("/dev/vdb", uint64_t{8} << 30);
    world.files.SetFile("/dev/vdb", "");
    const auto servicer = world.MakeServicer();
    const HostConfiguration document = world.MirroredDocument(1);
    const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
    REQUIRE_OK(plan);
    for (const Phase phase : {Phase::kStage, Phase::kFinalize, Phase::kLeave}) {
      REQUIRE_OK(world.RunPhase(*servicer, document, *plan, phase, times));
    }
    const RaidArrayStatus& root = world.recorded.status.storage.raid_arrays.at("md-root-a");
    CHECK(root.status == RaidArrayStatus::State::kReady);
    CHECK(root.contents.kind == Contents::Kind::kImage);
    CHECK_THAT(world.mounts.GetFrom(root.path, "/etc/mdadm/mdadm.conf").value_or(""),
               Catch::Contains("ARRAY /dev/md/root-b UUID="));
    CHECK_THAT(world.mounts.GetFrom(root.path, "/etc/fstab").value_or(""),
               Catch::Contains(root.path + " / ext4"));
    // An array has no PARTUUID: its kernel finds it by the file system that is its own.
    CHECK_THAT(world.mounts.GetFrom(root.path, "/boot/grub/grub.cfg").value_or(""),
               Catch::Contains("root=UUID=" + world.devices.Probe(root.path)->uuid));

    std::vector<std::string> labels = BootLabels(world);
    REQUIRE(labels.size() >= 2);
    CHECK(labels[0] == BootEntryLabel(Volume::kA));
    CHECK(labels[1] == BootCopyLabel(Volume::kA, 2));

    CHECK(world.Boot(document) == BootEntryLabel(Volume::kA));
    REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kCommit, times));
    world.recorded.configuration = document;
    REQUIRE_OK(servicer->Refresh(world.recorded, world.recorded.status));
    CHECK(world.recorded.status.storage.ab_update->active_volume == Volume::kA);

    const HostConfiguration next = world.MirroredDocument(2);
    const auto update = servicer->MakePlan(next, world.recorded, false, Cancellation());
    REQUIRE_OK(update);
    CHECK(update->kind == ServicingKind::kAbUpdate);
    for (const Step& step : update->steps) CHECK(step.kind != StepKind::kCreateArray);
    for (const Phase phase : {Phase::kStage, Phase::kFinalize, Phase::kLeave}) {
      REQUIRE_OK(world.RunPhase(*servicer, next, *update, phase, times));
    }
    CHECK(world.Boot(next) == BootEntryLabel(Volume::kB));
    REQUIRE_OK(world.RunPhase(*servicer, next, *update, Phase::kCommit, times));
    labels = BootLabels(world);
    REQUIRE(labels.size() >= 4);
    CHECK(std::vector<std::string>(labels.begin(), labels.begin() + 4) ==
          std::vector<std::string>{BootEntryLabel(Volume::kB), BootCopyLabel(Volume::kB, 2),
                                   BootEntryLabel(Volume::kA), BootCopyLabel(Volume::kA, 2)});
  }
}

TEST_CASE(
    "GRUB cannot try kernel options on a mirrored ESP: they are set at once, with a warning") {
  FakeWorld world;
  world.devices.AddDisk("/dev/vdb", uint64_t{8} << 30);
  world.files.SetFile("/dev/vdb", "");
  const auto servicer = world.MakeServicer();
  HostConfiguration document = world.MirroredDocument(1);
  const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  for (const Phase phase : {Phase::kStage, Phase::kFinalize, Phase::kLeave}) {
    REQUIRE_OK(world.RunPhase(*servicer, document, *plan, phase));
  }
  world.Boot(document);
  REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kCommit));
  world.recorded.configuration = document;
  REQUIRE_OK(servicer->Refresh(world.recorded, world.recorded.status));
  world.warnings.clear();
  const std::string config = "/boot/grub/grub.cfg";
  world.files.SetFile(config, "menuentry 'Debian' {\n  linux /boot/vmlinuz root=UUID=x ro\n}\n");

  document.osconfig.kernel_command_line.extra_command_line = {"audit=0"};
  const auto change = servicer->MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(change);
  REQUIRE_OK(world.RunPhase(*servicer, document, *change, Phase::kFinalize));
  CHECK_THAT(*world.files.Get(config), Catch::Contains("ro trident.extra=1 audit=0\n"));
  CHECK_FALSE(world.files.Exists(config + ".trident-trial"));
  REQUIRE(world.warnings.size() == 1);
  CHECK_THAT(world.warnings[0], Catch::Contains("nothing falls back by itself"));
}

TEST_CASE("an array that lost a member is degraded in the status, one that is gone has failed") {
  FakeWorld world;
  world.devices.AddDisk("/dev/vdb", uint64_t{8} << 30);
  const auto servicer = world.MakeServicer();
  const HostConfiguration document = world.MirroredDocument(1);
  const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kStage));
  auto& arrays = world.recorded.status.storage.raid_arrays;
  const std::string device = world.devices.Resolve(arrays.at("md-root-a").path);
  world.files.SetFile("/sys/block/" + device.substr(5) + "/md/degraded", "1\n");
  arrays.at("md-esp-b").path = "/dev/disk/by-id/md-uuid-gone";
  REQUIRE_OK(servicer->Refresh(world.recorded, world.recorded.status));
  CHECK(arrays.at("md-root-a").status == RaidArrayStatus::State::kDegraded);
  CHECK(arrays.at("md-root-b").status == RaidArrayStatus::State::kReady);
  CHECK(arrays.at("md-esp-b").status == RaidArrayStatus::State::kFailed);
}

// A mirrored host on volume A whose second disk is gone; a disk of `size` bytes stands in its
// place.
struct LostDisk {
  explicit LostDisk(uint64_t size = uint64_t{8} << 30) {
    world.devices.AddDisk("/dev/vdb", uint64_t{8} << 30);
    world.files.SetFile("/dev/vdb", "");
    const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
    REQUIRE_OK(plan);
    for (const Phase phase : {Phase::kStage, Phase::kFinalize, Phase::kLeave}) {
      REQUIRE_OK(world.RunPhase(*servicer, document, *plan, phase));
    }
    world.Boot(document);
    REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kCommit));
    world.recorded.configuration = document;
    // The kernel has dropped the members, and what follows /dev/vdb is another disk.
    const auto arrays = world.devices.Arrays();
    REQUIRE_OK(arrays);
    for (const ObservedArray& array : *arrays) {
      for (const ArrayMember& member : array.members) {
        if (member.disk == "/dev/vdb") world.devices.DropMember(array.path, member.path);
      }
      world.files.SetFile("/sys/block/" + array.path.substr(5) + "/md/degraded", "1\n");
    }
    world.devices.RemoveDisk("/dev/vdb");
    world.devices.AddDisk("/dev/vdb", size);
    REQUIRE_OK(servicer->Refresh(world.recorded, world.recorded.status));
  }

  FakeWorld world;
  std::unique_ptr<Servicer> servicer = world.MakeServicer();
  HostConfiguration document = world.MirroredDocument(1);
};

TEST_CASE("a blank disk takes the place of a lost one: table, members, rebuilt, ready") {
  for (const int times : {1, 2}) {
    INFO("each step runs " << times << " times");
    LostDisk host;
    const auto plan =
        host.servicer->MakePlan(host.document, host.world.recorded, false, Cancellation());
    REQUIRE_OK(plan);
    CHECK(plan->kind == ServicingKind::kNormalUpdate);
    CHECK_FALSE(plan->reboots);
    REQUIRE(plan->destroyed.size() == 1);
    CHECK(plan->destroyed[0].device == "/dev/vdb");
    // Some firmware drops the entries of a disk that it does not find.
    const auto entries = host.world.firmware.Entries();
    REQUIRE_OK(entries);
    for (const BootEntry& entry : *entries) {
      if (entry.label == BootCopyLabel(Volume::kA, 2)) {
        REQUIRE_OK(host.world.firmware.DeleteEntry(entry.number));
      }
    }
    REQUIRE_OK(host.world.RunPhase(*host.servicer, host.document, *plan, Phase::kStage, times));
    const auto disk = host.world.devices.Observe("/dev/vdb");
    REQUIRE_OK(disk);
    CHECK(disk->table->disk_uuid == host.world.recorded.status.storage.disks.at("disk2").uuid);
    for (const auto& [id, array] : host.world.recorded.status.storage.raid_arrays) {
      INFO(id);
      CHECK(array.status == RaidArrayStatus::State::kReady);
    }
    const auto arrays = host.world.devices.Arrays();
    REQUIRE_OK(arrays);
    for (const ObservedArray& array : *arrays) CHECK(array.members.size() == 2);
    const std::vector<std::string> labels = BootLabels(host.world);
    REQUIRE(labels.size() >= 2);
    CHECK(labels[0] == BootEntryLabel(Volume::kA));
    CHECK(labels[1] == BootCopyLabel(Volume::kA, 2));
    const auto again =
        host.servicer->MakePlan(host.document, host.world.recorded, false, Cancellation());
    REQUIRE_OK(again);
    CHECK(again->kind == ServicingKind::kNone);
  }
}

TEST_CASE("a rebuild while another disk is still away leaves the boot entries, and says so") {
  LostDisk host;
  auto plan = host.servicer->MakePlan(host.document, host.world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  std::erase_if(plan->steps,
                [](const Step& step) { return step.kind != StepKind::kRestoreBootEntries; });
  REQUIRE(plan->steps.size() == 1);
  const std::vector<std::string> before = BootLabels(host.world);
  host.world.devices.RemoveDisk("/dev/vdb");
  host.world.warnings.clear();
  REQUIRE_OK(host.world.RunPhase(*host.servicer, host.document, *plan, Phase::kStage));
  CHECK(BootLabels(host.world) == before);
  REQUIRE(host.world.warnings.size() == 2);
  CHECK_THAT(host.world.warnings[0], Catch::Contains("boot entries of volume-a are left"));
  CHECK_THAT(host.world.warnings[1], Catch::Contains("boot entries of volume-b are left"));
}

TEST_CASE("a replacement may go by another name; without one the name cannot change") {
  LostDisk host;
  host.world.devices.AddDisk("/dev/vdc", uint64_t{8} << 30);
  host.world.files.SetFile("/dev/vdc", "");
  HostConfiguration renamed = host.document;
  renamed.storage.disks[1].device = "/dev/vdc";
  const auto plan = host.servicer->MakePlan(renamed, host.world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  REQUIRE_OK(host.world.RunPhase(*host.servicer, renamed, *plan, Phase::kStage));
  CHECK(host.world.recorded.status.storage.disks.at("disk2").path == "/dev/vdc");

  host.world.recorded.configuration = renamed;
  REQUIRE_ERROR(host.servicer->MakePlan(host.document, host.world.recorded, false, Cancellation()),
                absl::StatusCode::kFailedPrecondition, "the disk was installed as /dev/vdc");
}

TEST_CASE("a disk that holds anything, or is too small, is not taken, and the plan says why") {
  struct Case {
    const char* name;
    uint64_t size;
    void (*change)(FakeWorld&);
    const char* words;
  };
  const Case cases[] = {
      {"another table", uint64_t{8} << 30,
       [](FakeWorld& world) {
         world.devices.SetTable("/dev/vdb", {"11111111-0000-0000-0000-000000000000", {}});
       },
       "it has a partition table"},
      {"a file system", uint64_t{8} << 30,
       [](FakeWorld& world) {
         world.devices.SetSignature("/dev/vdb", {"xfs", "u", ""});
       },
       "it holds xfs"},
      {"no room", uint64_t{4} << 30, [](FakeWorld&) {}, "are needed"},
      {"no disk at all", uint64_t{8} << 30,
       [](FakeWorld& world) { world.devices.RemoveDisk("/dev/vdb"); }, "there is no block device"},
      {"in use", uint64_t{8} << 30,
       [](FakeWorld& world) { world.devices.AddUser("/dev/vdb", "mounted at /mnt"); },
       "it is in use"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    LostDisk host(c.size);
    c.change(host.world);
    const auto plan =
        host.servicer->MakePlan(host.document, host.world.recorded, false, Cancellation());
    REQUIRE_OK(plan);
    CHECK(plan->kind == ServicingKind::kNone);
    REQUIRE_FALSE(plan->warnings.empty());
    CHECK_THAT(plan->warnings.front(), Catch::Contains(c.words));
  }
}

}  // namespace
}  // namespace trident
