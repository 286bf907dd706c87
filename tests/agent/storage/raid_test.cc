#include "agent/storage/raid.h"

#include <string>
#include <vector>

#include "agent/host/fake/fake_block_devices.h"
#include "agent/host/fake/fake_command_runner.h"
#include "agent/host/fake/fake_files.h"
#include "agent/host/fake/fake_raid_tools.h"
#include "common/base/error.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using State = RaidArrayStatus::State;

constexpr uint64_t kMiB = 1 << 20;
constexpr char kUuid[] = "6ba7b810-9dad-51d1-80b4-00c04fd430c8";
constexpr char kMdUuid[] = "6ba7b810:9dad51d1:80b400c0:4fd430c8";

struct World {
  FakeBlockDevices devices;
  FakeCommandRunner commands;
  FakeFiles files;

  World() {
    devices.AddDisk("/dev/vda", 64 * kMiB);
    devices.AddDisk("/dev/vdb", 64 * kMiB);
    AddRaidTools(commands, devices, files);
  }

  ArraySpec Spec() const {
    return {.name = "mirror",
            .level = RaidLevel::kRaid1,
            .metadata_version = "1.0",
            .md_uuid = kMdUuid,
            .member_paths = {"/dev/vda", "/dev/vdb"}};
  }

  void Sysfs(const std::string& name, const std::string& value) {
    files.SetFile("/sys/block/md127/md/" + name, value + "\n");
  }
};

TEST_CASE("a UUID is spelled as mdadm does") {
  REQUIRE(MdUuid(kUuid) == kMdUuid);
  REQUIRE(MdUuid("6BA7B810-9DAD-51D1-80B4-00C04FD430C8") == kMdUuid);
  REQUIRE(ArrayPath(kMdUuid) == std::string("/dev/disk/by-id/md-uuid-") + kMdUuid);
}

TEST_CASE("what an array can hold follows from its level") {
  struct Case {
    RaidLevel level;
    size_t count;
    uint64_t size;
  };
  for (const Case& one : {Case{RaidLevel::kRaid0, 3, 300}, Case{RaidLevel::kRaid1, 3, 100},
                          Case{RaidLevel::kRaid5, 3, 200}, Case{RaidLevel::kRaid6, 4, 200},
                          Case{RaidLevel::kRaid10, 4, 200}}) {
    REQUIRE(ArraySize(one.level, 100, one.count) == one.size);
  }
}

TEST_CASE("an array is made once, with the level's number, over members that nobody uses") {
  World w;
  REQUIRE_OK(CreateArray(w.commands, w.devices, w.Spec(), nullptr));
  REQUIRE(w.commands.command_lines() ==
          std::vector<std::string>{
              std::string("mdadm --create /dev/md/mirror --run --quiet --level=1 --raid-devices=2 "
                          "--metadata=1.0 --uuid=") +
              kMdUuid + " --homehost=any /dev/vda /dev/vdb"});
  REQUIRE(*w.devices.Size(ArrayPath(kMdUuid)) == 63 * kMiB);
  w.commands.Forget();
  REQUIRE_OK(CreateArray(w.commands, w.devices, w.Spec(), nullptr));
  REQUIRE(w.commands.commands().empty());
}

TEST_CASE("an array is not made over a device that is in use") {
  World w;
  w.devices.AddUser("/dev/vdb", "mounted at /srv");
  REQUIRE_ERROR(CreateArray(w.commands, w.devices, w.Spec(), nullptr),
                absl::StatusCode::kFailedPrecondition, "mounted at /srv");
  REQUIRE(w.commands.commands().empty());
}

TEST_CASE("a missing mdadm is named with its package") {
  World w;
  w.commands.On({"mdadm", "--create"}, [](const Command&) -> absl::StatusOr<CommandResult> {
    return absl::NotFoundError("mdadm");
  });
  const absl::Status status = CreateArray(w.commands, w.devices, w.Spec(), nullptr);
  REQUIRE_ERROR(status, absl::StatusCode::kFailedPrecondition, "mdadm is not there");
  REQUIRE_THAT(GetErrorDetail(status).remedy, Catch::Contains("package mdadm"));
}

TEST_CASE("an old array is stopped and its superblocks are erased; without it nothing is done") {
  World w;
  w.devices.AddArray("/dev/md5", {"/dev/vda", "/dev/vdb"}, 63 * kMiB);
  REQUIRE_OK(RemoveArray(w.commands, w.devices, "/dev/md5", nullptr));
  REQUIRE(w.commands.command_lines() ==
          std::vector<std::string>{"mdadm --stop /dev/md5", "mdadm --zero-superblock /dev/vda",
                                   "mdadm --zero-superblock /dev/vdb"});
  w.commands.Forget();
  REQUIRE_OK(RemoveArray(w.commands, w.devices, "/dev/md5", nullptr));
  REQUIRE(w.commands.commands().empty());
}

TEST_CASE("the state of an array never hides what it lacks") {
  struct Case {
    const char* name;
    std::string array_state, degraded, sync_action, sync_completed;
    State state;
  };
  for (const Case& one : {
           Case{"complete", "clean", "0", "idle", "none", State::kReady},
           Case{"busy", "active", "0", "idle", "none", State::kReady},
           Case{"checked by cron", "active", "0", "check", "10 / 20", State::kReady},
           Case{"synchronised for the first time", "active", "0", "resync", "10 / 20",
                State::kCreated},
           Case{"a member missing", "clean", "1", "idle", "none", State::kDegraded},
           Case{"a member being rebuilt", "active", "1", "recover", "10 / 20", State::kDegraded},
           Case{"not started", "inactive", "", "", "", State::kFailed},
           Case{"stopped", "clear", "", "", "", State::kFailed},
           Case{"without redundancy, a member gone", "broken", "", "", "", State::kFailed},
           Case{"without redundancy", "clean", "", "", "", State::kReady},
       }) {
    DYNAMIC_SECTION(one.name) {
      World w;
      REQUIRE_OK(CreateArray(w.commands, w.devices, w.Spec(), nullptr));
      w.Sysfs("array_state", one.array_state);
      w.Sysfs("degraded", one.degraded);
      w.Sysfs("sync_action", one.sync_action);
      w.Sysfs("sync_completed", one.sync_completed);
      const auto health = ReadArrayHealth(w.files, ArrayPath(kMdUuid));
      REQUIRE_OK(health);
      REQUIRE(StateOf(*health) == one.state);
    }
  }
}

TEST_CASE("a state that is not understood is an error, not good health") {
  World w;
  REQUIRE_OK(CreateArray(w.commands, w.devices, w.Spec(), nullptr));
  w.Sysfs("degraded", "many");
  REQUIRE_ERROR(ReadArrayHealth(w.files, ArrayPath(kMdUuid)), absl::StatusCode::kInternal,
                "degraded says 'many'");
}

TEST_CASE("a device that is no array, or is gone, has no health") {
  World w;
  w.files.SetFile("/dev/vda", "");
  REQUIRE(absl::IsNotFound(ReadArrayHealth(w.files, "/dev/vda").status()));
  REQUIRE(absl::IsNotFound(ReadArrayHealth(w.files, "/dev/disk/by-id/none").status()));
}

TEST_CASE("the wait goes on while an array synchronises and tells how far it is") {
  World w;
  REQUIRE_OK(CreateArray(w.commands, w.devices, w.Spec(), nullptr));
  w.Sysfs("sync_action", "resync");
  w.Sysfs("sync_completed", "50 / 200");
  const Cancellation cancellation;
  std::vector<uint64_t> seen;
  REQUIRE_OK(WaitUntilSynchronised(
      w.files, {ArrayPath(kMdUuid)},
      [&](uint64_t done, uint64_t total) {
        seen.push_back(done);
        seen.push_back(total);
        w.Sysfs("sync_action", "idle");
      },
      cancellation));
  REQUIRE(seen == std::vector<uint64_t>{50, 200});
}

TEST_CASE("the wait ends for a member that is lost, and when it is cancelled") {
  World w;
  REQUIRE_OK(CreateArray(w.commands, w.devices, w.Spec(), nullptr));
  w.Sysfs("sync_action", "resync");
  Cancellation cancellation;
  const auto wait = [&](const std::function<void(uint64_t, uint64_t)>& progress) {
    return WaitUntilSynchronised(w.files, {ArrayPath(kMdUuid)}, progress, cancellation);
  };
  REQUIRE_ERROR(wait([&](uint64_t, uint64_t) { w.Sysfs("degraded", "1"); }),
                absl::StatusCode::kFailedPrecondition, "lacks 1 of its members");
  w.Sysfs("degraded", "0");
  REQUIRE(absl::IsCancelled(wait([&](uint64_t, uint64_t) { cancellation.Cancel(); })));
}

TEST_CASE("a member that is being rebuilt is waited for") {
  World w;
  REQUIRE_OK(CreateArray(w.commands, w.devices, w.Spec(), nullptr));
  w.Sysfs("degraded", "1");
  w.Sysfs("sync_action", "recover");
  w.Sysfs("sync_completed", "10 / 20");
  const Cancellation cancellation;
  REQUIRE_OK(WaitUntilSynchronised(
      w.files, {ArrayPath(kMdUuid)},
      [&](uint64_t, uint64_t) {
        w.Sysfs("sync_action", "idle");
        w.Sysfs("degraded", "0");
      },
      cancellation));
}

TEST_CASE("mdadm.conf names every array by its UUID") {
  RaidArrayStatus one;
  one.name = "mirror";
  one.uuid = kMdUuid;
  REQUIRE(FormatMdadmConf({one}) ==
          "# Written by Trident. Arrays are known by their UUIDs, whichever host made them.\n"
          "HOMEHOST <ignore>\nMAILADDR root\nARRAY /dev/md/mirror UUID=" +
              std::string(kMdUuid) + "\n");
}

}  // namespace
}  // namespace trident
