#include "common/status/host_status.h"

#include <catch2/catch.hpp>
#include <string>

#include "common/base/error.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

Contents ContentsOf(Contents::Kind kind) {
  Contents contents;
  contents.kind = kind;
  return contents;
}

HostStatus FullStatus() {
  HostStatus status;
  status.reconcile_state = ReconcileState::kUpdateInProgress;
  status.update_kind = ServicingKind::kAbUpdate;
  status.management.datastore_path = "/var/lib/trident/datastore.sqlite";
  Contents image = ContentsOf(Contents::Kind::kImage);
  image.sha256 = std::string(64, '7');
  image.length = 4096;
  image.url = "http://h/i.zst";
  image.image_filesystem_uuid = "0063-FE10";
  DiskStatus disk{.uuid = "1e5",
                  .path = "/dev/disk/by-path/x",
                  .capacity = UINT64_MAX,
                  .partitions = {},
                  .contents = ContentsOf(Contents::Kind::kInitialized)};
  disk.partitions = {{.id = "a",
                      .path = "/dev/a",
                      .start = 1,
                      .end = 9,
                      .type = PartitionType::kRoot,
                      .contents = image,
                      .uuid = "u"},
                     {.id = "b",
                      .path = "/dev/b",
                      .start = 9,
                      .end = 17,
                      .type = PartitionType::kRoot,
                      .contents = {},
                      .uuid = "v"},
                     {.id = "c",
                      .path = "/dev/c",
                      .start = 17,
                      .end = 18,
                      .type = PartitionType::kSwap,
                      .contents = ContentsOf(Contents::Kind::kZeroed),
                      .uuid = "w"}};
  status.storage.disks["disk"] = disk;
  status.storage.raid_arrays["md"] = {.name = "md",
                                      .device_paths = {"/dev/a", "/dev/b"},
                                      .level = RaidLevel::kRaid6,
                                      .status = RaidArrayStatus::State::kReady,
                                      .array_size = 7,
                                      .path = "/dev/md127",
                                      .raid_symlink_path = "/dev/md/md",
                                      .uuid = "m",
                                      .contents = image};
  status.storage.encrypted_volumes["e"] = {
      .device_name = "e", .target_path = "/dev/c", .size = 1, .contents = {}};
  status.storage.mount_points["root"] = {.path = "/", .filesystem = "ext4", .options = {"ro", "0"}};
  status.storage.ab_update =
      AbUpdateStatus{.volume_pairs = {{"root", {.volume_a_id = "a", .volume_b_id = "b"}}},
                     .active_volume = Volume::kB};
  status.storage.root_device_path = "/dev/b";
  status.os = {.unlisted_users = {"guest"},
               .unlisted_files = {"/etc/site.conf"},
               .preserve_conflicts = {"/etc/machine-id"},
               .preserved_by = "1"};
  status.last_job = LastJobStatus{.id = "1",
                                  .state = "rolled-back",
                                  .servicing_kind = "ab-update",
                                  .reason = "it booted: volume A"};
  return status;
}

TEST_CASE("a status is written and read back to an equal one") {
  HostStatus unusual = FullStatus();
  unusual.storage.disks["a: b\n#"] =
      DiskStatus{.uuid = "~", .path = "", .capacity = 0, .partitions = {}, .contents = {}};
  unusual.storage.ab_update->active_volume = std::nullopt;
  unusual.last_job->reason = "two\nlines\n";
  HostStatus installing;
  installing.reconcile_state = ReconcileState::kCleanInstall;
  HostStatus hot = FullStatus();
  hot.update_kind = ServicingKind::kHotPatch;
  for (const HostStatus& status : {HostStatus(), FullStatus(), unusual, installing, hot}) {
    const std::string written = WriteHostStatus(status);
    INFO(written);
    const auto read = ParseHostStatus(written);
    REQUIRE_OK(read);
    CHECK(*read == status);
    CHECK(WriteHostStatus(*read) == written);
  }
}

TEST_CASE("a status is written as the original writes it") {
  const std::string written = WriteHostStatus(FullStatus());
  for (const char* text :
       {"reconcileState: !update-in-progress ab-update\n", "contents: !image\n", "device_paths:\n",
        "activeVolume: volume-b\n", "rootDevicePath: /dev/b\n", "contents: unknown\n",
        "contents: initialized\n", "contents: zeroed\n"}) {
    INFO(text);
    CHECK(written.find(text) != std::string::npos);
  }
  CHECK(WriteHostStatus(HostStatus()) ==
        "reconcileState: ready\nmanagement:\n  datastorePath: null\nstorage: {}\n");
}

TEST_CASE("keys of a newer agent are ignored") {
  const auto read = ParseHostStatus(
      "reconcileState: ready\nnewer: {a: 1}\nstorage:\n  abUpdate: {volumePairs: {}, activeVolume: "
      "volume-a, other: 1}\n");
  REQUIRE_OK(read);
  CHECK(read->storage.ab_update->active_volume == Volume::kA);
}

TEST_CASE("a status that is none is refused with findings") {
  struct Case {
    const char* name;
    const char* text;
    const char* path;
  };
  const Case cases[] = {
      {"no YAML", "a: [", ""},
      {"nothing", "", ""},
      {"an unknown state", "reconcileState: busy\n", "reconcileState"},
      {"an update without a kind", "reconcileState: !update-in-progress x\n", "reconcileState"},
      {"an unknown tag", "reconcileState: !busy ab-update\n", "reconcileState"},
      {"contents of an unknown kind",
       "storage: {disks: {d: {uuid: u, path: p, capacity: 1, contents: x}}}\n",
       "storage.disks.d.contents"},
      {"an image without a length",
       "storage: {disks: {d: {uuid: u, path: p, capacity: 1, contents: !image {sha256: s, url: "
       "u}}}}\n",
       "storage.disks.d.contents.length"},
      {"a negative capacity", "storage: {disks: {d: {uuid: u, path: p, capacity: -1}}}\n",
       "storage.disks.d.capacity"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const auto read = ParseHostStatus(c.text);
      REQUIRE(read.status().code() == absl::StatusCode::kInvalidArgument);
      const ErrorDetail detail = GetErrorDetail(read.status());
      CHECK(detail.subkind == "host-status");
      REQUIRE(detail.findings.size() == 1);
      CHECK(detail.findings[0].path == c.path);
    }
  }
}

TEST_CASE("partitions are found on any disk and pairs resolve to their halves") {
  HostStatus status = FullStatus();
  CHECK(FindPartition(status, "b")->uuid == "v");
  FindPartition(status, "b")->uuid = "changed";
  const HostStatus& constant = status;
  CHECK(FindPartition(constant, "b")->uuid == "changed");
  CHECK(FindPartition(constant, "nothing") == nullptr);
  CHECK(ResolveVolume(status, "root", Volume::kA) == "a");
  CHECK(ResolveVolume(status, "root", Volume::kB) == "b");
  CHECK(ResolveVolume(status, "c", Volume::kB) == "c");
  CHECK(ResolveVolume(HostStatus(), "root", Volume::kA) == "root");
}

}  // namespace
}  // namespace trident
