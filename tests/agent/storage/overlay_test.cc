#include "agent/storage/overlay.h"

#include "agent/host/fake/fake_block_devices.h"
#include "agent/host/fake/fake_files.h"
#include "agent/host/fake/fake_mounts.h"
#include "agent/storage/fstab.h"
#include "agent/storage/initrd_units.h"
#include "agent/storage/new_root.h"
#include "tests/agent/storage/storage_world.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using Lines = std::vector<std::string>;

// A verity root over the pair, with overlays on the partition "data", mounted at /var/lib/data.
struct World : test::StorageWorld {
  World() {
    configuration.storage.verity = {{"verified", "root", "root", "hash", CorruptionOption::kPanic}};
    status.storage.verity_devices["verified"] = {"root", "root", "hash", {}};
    for (MountPoint& mount : configuration.storage.mount_points) {
      if (mount.path == "/") mount = {"/", "ext4", {"noatime"}, "verified"};
    }
    configuration.storage.overlays = {
        {"/etc/", "data", true}, {"/opt", "data", true}, {"/srv/www", std::nullopt, false}};
  }
};

TEST_CASE("each volume has changes of its own, below the mount point of what keeps them") {
  const World world;
  const auto overlays = OverlayTargets(world.configuration, Volume::kB);
  REQUIRE(overlays.size() == 3);
  CHECK(overlays[0] == OverlayTarget{"/etc", true, true, "/var/lib/data",
                                     "/var/lib/data/trident-overlays/volume-b"});
  CHECK(overlays[1].Upper() == "/var/lib/data/trident-overlays/volume-b/upper/opt");
  CHECK(overlays[1].Work() == "/var/lib/data/trident-overlays/volume-b/work/opt");
  CHECK_FALSE(overlays[1].in_initrd);
  CHECK(overlays[2].Upper() == "/run/trident-overlays/upper/srv/www");
  CHECK_FALSE(overlays[2].persistent);
}

TEST_CASE("fstab mounts a verity device read-only, and the overlays that the initrd does not") {
  const World world;
  const auto fstab = MakeFstab(world.configuration, world.status, Volume::kA);
  REQUIRE_OK(fstab);
  CHECK_THAT(*fstab, Catch::Contains("/dev/mapper/root / ext4 noatime,ro 0 0\n"));
  CHECK_THAT(*fstab, Catch::Contains("0005 /var/lib/data ext4 x-initrd.mount 0 0\n"));
  CHECK_THAT(*fstab,
             Catch::EndsWith("tmpfs /run/trident-overlays tmpfs mode=0700,nosuid,nodev 0 0\n"
                             "overlay /opt overlay lowerdir=/opt,"
                             "upperdir=/var/lib/data/trident-overlays/volume-a/upper/opt,"
                             "workdir=/var/lib/data/trident-overlays/volume-a/work/opt,"
                             "x-systemd.requires-mounts-for=/var/lib/data 0 0\n"
                             "overlay /srv/www overlay lowerdir=/srv/www,"
                             "upperdir=/run/trident-overlays/upper/srv/www,"
                             "workdir=/run/trident-overlays/work/srv/www,"
                             "x-systemd.requires-mounts-for=/run/trident-overlays,"
                             "x-systemd.requires=trident-overlays.service 0 0\n"));
}

TEST_CASE("a unit makes the folders of what is in memory, with mode and owner of what is below") {
  const World world;
  const auto overlays = OverlayTargets(world.configuration, Volume::kA);
  CHECK(VolatileOverlaysUnit({overlays[0], overlays[1]}).empty());
  const std::string unit = VolatileOverlaysUnit(overlays);
  CHECK_THAT(unit, Catch::Contains("RequiresMountsFor=/run/trident-overlays /srv/\n"));
  CHECK_THAT(unit, Catch::Contains("ExecStart=/bin/mkdir -p /run/trident-overlays/upper/srv/www "
                                   "/run/trident-overlays/work/srv/www\n"
                                   "ExecStart=/bin/chown --reference=/srv/www "
                                   "/run/trident-overlays/upper/srv/www\n"
                                   "ExecStart=/bin/chmod --reference=/srv/www "
                                   "/run/trident-overlays/upper/srv/www\n"));
  CHECK_THAT(unit, !Catch::Contains("/opt"));
}

TEST_CASE("the initrd checks and mounts what keeps the changes of /etc, then the overlay") {
  const World world;
  const auto mounts = MountTargets(world.configuration, world.status, Volume::kA);
  REQUIRE_OK(mounts);
  const auto units = InitrdUnits(OverlayTargets(world.configuration, Volume::kA), *mounts);
  REQUIRE_OK(units);
  REQUIRE(units->size() == 2);
  const std::string fsck =
      "systemd-fsck@dev-disk-by\\x2dpartuuid-a0000000\\x2d0000\\x2d4000\\x2d8000\\x2d000000000005."
      "service";
  CHECK((*units)[0] ==
        InitrdUnit{"sysroot-var-lib-data.mount",
                   "# Written by the agent.\n[Unit]\nDefaultDependencies=no\n"
                   "Requires=sysroot.mount " +
                       fsck + "\nAfter=sysroot.mount " + fsck +
                       "\nBefore=initrd-root-fs.target\n\n[Mount]\n"
                       "What=/dev/disk/by-partuuid/a0000000-0000-4000-8000-000000000005\n"
                       "Where=/sysroot/var/lib/data\nType=ext4\nOptions=defaults\n"});
  CHECK((*units)[1] ==
        InitrdUnit{"sysroot-etc.mount",
                   "# Written by the agent.\n[Unit]\nDefaultDependencies=no\n"
                   "Requires=sysroot.mount sysroot-var-lib-data.mount\n"
                   "After=sysroot.mount sysroot-var-lib-data.mount\n"
                   "Before=initrd-root-fs.target\n\n[Mount]\nWhat=overlay\nWhere=/sysroot/etc\n"
                   "Type=overlay\nOptions=lowerdir=/sysroot/etc,"
                   "upperdir=/sysroot/var/lib/data/trident-overlays/volume-a/upper/etc,"
                   "workdir=/sysroot/var/lib/data/trident-overlays/volume-a/work/etc\n"});
  CHECK(InitrdUnits({}, *mounts)->empty());
}

TEST_CASE("paths become names of units as systemd-escape makes them") {
  CHECK(EscapeUnitPath("/") == "-");
  CHECK(EscapeUnitPath("//data/my-files//") == "data-my\\x2dfiles");
  CHECK(EscapeUnitPath("/.hidden/a.b/x@y_z:1") == "\\x2ehidden-a.b-x\\x40y_z:1");
}

TEST_CASE("overlays are emptied without following links, and other volumes keep theirs") {
  const World world;
  FakeFiles files;
  const std::string folder = "/new/var/lib/data/trident-overlays/";
  files.SetFile(folder + "volume-a/upper/etc/fstab", "running");
  files.SetFile(folder + "volume-b/upper/etc/deep/er/file", "old");
  files.SetFile(folder + "volume-b/work/etc/work/x", "old");
  files.SetDirectory("/new/home/somebody");
  files.SetFile("/new/home/somebody/letter", "dear");
  files.SetLink(folder + "volume-b/upper/etc/link", "/new/home/somebody");
  files.SetLink(folder + "volume-b/upper/etc/dangling", "/nowhere");
  REQUIRE_OK(EmptyOverlays(files, OverlayTargets(world.configuration, Volume::kB), "/new"));
  CHECK(files.AllFiles() ==
        Lines{"/new/home/somebody/letter", folder + "volume-a/upper/etc/fstab"});
  for (const std::string made : {"upper/etc", "work/etc", "upper/opt", "work/opt"}) {
    CHECK(files.IsDirectory(folder + "volume-b/" + made));
  }
  CHECK(files.syncs() == 1);
}

TEST_CASE("overlays are mounted when all that keeps their changes is there, memory is left out") {
  World world;
  FakeFiles files;
  FakeBlockDevices devices;
  FakeMounts mounts(files, devices);
  world.configuration.storage.mount_points = {{"/", "ext4", {}, "root"},
                                              {"/opt/deep", "ext4", {}, "swap"},
                                              {"/var/lib/data", "ext4", {}, "data"}};
  devices.AddDisk("/dev/vda", 64 << 20);
  PartitionTable table;
  for (uint32_t i = 1; i <= 6; ++i) {
    table.partitions.push_back(
        {test::PartUuid(static_cast<int>(i)), "", "", uint64_t{i} << 20, 1 << 20, i});
  }
  devices.SetTable("/dev/vda", table);
  for (const std::string number : {"3", "5", "6"}) {
    devices.SetSignature("/dev/vda" + number, {"ext4", "", ""});
  }
  const auto overlays = OverlayTargets(world.configuration, Volume::kA);
  for (const OverlayTarget& overlay : overlays) {
    for (const std::string& path : {overlay.Upper(), overlay.Work()}) {
      mounts.SetFileOn("/dev/vda5", path.substr(overlay.mount_path.size()) + "/.here", "");
    }
  }
  const auto targets = MountTargets(world.configuration, world.status, Volume::kA);
  REQUIRE_OK(targets);
  REQUIRE_OK(NewRoot(files, mounts, *targets, "/new", overlays).EnsureMounted());
  const auto entries = mounts.List();
  REQUIRE_OK(entries);
  Lines places;
  for (const MountEntry& entry : *entries) places.push_back(entry.target);
  CHECK(places == Lines{"/new", "/new/dev", "/new/proc", "/new/run", "/new/sys", "/new/tmp",
                        "/new/var/lib/data", "/new/etc", "/new/opt", "/new/opt/deep"});
  REQUIRE_OK(files.Write("/new/etc/fstab", "written", 0644));
  REQUIRE_OK(NewRoot(files, mounts, {}, "/new").UnmountAll());
  CHECK(mounts.GetFrom("/dev/vda5", "/trident-overlays/volume-a/upper/etc/fstab") == "written");
  CHECK_FALSE(mounts.GetFrom("/dev/vda3", "/etc/fstab"));
}

}  // namespace
}  // namespace trident
