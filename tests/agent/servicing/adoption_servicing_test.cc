// Adopted partitions through the steps of an installation, on a machine in memory.
#include "tests/agent/servicing/fake_world.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using test::FakeWorld;

constexpr uint64_t kMiB = 1 << 20;
constexpr char kLogs[] = "99999999-2222-4333-8444-555555555555";

// The disk of the world holds "old-logs" with data; the document adopts it by its place and mounts
// it. What is new takes the numbers before it, so that the place is another one afterwards.
HostConfiguration Adopting(FakeWorld& world) {
  PartitionTable table;
  table.disk_uuid = "88888888-2222-4333-8444-555555555555";
  table.partitions = {
      {kLogs, "0fc63daf-8483-4772-8e79-3d69d8477de4", "old-logs", 4096 * kMiB, 512 * kMiB, 7}};
  world.devices.SetTable("/dev/vda", table);
  world.devices.SetSignature("/dev/vda7", {"ext4", "u", "logs"});
  world.devices.SetData("/dev/vda7", 100 * kMiB, "precious");
  HostConfiguration document = world.Document(1);
  AdoptedPartition adopted;
  adopted.id = "logs";
  adopted.position = 0;
  document.storage.disks[0].adopted_partitions = {adopted};
  document.storage.mount_points.push_back({"/srv/logs", "ext4", {"ro"}, "logs"});
  return document;
}

TEST_CASE("what is adopted keeps its data, whether steps run once or twice") {
  for (const int times : {1, 2}) {
    INFO("each step runs " << times << " times");
    FakeWorld world;
    const HostConfiguration document = Adopting(world);
    const auto servicer = world.MakeServicer();
    const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
    REQUIRE_OK(plan);
    for (const Destroyed& one : plan->destroyed) CHECK(one.device != "/dev/vda7");
    REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kStage, times));
    CHECK(world.devices.Data("/dev/vda7", 100 * kMiB, 8) == "precious");
    CHECK(world.devices.Probe("/dev/vda7")->label == "logs");
    CHECK(world.devices.tables_written() == times);
    const PartitionStatus* logs = FindPartition(world.recorded.status, "logs");
    REQUIRE(logs != nullptr);
    CHECK(logs->uuid == kLogs);
    CHECK(logs->contents.kind == Contents::Kind::kUnknown);
    CHECK(FindPartition(world.recorded.status, "home")->contents.kind ==
          Contents::Kind::kInitialized);
    const auto root = FindDevice(world.recorded.status, "root-a");
    CHECK_THAT(world.mounts.GetFrom(root->path, "/etc/fstab").value_or(""),
               Catch::Contains(std::string("PARTUUID=") + kLogs + " /srv/logs ext4 ro"));
  }
}

TEST_CASE("what must not happen to an adopted partition is refused by name") {
  struct Case {
    const char* name;
    std::function<void(FakeWorld&, HostConfiguration&)> change;
    const char* reason;
  };
  const Case cases[] = {
      {"an image over it",
       [](FakeWorld&, HostConfiguration& c) {
         Image image = c.storage.images[1];
         image.target_id = "logs";
         c.storage.images.push_back(image);
       },
       "'logs' is adopted, so that it cannot be the target of an image"},
      {"another file system than it has",
       [](FakeWorld&, HostConfiguration& c) { c.storage.mount_points.back().filesystem = "xfs"; },
       "holds ext4, not xfs"},
      {"it is mounted",
       [](FakeWorld& w, HostConfiguration&) { w.devices.AddUser("/dev/vda7", "mounted at /mnt"); },
       "/dev/vda7 is mounted at /mnt"},
      {"it is mounted in the document, but was not found",
       [](FakeWorld&, HostConfiguration& c) {
         AdoptedPartition other;
         other.id = "other";
         other.name = "nowhere";
         other.continue_if_no_match = true;
         c.storage.disks[0].adopted_partitions.push_back(other);
         c.storage.mount_points.push_back({"/srv/other", "ext4", {}, "other"});
       },
       "'other', which is mounted at /srv/other, is not there"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      FakeWorld world;
      HostConfiguration document = Adopting(world);
      one.change(world, document);
      const auto servicer = world.MakeServicer();
      const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
      REQUIRE_FALSE(plan.ok());
      CHECK_THAT(plan.status().ToString(), Catch::Contains(one.reason));
      CHECK(world.devices.tables_written() == 0);
    }
  }
}

}  // namespace
}  // namespace trident
