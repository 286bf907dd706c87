#include "agent/storage/new_root.h"

#include <algorithm>

#include "agent/host/fake/fake_block_devices.h"
#include "agent/host/fake/fake_files.h"
#include "agent/host/fake/fake_mounts.h"
#include "tests/agent/storage/storage_world.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

constexpr uint64_t kMiB = 1 << 20;
using Lines = std::vector<std::string>;

struct World : test::StorageWorld {
  FakeFiles files;
  FakeBlockDevices devices;
  FakeMounts mounts{files, devices};

  World() {
    devices.AddDisk("/dev/vda", 64 * kMiB);
    PartitionTable table;
    for (uint32_t i = 1; i <= 6; ++i) {
      table.partitions.push_back({test::PartUuid(static_cast<int>(i)), "", "", i * kMiB, kMiB, i});
    }
    devices.SetTable("/dev/vda", table);
    for (uint32_t i = 1; i <= 5; ++i) {
      devices.SetSignature("/dev/vda" + std::to_string(i), {i <= 2 ? "vfat" : "ext4", "", ""});
      // In FakeFiles there are no device nodes: links to themselves are what Canonical needs.
      files.SetFile("/dev/vda" + std::to_string(i), "");
      files.SetLink("/dev/disk/by-partuuid/" + test::PartUuid(static_cast<int>(i)),
                    "/dev/vda" + std::to_string(i));
    }
  }
  NewRoot Make(Volume volume = Volume::kB) {
    return NewRoot(files, mounts, MountTargets(configuration, status, volume).value());
  }
  Lines Mounted() const {
    Lines lines;
    const auto entries = mounts.List();
    REQUIRE_OK(entries);
    for (const MountEntry& entry : *entries) {
      lines.push_back(entry.source + " " + entry.target);
    }
    return lines;
  }
};

const Lines kAll = {
    "/dev/vda4 /run/trident/newroot",    "/dev/vda2 /run/trident/newroot/boot/efi",
    "devtmpfs /run/trident/newroot/dev", "proc /run/trident/newroot/proc",
    "tmpfs /run/trident/newroot/run",    "sysfs /run/trident/newroot/sys",
    "tmpfs /run/trident/newroot/tmp",    "/dev/vda5 /run/trident/newroot/var/lib/data",
};

TEST_CASE("the target volume is mounted, parents first, without swap") {
  World w;
  NewRoot root = w.Make();
  REQUIRE_OK(root.EnsureMounted());
  REQUIRE(w.Mounted() == kAll);
  REQUIRE_OK(w.files.Write(root.path() + "/var/lib/data/x", "1", 0644));
  REQUIRE(w.mounts.GetFrom("/dev/vda5", "/x") == "1");
  SECTION("again is the same") {
    REQUIRE_OK(root.EnsureMounted());
    REQUIRE(w.Mounted() == kAll);
  }
  SECTION("another object, as after a restart, finds it") {
    REQUIRE_OK(w.Make().EnsureMounted());
    REQUIRE(w.Mounted() == kAll);
  }
  SECTION("what is missing is added") {
    REQUIRE_OK(w.mounts.Unmount("/run/trident/newroot/var/lib/data"));
    REQUIRE_OK(w.mounts.Unmount("/run/trident/newroot/tmp"));
    REQUIRE_OK(root.EnsureMounted());
    REQUIRE(w.Mounted() == kAll);
  }
  SECTION("the other volume is replaced as a whole") {
    REQUIRE_OK(w.Make(Volume::kA).EnsureMounted());
    const Lines mounted = w.Mounted();
    REQUIRE(mounted.size() == kAll.size());
    REQUIRE(mounted[0] == "/dev/vda3 /run/trident/newroot");
    REQUIRE(mounted[1] == "/dev/vda1 /run/trident/newroot/boot/efi");
  }
  REQUIRE_OK(root.UnmountAll());
  REQUIRE(w.Mounted().empty());
  REQUIRE_OK(root.UnmountAll());
}

TEST_CASE("the new root is writable whatever the document says for later") {
  World w;
  REQUIRE_OK(w.Make().EnsureMounted());
  REQUIRE(w.mounts.List()->front().options == "defaults");
}

TEST_CASE("what is adopted and read-only is not written while the new root is") {
  World w;
  for (MountPoint& mount : w.configuration.storage.mount_points) {
    if (mount.path == "/var/lib/data") mount.options = {"ro"};
  }
  AdoptedPartition adopted;
  adopted.id = "data";
  w.configuration.storage.disks.resize(1);
  w.configuration.storage.disks[0].adopted_partitions = {adopted};
  NewRoot root = w.Make();
  REQUIRE_OK(root.EnsureMounted());
  const auto entries = w.mounts.List();
  const auto data = std::find_if(entries->begin(), entries->end(), [](const MountEntry& entry) {
    return entry.target == "/run/trident/newroot/var/lib/data";
  });
  REQUIRE(data != entries->end());
  REQUIRE(data->options == "ro");
}

TEST_CASE("a device that the running system has mounted is mounted once more") {
  World w;
  w.files.SetDirectory("/var/lib/data");
  w.mounts.SetFileOn("/dev/vda5", "/store", "content");
  REQUIRE_OK(w.mounts.Mount("/dev/vda5", "/var/lib/data", "ext4", {}));
  NewRoot root = w.Make();
  REQUIRE_OK(root.EnsureMounted());
  REQUIRE(w.files.Get(root.path() + "/var/lib/data/store") == "content");
  REQUIRE_OK(root.UnmountAll());
  REQUIRE(w.Mounted() == Lines{"/dev/vda5 /var/lib/data"});
}

TEST_CASE("whichever mount fails, nothing is left and the reason is told") {
  for (int nth = 1; nth <= static_cast<int>(kAll.size()); ++nth) {
    DYNAMIC_SECTION("mount " << nth) {
      World w;
      w.mounts.FailMount(nth, absl::DataLossError("bad sector"));
      NewRoot root = w.Make();
      REQUIRE_ERROR(root.EnsureMounted(), absl::StatusCode::kDataLoss, "bad sector");
      REQUIRE(w.Mounted().empty());
      REQUIRE_OK(root.EnsureMounted());
      REQUIRE(w.Mounted() == kAll);
    }
  }
}

TEST_CASE("links of the new root do not lead out of it") {
  World w;
  w.mounts.SetLinkOn("/dev/vda4", "/var", "/real-var");
  w.mounts.SetFileOn("/dev/vda4", "/real-var/x", "");
  REQUIRE_OK(w.Make().EnsureMounted());
  const Lines mounted = w.Mounted();
  REQUIRE(mounted.back() == "/dev/vda5 /run/trident/newroot/real-var/lib/data");
  REQUIRE_OK(w.Make().EnsureMounted());
  REQUIRE(w.Mounted() == mounted);
}

TEST_CASE("a document with its own /tmp gets that one") {
  World w;
  w.configuration.storage.mount_points[1].path = "/tmp";
  REQUIRE_OK(w.Make().EnsureMounted());
  REQUIRE(w.Mounted().back() == "/dev/vda5 /run/trident/newroot/tmp");
  REQUIRE(w.Mounted().size() == kAll.size() - 1);
}

TEST_CASE("a document without a root is refused before anything is mounted") {
  World w;
  w.configuration.storage.mount_points.erase(w.configuration.storage.mount_points.begin() + 2);
  REQUIRE_ERROR(w.Make().EnsureMounted(), absl::StatusCode::kFailedPrecondition, "\"/\"");
  REQUIRE(w.Mounted().empty());
}

TEST_CASE("a busy mount is reported and can be unmounted later") {
  World w;
  NewRoot root = w.Make();
  REQUIRE_OK(root.EnsureMounted());
  w.mounts.SetBusy("/run/trident/newroot", true);
  REQUIRE_ERROR(root.UnmountAll(), absl::StatusCode::kFailedPrecondition, "busy");
  w.mounts.SetBusy("/run/trident/newroot", false);
  REQUIRE_OK(root.UnmountAll());
  REQUIRE(w.Mounted().empty());
}

}  // namespace
}  // namespace trident
