#include "agent/storage/filesystem.h"

#include "agent/host/fake/fake_block_devices.h"
#include "agent/host/fake/fake_command_runner.h"
#include "agent/host/fake/fake_files.h"
#include "agent/host/fake/fake_filesystem_tools.h"
#include "agent/host/fake/fake_mounts.h"
#include "common/base/error.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr char kUuid[] = "6ba7b810-9dad-51d1-80b4-00c04fd430c8";
using Lines = std::vector<std::string>;

struct World {
  FakeBlockDevices devices;
  FakeCommandRunner commands;

  World() {
    devices.AddDisk("/dev/vda", 64 * kMiB);
    devices.AddDisk("/dev/small", 63 * kMiB);
    AddFilesystemTools(commands, devices);
  }
  FakeFiles files;
  FakeMounts mounts{files, devices};
};

CommandResult Exit(int status, const std::string& words = "") {
  CommandResult result;
  result.exit_status = status;
  result.error_output = words;
  return result;
}

TEST_CASE("each type is made by its tool with the UUID") {
  struct Case {
    const char* name;
    const char* device;
    const char* type;
    const char* label;
    const char* line;
    const char* shown;
  };
  const Case cases[] = {
      {"ext4", "/dev/vda", "ext4", "",
       "mkfs.ext4 -F -q -U 6ba7b810-9dad-51d1-80b4-00c04fd430c8 "
       "/dev/vda",
       kUuid},
      {"ext4 with a label", "/dev/vda", "ext4", "data",
       "mkfs.ext4 -F -q -U 6ba7b810-9dad-51d1-80b4-00c04fd430c8 -L data /dev/vda", kUuid},
      {"a large vfat is FAT32", "/dev/vda", "vfat", "ESP",
       "mkfs.vfat -F 32 -i 6BA7B810 -n ESP /dev/vda", "6BA7-B810"},
      {"a small vfat is what fits", "/dev/small", "vfat", "", "mkfs.vfat -i 6BA7B810 /dev/small",
       "6BA7-B810"},
      {"btrfs", "/dev/vda", "btrfs", "pool",
       "mkfs.btrfs -f -q -U 6ba7b810-9dad-51d1-80b4-00c04fd430c8 -L pool /dev/vda", kUuid},
      {"swap", "/dev/vda", "swap", "", "mkswap -U 6ba7b810-9dad-51d1-80b4-00c04fd430c8 /dev/vda",
       kUuid},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      World w;
      REQUIRE(CanMakeFilesystem(one.type));
      REQUIRE_OK(MakeFilesystem(w.commands, w.devices, one.device, one.type, kUuid, one.label));
      REQUIRE(w.commands.command_lines() == Lines{one.line});
      REQUIRE(w.devices.Probe(one.device)->uuid == one.shown);
      REQUIRE(w.devices.Probe(one.device)->uuid == IdentityUuid(one.type, kUuid));
    }
  }
}

TEST_CASE("what cannot be made says what and why") {
  World w;
  REQUIRE_FALSE(CanMakeFilesystem("zfs"));
  REQUIRE_ERROR(MakeFilesystem(w.commands, w.devices, "/dev/vda", "zfs", kUuid),
                absl::StatusCode::kUnimplemented, "\"zfs\"");
  REQUIRE_ERROR(MakeFilesystem(w.commands, w.devices, "/dev/none", "ext4", kUuid),
                absl::StatusCode::kNotFound, "/dev/none");
  w.commands.On({"mkfs.ext4"}, Exit(1, "device is too small\n"));
  REQUIRE_ERROR(MakeFilesystem(w.commands, w.devices, "/dev/vda", "ext4", kUuid),
                absl::StatusCode::kInternal,
                "cannot make ext4 on /dev/vda: exit status 1: device is too small");
}

TEST_CASE("a missing tool names the package") {
  FakeBlockDevices devices;
  devices.AddDisk("/dev/vda", 64 * kMiB);
  FakeCommandRunner commands;
  const absl::Status status = MakeFilesystem(commands, devices, "/dev/vda", "vfat", kUuid);
  REQUIRE_ERROR(status, absl::StatusCode::kFailedPrecondition, "mkfs.vfat");
  REQUIRE(GetErrorDetail(status).subkind == "tool-missing");
  REQUIRE_THAT(GetErrorDetail(status).remedy, Catch::Matchers::Contains("dosfstools"));
}

TEST_CASE("ext4 gets its own UUID after a check, and only once") {
  World w;
  w.devices.SetSignature("/dev/vda", {"ext4", "old-uuid", ""});
  REQUIRE(*SetFilesystemIdentity(w.commands, w.devices, "/dev/vda", kUuid) ==
          FilesystemIdentity{"ext4", "old-uuid", kUuid});
  REQUIRE(
      w.commands.command_lines() ==
      Lines{"e2fsck -f -p /dev/vda", "tune2fs -U 6ba7b810-9dad-51d1-80b4-00c04fd430c8 /dev/vda"});
  w.commands.Forget();
  REQUIRE(*SetFilesystemIdentity(w.commands, w.devices, "/dev/vda", kUuid) ==
          FilesystemIdentity{"ext4", kUuid, kUuid});
  REQUIRE(w.commands.commands().empty());
}

TEST_CASE("vfat gets a serial number of its own") {
  World w;
  w.devices.SetSignature("/dev/vda", {"vfat", "ABCD-1234", ""});
  REQUIRE(*SetFilesystemIdentity(w.commands, w.devices, "/dev/vda", kUuid) ==
          FilesystemIdentity{"vfat", "ABCD-1234", "6BA7-B810"});
  REQUIRE(w.commands.command_lines() == Lines{"fatlabel -i /dev/vda 6BA7B810"});
}

TEST_CASE("a file system without an identity to give is refused by its type") {
  World w;
  w.devices.SetSignature("/dev/vda", {"squashfs", "", ""});
  REQUIRE_ERROR(SetFilesystemIdentity(w.commands, w.devices, "/dev/vda", kUuid),
                absl::StatusCode::kFailedPrecondition,
                "squashfs, which cannot be given a UUID of its own");
  REQUIRE_ERROR(SetFilesystemIdentity(w.commands, w.devices, "/dev/small", kUuid),
                absl::StatusCode::kFailedPrecondition, "no file system");
  REQUIRE(w.commands.commands().empty());
}

TEST_CASE("a tool that changes nothing is not believed") {
  World w;
  w.devices.SetSignature("/dev/vda", {"ext4", "old-uuid", ""});
  w.commands.On({"tune2fs"}, Exit(0));
  REQUIRE_ERROR(SetFilesystemIdentity(w.commands, w.devices, "/dev/vda", kUuid),
                absl::StatusCode::kInternal, "still has old-uuid");
}

TEST_CASE("what e2fsck repaired is fine, what it could not is not") {
  struct Case {
    int exit_status;
    absl::StatusCode code;
  };
  for (const Case& one :
       {Case{0, absl::StatusCode::kOk}, Case{1, absl::StatusCode::kOk},
        Case{4, absl::StatusCode::kDataLoss}, Case{8, absl::StatusCode::kDataLoss}}) {
    DYNAMIC_SECTION("exit status " << one.exit_status) {
      World w;
      w.devices.SetSignature("/dev/vda", {"ext4", "old-uuid", ""});
      w.commands.On({"e2fsck", "-f", "-p"}, Exit(one.exit_status));
      REQUIRE(GrowFilesystem(w.commands, w.devices, w.files, w.mounts, "/dev/vda").code() ==
              one.code);
      REQUIRE(SetFilesystemIdentity(w.commands, w.devices, "/dev/vda", kUuid).status().code() ==
              one.code);
    }
  }
}

TEST_CASE("ext4 is grown after a check, other types are left alone") {
  World w;
  w.devices.SetSignature("/dev/vda", {"ext4", "u", ""});
  w.devices.SetSignature("/dev/small", {"vfat", "u", ""});
  REQUIRE_OK(GrowFilesystem(w.commands, w.devices, w.files, w.mounts, "/dev/small"));
  REQUIRE(w.commands.commands().empty());
  REQUIRE_OK(GrowFilesystem(w.commands, w.devices, w.files, w.mounts, "/dev/vda"));
  REQUIRE(w.commands.command_lines() == Lines{"e2fsck -f -p /dev/vda", "resize2fs /dev/vda"});
}

TEST_CASE("a check writes nothing and reports damage") {
  World w;
  w.devices.SetSignature("/dev/vda", {"ext4", "u", ""});
  REQUIRE_OK(CheckFilesystem(w.commands, w.devices, "/dev/vda"));
  REQUIRE(w.commands.command_lines() == Lines{"e2fsck -f -n /dev/vda"});
  w.commands.On({"e2fsck", "-f", "-n"}, Exit(4, "UNEXPECTED INCONSISTENCY"));
  REQUIRE_ERROR(CheckFilesystem(w.commands, w.devices, "/dev/vda"), absl::StatusCode::kDataLoss,
                "UNEXPECTED INCONSISTENCY");
}

TEST_CASE("a cancelled tool is cancelled") {
  World w;
  Cancellation cancellation;
  cancellation.Cancel();
  REQUIRE_ERROR(MakeFilesystem(w.commands, w.devices, "/dev/vda", "ext4", kUuid, "", &cancellation),
                absl::StatusCode::kCancelled, "mkfs.ext4");
}

}  // namespace
}  // namespace trident
