// Real file systems on loop devices. Needs root.
#include <unistd.h>

#include <memory>

#include "agent/host/block_devices.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "agent/host/mounts.h"
#include "agent/storage/filesystem.h"
#include "agent/storage/new_root.h"
#include "agent/storage/uuid.h"
#include "tests/support/loop_device.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

constexpr uint64_t kMiB = 1 << 20;

struct World {
  test::TemporaryDirectory directory;
  std::unique_ptr<CommandRunner> commands = MakeLinuxCommandRunner();
  std::unique_ptr<BlockDevices> devices = MakeLinuxBlockDevices(*commands);
  std::unique_ptr<Files> files = MakeLinuxFiles();
  std::unique_ptr<Mounts> mounts = MakeLinuxMounts();
};

TEST_CASE("each type is made, found by libblkid with its UUID, and made again", "[root]") {
  World w;
  const test::LoopDevice loop(w.directory / "disk", 80 * kMiB);
  const std::string uuid = DeriveUuid("job", "data");
  for (const char* type : {"ext4", "vfat", "swap", "ext4"}) {
    DYNAMIC_SECTION(type) {
      for (int round = 0; round < 2; ++round) {
        REQUIRE_OK(MakeFilesystem(*w.commands, *w.devices, loop.path(), type, uuid, "LABEL"));
        REQUIRE(*w.devices->Probe(loop.path()) ==
                Signature{type, IdentityUuid(type, uuid), "LABEL"});
      }
      REQUIRE_OK(CheckFilesystem(*w.commands, *w.devices, loop.path()));
    }
  }
}

TEST_CASE("a file system of an image gets its own UUID and fills its volume", "[root]") {
  World w;
  const std::string disk = w.directory / "disk";
  const test::LoopDevice loop(disk, 64 * kMiB);
  Command command;
  command.argv = {"mkfs.ext4", "-q", "-F", "-U", DeriveUuid("image", "root"), loop.path(), "16M"};
  REQUIRE_OK(w.commands->RunChecked(command));
  const std::string uuid = DeriveUuid("job", "root-b");
  const auto identity = SetFilesystemIdentity(*w.commands, *w.devices, loop.path(), uuid);
  REQUIRE_OK(identity);
  REQUIRE(*identity == FilesystemIdentity{"ext4", DeriveUuid("image", "root"), uuid});
  for (int round = 0; round < 2; ++round) {
    REQUIRE_OK(GrowFilesystem(*w.commands, *w.devices, *w.files, *w.mounts, loop.path()));
    REQUIRE_OK(SetFilesystemIdentity(*w.commands, *w.devices, loop.path(), uuid));
  }
  REQUIRE_OK(CheckFilesystem(*w.commands, *w.devices, loop.path()));
  const std::string target = w.directory / "mnt";
  REQUIRE_OK(w.files->MakeDirectories(target, 0755));
  REQUIRE_OK(w.mounts->Mount(loop.path(), target, "ext4", {}));
  const auto room = w.files->Room(target);
  REQUIRE_OK(w.mounts->Unmount(target));
  REQUIRE(room->size > 40 * kMiB);
}

TEST_CASE("a vfat of an image gets its own serial number", "[root]") {
  World w;
  const test::LoopDevice loop(w.directory / "disk", 80 * kMiB);
  REQUIRE_OK(MakeFilesystem(*w.commands, *w.devices, loop.path(), "vfat", DeriveUuid("a", "b")));
  const std::string uuid = DeriveUuid("job", "esp-b");
  const auto identity = SetFilesystemIdentity(*w.commands, *w.devices, loop.path(), uuid);
  REQUIRE_OK(identity);
  REQUIRE(identity->previous_uuid == IdentityUuid("vfat", DeriveUuid("a", "b")));
  REQUIRE(w.devices->Probe(loop.path())->uuid == IdentityUuid("vfat", uuid));
}

TEST_CASE("a damaged file system is found", "[root]") {
  World w;
  const test::LoopDevice loop(w.directory / "disk", 16 * kMiB);
  REQUIRE_OK(MakeFilesystem(*w.commands, *w.devices, loop.path(), "ext4", DeriveUuid("a", "b")));
  {
    const auto writer = w.devices->OpenForWriting(loop.path());
    REQUIRE_OK(writer);
    const std::vector<uint8_t> noise(64 << 10, 0xa5);
    REQUIRE_OK((*writer)->WriteAt(4096, noise));
    REQUIRE_OK((*writer)->Flush());
  }
  REQUIRE_ERROR(CheckFilesystem(*w.commands, *w.devices, loop.path()), absl::StatusCode::kDataLoss,
                "damaged");
}

TEST_CASE("a new root is mounted with its data partition that is in use, and goes away", "[root]") {
  World w;
  const test::LoopDevice root_disk(w.directory / "root", 16 * kMiB);
  const test::LoopDevice data_disk(w.directory / "data", 16 * kMiB);
  for (const test::LoopDevice* loop : {&root_disk, &data_disk}) {
    REQUIRE_OK(MakeFilesystem(*w.commands, *w.devices, loop->path(), "ext4", DeriveUuid("a", "b")));
  }
  const std::string running = w.directory / "running";
  REQUIRE_OK(w.files->MakeDirectories(running, 0755));
  REQUIRE_OK(w.mounts->Mount(data_disk.path(), running, "ext4", {"nodev"}));

  MountTarget root;
  root.path = "/";
  root.filesystem = "ext4";
  root.device = root_disk.path();
  root.options = {"defaults", "ro"};
  MountTarget data = root;
  data.path = "/var/lib/data";
  data.device = data_disk.path();
  data.options = {"nodev", "x-systemd.growfs"};
  NewRoot new_root(*w.files, *w.mounts, {data, root}, w.directory / "newroot");
  const absl::Status first = new_root.EnsureMounted();
  const absl::Status second = new_root.EnsureMounted();
  const size_t count = w.mounts->List()->size();
  const absl::Status written = w.files->Write(new_root.path() + "/var/lib/data/f", "shared", 0644);
  const auto seen = w.files->Read(running + "/f");
  const bool has_dev = w.files->Exists(new_root.path() + "/dev/null");
  const absl::Status unmounted = new_root.UnmountAll();
  const size_t left = w.mounts->List()->size();
  REQUIRE_OK(w.mounts->Unmount(running));
  REQUIRE_OK(first);
  REQUIRE_OK(second);
  REQUIRE_OK(written);
  REQUIRE_OK(unmounted);
  REQUIRE(*seen == "shared");
  REQUIRE(has_dev);
  REQUIRE(count == left + 7);
  REQUIRE_OK(CheckFilesystem(*w.commands, *w.devices, root_disk.path()));
}

}  // namespace
}  // namespace trident
