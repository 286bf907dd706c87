// The fakes work together as the machine does.
#include <numeric>

#include "agent/host/fake/fake_block_devices.h"
#include "agent/host/fake/fake_clock.h"
#include "agent/host/fake/fake_command_runner.h"
#include "agent/host/fake/fake_files.h"
#include "agent/host/fake/fake_filesystem_tools.h"
#include "agent/host/fake/fake_machine.h"
#include "agent/host/fake/fake_mounts.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr char kDevice[] = "/dev/disk/by-partuuid/11111111-2222-4333-8444-555555555555";

PartitionTable OnePartition() {
  PartitionTable table;
  table.disk_uuid = "0f0e0d0c-0b0a-4908-8706-050403020100";
  table.partitions = {{"11111111-2222-4333-8444-555555555555",
                       "0fc63daf-8483-4772-8e79-3d69d8477de4", "data", kMiB, 8 * kMiB, 1}};
  return table;
}

struct World {
  FakeFiles files;
  FakeBlockDevices devices;
  FakeMounts mounts{files, devices};
  FakeCommandRunner commands;

  World() {
    devices.AddDisk("/dev/vda", 64 * kMiB);
    REQUIRE_OK(devices.WriteTable("/dev/vda", OnePartition()));
    AddFilesystemTools(commands, devices);
    files.SetDirectory("/mnt");
    files.SetDirectory("/other");
  }
  void Mkfs() {
    Command command;
    command.argv = {"mkfs.ext4", "-U", "some-uuid", kDevice};
    REQUIRE_OK(commands.RunChecked(command));
  }
};

TEST_CASE("a mounted device shows its files, and keeps them") {
  World w;
  REQUIRE_FALSE(w.mounts.Mount(kDevice, "/mnt", "ext4", {}).ok());
  w.Mkfs();
  REQUIRE(w.devices.Probe(kDevice)->uuid == "some-uuid");
  w.mounts.SetFileOn(kDevice, "/etc/hostname", "one");
  w.files.SetFile("/mnt/hidden", "x");
  REQUIRE_OK(w.mounts.Mount(kDevice, "/mnt", "ext4", {}));
  REQUIRE(w.files.Get("/mnt/etc/hostname") == "one");
  REQUIRE_FALSE(w.files.Exists("/mnt/hidden"));
  REQUIRE_OK(w.files.Write("/mnt/new", "two", 0644));
  REQUIRE_OK(w.mounts.Mount("/dev/vda1", "/other", "ext4", {}));
  REQUIRE(w.files.Get("/other/new") == "two");
  REQUIRE(w.mounts.List()->size() == 2);
  REQUIRE_OK(w.mounts.Unmount("/mnt"));
  REQUIRE_OK(w.mounts.Unmount("/mnt"));
  REQUIRE(w.files.Get("/mnt/hidden") == "x");
  REQUIRE(w.mounts.GetFrom(kDevice, "/new") == "two");
}

TEST_CASE("a bound folder shows the same files") {
  World w;
  w.files.SetFile("/mnt/sub/f", "x");
  REQUIRE_OK(w.mounts.Mount("/mnt/sub", "/other", "none", {"bind"}));
  REQUIRE(w.files.Get("/other/f") == "x");
  REQUIRE_OK(w.files.Write("/other/g", "y", 0644));
  REQUIRE(w.files.Get("/mnt/sub/g") == "y");
}

TEST_CASE("a mounted device is in use for everybody else") {
  World w;
  w.Mkfs();
  REQUIRE_OK(w.mounts.Mount(kDevice, "/mnt", "ext4", {}));
  REQUIRE_ERROR(w.devices.OpenForWriting("/dev/vda1"), absl::StatusCode::kFailedPrecondition,
                "mounted at /mnt");
  REQUIRE_ERROR(w.devices.OpenForWriting("/dev/vda"), absl::StatusCode::kFailedPrecondition,
                "mounted at /mnt");
  REQUIRE_ERROR(w.devices.WriteTable("/dev/vda", OnePartition()),
                absl::StatusCode::kFailedPrecondition, "mounted at /mnt");
  REQUIRE(w.devices.Observe("/dev/vda")->partitions[0].users ==
          std::vector<std::string>{"mounted at /mnt"});
  REQUIRE_OK(w.mounts.Unmount("/mnt"));
  REQUIRE_OK(w.devices.WriteTable("/dev/vda", OnePartition()));
  REQUIRE(w.devices.Probe(kDevice)->type.empty());
}

TEST_CASE("a mount with another one below it is busy") {
  World w;
  w.Mkfs();
  REQUIRE_OK(w.mounts.Mount(kDevice, "/mnt", "ext4", {}));
  REQUIRE_OK(w.files.MakeDirectories("/mnt/sub", 0755));
  REQUIRE_OK(w.mounts.Mount("tmpfs", "/mnt/sub", "tmpfs", {}));
  REQUIRE_ERROR(w.mounts.Unmount("/mnt"), absl::StatusCode::kFailedPrecondition, "busy");
  REQUIRE_OK(w.mounts.Unmount("/mnt/sub"));
  REQUIRE_OK(w.mounts.Unmount("/mnt"));
}

TEST_CASE("a device without files yet asks for them when it is first mounted") {
  World w;
  w.Mkfs();
  int asked = 0;
  w.mounts.OnFirstMount([&](const std::string& device) {
    ++asked;
    w.mounts.SetFileOn(device, "/from", device);
  });
  for (int round = 0; round < 2; ++round) {
    REQUIRE_OK(w.mounts.Mount(kDevice, "/mnt", "ext4", {}));
    REQUIRE(w.files.Get("/mnt/from") == "/dev/vda1");
    REQUIRE_OK(w.mounts.Unmount("/mnt"));
  }
  REQUIRE(asked == 1);
}

TEST_CASE("what is written to a disk in memory is read back, by range") {
  World w;
  std::vector<uint8_t> data(10'000);
  std::iota(data.begin(), data.end(), uint8_t{0});
  {
    const auto writer = w.devices.OpenForWriting(kDevice);
    REQUIRE_OK(writer);
    REQUIRE((*writer)->size() == 8 * kMiB);
    REQUIRE_OK((*writer)->WriteAt(4090, data));
    REQUIRE_ERROR((*writer)->WriteAt(8 * kMiB - 1, data), absl::StatusCode::kOutOfRange, "bytes");
    REQUIRE_OK((*writer)->Flush());
    REQUIRE_ERROR(w.devices.OpenForWriting(kDevice), absl::StatusCode::kFailedPrecondition,
                  "opened for writing");
  }
  REQUIRE_OK(w.devices.OpenForWriting(kDevice));
  std::vector<uint8_t> read(data.size());
  REQUIRE_OK((*w.devices.OpenForReading(kDevice))->ReadAt(4090, read));
  REQUIRE(read == data);
  REQUIRE(w.devices.BytesWritten(kDevice) == data.size());
  REQUIRE(w.devices.Flushes(kDevice) == 1);
}

TEST_CASE("disks in memory fail where they are told to") {
  World w;
  const std::vector<uint8_t> data(100, 0x0f);
  std::vector<uint8_t> read(100);
  w.devices.FailWriteAt(kDevice, 150, absl::DataLossError("bad sector"));
  w.devices.CorruptAt(kDevice, 10);
  w.devices.FailFlush(kDevice, absl::DataLossError("lost"));
  const auto writer = w.devices.OpenForWriting(kDevice);
  REQUIRE_OK((*writer)->WriteAt(0, data));
  REQUIRE_ERROR((*writer)->WriteAt(100, data), absl::StatusCode::kDataLoss, "bad sector");
  REQUIRE_FALSE((*writer)->Flush().ok());
  const auto reader = w.devices.OpenForReading(kDevice);
  REQUIRE_OK((*reader)->ReadAt(0, read));
  REQUIRE(read[9] == 0x0f);
  REQUIRE(read[10] == 0xf0);
  w.devices.FailReadAt(kDevice, 0, absl::DataLossError("unreadable"));
  REQUIRE_FALSE((*reader)->ReadAt(0, read).ok());
  w.devices.ClearFaults();
  REQUIRE_OK((*reader)->ReadAt(0, read));
}

TEST_CASE("a disk that is not there is NOT_FOUND and a partition is no disk") {
  World w;
  REQUIRE_ERROR(w.devices.Observe("/dev/sdz"), absl::StatusCode::kNotFound, "/dev/sdz");
  REQUIRE_ERROR(w.devices.Observe("/dev/vda1"), absl::StatusCode::kInvalidArgument, "whole disk");
  w.devices.AddLink("/dev/disk/by-path/virtio-1", "/dev/vda");
  REQUIRE(w.devices.Observe("/dev/disk/by-path/virtio-1")->path == "/dev/vda");
}

TEST_CASE("the fake clock and the fake machine do as they are told") {
  FakeClock clock;
  const int64_t wall = clock.WallMicros();
  const int64_t boot = clock.BootNanos();
  clock.Advance(std::chrono::seconds(2));
  clock.JumpWall(std::chrono::seconds(-100));
  REQUIRE(clock.WallMicros() - wall == -98'000'000);
  REQUIRE(clock.BootNanos() - boot == 2'000'000'000);
  clock.Restart("boot-2");
  REQUIRE(clock.BootNanos() == 0);
  REQUIRE(clock.BootId() == "boot-2");

  FakeMachine machine;
  const Cancellation cancellation;
  REQUIRE_ERROR(machine.RootDevice(), absl::StatusCode::kNotFound, "root");
  machine.SetRootDevice("/dev/vda2");
  REQUIRE(*machine.RootDevice() == "/dev/vda2");
  machine.SetUnit("a.service", absl::FailedPreconditionError("failed"));
  REQUIRE_OK(machine.WaitForUnit("b.service", std::chrono::seconds(1), cancellation));
  REQUIRE_FALSE(machine.WaitForUnit("a.service", std::chrono::seconds(1), cancellation).ok());
  REQUIRE_OK(machine.Reboot());
  REQUIRE(machine.reboots() == 1);
}

}  // namespace
}  // namespace trident
