#include "agent/boot/booted_volume.h"

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/host/fake/fake_files.h"
#include "agent/host/fake/fake_machine.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

PartitionStatus PartitionOf(const std::string& id, const std::string& uuid) {
  PartitionStatus partition;
  partition.id = id;
  partition.path = "/dev/disk/by-partuuid/" + uuid;
  partition.uuid = uuid;
  return partition;
}

// root-a is vda2, root-b is vda3; "home" is vda4.
void MakeDevices(FakeFiles& files) {
  for (const std::string name : {"vda2", "vda3", "vda4", "md127", "dm-0"}) {
    files.SetFile("/dev/" + name, "");
  }
  files.SetLink("/dev/disk/by-partuuid/a", "../../vda2");
  files.SetLink("/dev/disk/by-partuuid/b", "../../vda3");
  files.SetLink("/dev/disk/by-partuuid/h", "../../vda4");
  files.SetLink("/dev/md/root", "../md127");
  files.SetLink("/dev/mapper/root", "../dm-0");
}

HostStatus Status() {
  HostStatus status;
  status.storage.disks["os"].partitions = {PartitionOf("root-a", "a"), PartitionOf("root-b", "b"),
                                           PartitionOf("home", "h"), PartitionOf("gone", "x")};
  status.storage.raid_arrays["array"].path = "/dev/md/root";
  status.storage.encrypted_volumes["secret"].device_name = "root";
  return status;
}

HostConfiguration Configuration(const std::string& root_target,
                                const std::vector<VolumePair>& pairs) {
  HostConfiguration configuration;
  MountPoint mount;
  mount.path = "/";
  mount.target_id = root_target;
  configuration.storage.mount_points = {mount};
  if (!pairs.empty()) configuration.storage.ab_update = AbUpdate{pairs};
  return configuration;
}

TEST_CASE("The running volume is found by the device that holds the root") {
  struct Case {
    std::string name;
    std::string device;  // empty: a ramdisk
    std::string root_target;
    std::vector<VolumePair> pairs;
    BootedVolume wanted;
  };
  const std::vector<VolumePair> pair = {{"root", "root-a", "root-b"}};
  const std::vector<Case> cases = {
      {"volume A", "/dev/vda2", "root", pair, BootedVolume::kA},
      {"volume B", "/dev/vda3", "root", pair, BootedVolume::kB},
      {"another partition", "/dev/vda4", "root", pair, BootedVolume::kNeither},
      {"another disk", "/dev/sdb1", "root", pair, BootedVolume::kNeither},
      {"a ramdisk", "", "root", pair, BootedVolume::kNeither},
      {"volume B while the device of A is gone",
       "/dev/vda3",
       "root",
       {{"root", "gone", "root-b"}},
       BootedVolume::kB},
      {"a pair of an array and an encrypted volume: A",
       "/dev/md127",
       "root",
       {{"root", "array", "secret"}},
       BootedVolume::kA},
      {"a pair of an array and an encrypted volume: B",
       "/dev/dm-0",
       "root",
       {{"root", "array", "secret"}},
       BootedVolume::kB},
      {"a single root that is running", "/dev/vda4", "home", {}, BootedVolume::kA},
      {"a single root that is not running", "/dev/vda2", "home", {}, BootedVolume::kNeither},
      {"a single root beside pairs of others", "/dev/vda4", "home", pair, BootedVolume::kA},
  };
  for (const Case& test : cases) {
    INFO(test.name);
    FakeFiles files;
    MakeDevices(files);
    FakeMachine machine;
    machine.SetRootDevice(test.device);
    const auto booted =
        FindBootedVolume(files, machine, Configuration(test.root_target, test.pairs), Status());
    REQUIRE_OK(booted);
    CHECK(*booted == test.wanted);
  }
}

TEST_CASE("What the configuration does not say is taken from the record") {
  FakeFiles files;
  MakeDevices(files);
  FakeMachine machine;
  machine.SetRootDevice("/dev/vda3");
  HostStatus status = Status();
  status.storage.mount_points["root"].path = "/";
  status.storage.ab_update.emplace();
  status.storage.ab_update->volume_pairs["root"] = {"root-a", "root-b"};
  CHECK(FindBootedVolume(files, machine, HostConfiguration(), status).value() == BootedVolume::kB);

  HostStatus old_status;
  old_status.storage.root_device_path = "/dev/disk/by-partuuid/b";
  CHECK(FindBootedVolume(files, machine, HostConfiguration(), old_status).value() ==
        BootedVolume::kA);
  old_status.storage.root_device_path = "/dev/disk/by-partuuid/a";
  CHECK(FindBootedVolume(files, machine, HostConfiguration(), old_status).value() ==
        BootedVolume::kNeither);
}

TEST_CASE("A host whose root is recorded nowhere cannot be judged") {
  FakeFiles files;
  FakeMachine machine;
  machine.SetRootDevice("/dev/vda3");
  REQUIRE_ERROR(FindBootedVolume(files, machine, HostConfiguration(), HostStatus()),
                absl::StatusCode::kFailedPrecondition, "which device holds '/'");
}

TEST_CASE("A verity root, which has one name on both volumes, is told by what is below it") {
  for (const bool in_the_status : {false, true}) {
    for (const auto& [below, wanted] :
         {std::pair("vda2", BootedVolume::kA), std::pair("vda3", BootedVolume::kB),
          std::pair("vda4", BootedVolume::kNeither)}) {
      INFO(below << (in_the_status ? ", from the status" : ", from the document"));
      FakeFiles files;
      MakeDevices(files);
      files.SetFile(std::string("/sys/class/block/dm-0/slaves/") + below, "");
      FakeMachine machine;
      machine.SetRootDevice("/dev/dm-0");
      HostStatus status = Status();
      HostConfiguration configuration;
      const AbUpdate pairs{{{"root", "root-a", "root-b"}}};
      if (in_the_status) {
        status.storage.verity_devices["verified"] = {"root", "root", "hash", {}};
        status.storage.mount_points["verified"] = {"/", "ext4", {}};
        status.storage.ab_update = AbUpdateStatus{{{"root", {"root-a", "root-b"}}}, std::nullopt};
      } else {
        configuration = Configuration("verified", pairs.volume_pairs);
        configuration.storage.verity = {
            {"verified", "root", "root", "hash", CorruptionOption::kPanic}};
      }
      const auto booted = FindBootedVolume(files, machine, configuration, status);
      REQUIRE_OK(booted);
      CHECK(*booted == wanted);
    }
  }
}

}  // namespace
}  // namespace trident
