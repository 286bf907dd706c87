#include "agent/storage/fstab.h"

#include "tests/agent/storage/storage_world.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

TEST_CASE("fstab names the half of the volume, in the order of the document") {
  const test::StorageWorld world;
  REQUIRE(*MakeFstab(world.configuration, world.status, Volume::kA) ==
          "PARTUUID=a0000000-0000-4000-8000-000000000001 /boot/efi vfat umask=0077 0 2\n"
          "PARTUUID=a0000000-0000-4000-8000-000000000005 /var/lib/data ext4 defaults 0 2\n"
          "PARTUUID=a0000000-0000-4000-8000-000000000003 / ext4 defaults,ro,x-systemd.growfs 0 1\n"
          "PARTUUID=a0000000-0000-4000-8000-000000000006 none swap sw 0 0\n");
  const auto b = MakeFstab(world.configuration, world.status, Volume::kB);
  REQUIRE_OK(b);
  REQUIRE_THAT(*b, Catch::Matchers::Contains("0004 / ext4"));
  REQUIRE_THAT(*b, Catch::Matchers::Contains("0002 /boot/efi"));
  REQUIRE_THAT(*b, Catch::Matchers::Contains("0005 /var/lib/data"));
}

TEST_CASE("arrays and encrypted volumes go by their device") {
  test::StorageWorld world;
  world.status.storage.raid_arrays["array"].path = "/dev/disk/by-id/md-uuid-1";
  world.status.storage.encrypted_volumes["secret"].device_name = "luks";
  world.configuration.storage.mount_points = {{"/srv", "ext4", {}, "array"},
                                              {"/home", "ext4", {}, "secret"}};
  REQUIRE(*MakeFstab(world.configuration, world.status, Volume::kA) ==
          "/dev/disk/by-id/md-uuid-1 /srv ext4 defaults 0 2\n"
          "/dev/mapper/luks /home ext4 defaults 0 2\n");
}

TEST_CASE("blanks, tabs, backslashes and hashes are escaped") {
  MountTarget target;
  target.path = "/my data\tx\\y";
  target.filesystem = "ext4";
  target.options = {"a b", "c#d"};
  target.fstab_name = "PARTUUID=1";
  REQUIRE(FormatFstab({target}) ==
          "PARTUUID=1 /my\\040data\\011x\\134y ext4 a\\040b,c\\043d 0 2\n");
}

TEST_CASE("nothing to mount is an empty file") { REQUIRE(FormatFstab({}).empty()); }

TEST_CASE("a mount point whose device is not there yet is named") {
  test::StorageWorld world;
  world.status.storage.disks.clear();
  REQUIRE_ERROR(MakeFstab(world.configuration, world.status, Volume::kB),
                absl::StatusCode::kNotFound, "/boot/efi needs the block device \"esp-b\"");
}

}  // namespace
}  // namespace trident
