#include "agent/storage/crypttab.h"

#include <sys/stat.h>

#include "agent/host/command_runner.h"
#include "common/base/error.h"
#include "tests/agent/storage/storage_world.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

constexpr char kPartition[] = "PARTUUID=a0000000-0000-4000-8000-000000000005";

TEST_CASE("a line says by what its volume is opened") {
  struct Row {
    const char* name;
    CrypttabEntry entry;
    const char* line;
  };
  const Row rows[] = {
      {"a person who types the key",
       {"vault", kPartition, Unlocking::kAsk},
       "vault PARTUUID=a0000000-0000-4000-8000-000000000005 none luks\n"},
      {"the TPM",
       {"vault", kPartition, Unlocking::kTpm2},
       "vault PARTUUID=a0000000-0000-4000-8000-000000000005 none luks,tpm2-device=auto\n"},
      {"a fresh key, for swap",
       {"pageout", kPartition, Unlocking::kFreshKey},
       "pageout PARTUUID=a0000000-0000-4000-8000-000000000005 /dev/urandom "
       "swap,cipher=aes-xts-plain64,size=512\n"},
      {"an array",
       {"v", "/dev/md/mirror", Unlocking::kTpm2},
       "v /dev/md/mirror none luks,tpm2-device=auto\n"},
      {"one that the boot does not wait for",
       {"v", "UUID=1-2", Unlocking::kTpm2, true},
       "v UUID=1-2 none luks,tpm2-device=auto,nofail\n"},
      {"the UUID of a header", {"v", "UUID=1-2", Unlocking::kAsk}, "v UUID=1-2 none luks\n"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    const auto text = FormatCrypttab({row.entry});
    REQUIRE_OK(text);
    REQUIRE(*text == row.line);
  }
}

TEST_CASE("what crypttab cannot express is refused instead of mangled") {
  struct Row {
    const char* name;
    CrypttabEntry entry;
    const char* reason;
  };
  const Row rows[] = {
      {"a blank in the name", {"a b", kPartition, Unlocking::kAsk}, "blanks"},
      {"a tab in the device", {"a", "/dev/a\tb", Unlocking::kAsk}, "blanks"},
      {"a line break", {"a\nb", kPartition, Unlocking::kAsk}, "blanks"},
      {"no name", {"", kPartition, Unlocking::kAsk}, "empty"},
      {"no device", {"a", "", Unlocking::kAsk}, "empty"},
      {"a name that begins a comment", {"#a", kPartition, Unlocking::kAsk}, "comment"},
      {"a fresh key by a UUID that is not there",
       {"a", "UUID=1-2", Unlocking::kFreshKey},
       "no header"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    const auto text = FormatCrypttab({row.entry});
    REQUIRE_ERROR(text, absl::StatusCode::kInvalidArgument, row.reason);
    REQUIRE(GetErrorDetail(text.status()).kind == "encryption");
  }
}

TEST_CASE("nothing encrypted is an empty file") {
  const test::StorageWorld world;
  REQUIRE(CrypttabEntries(world.configuration, world.status, {})->empty());
  REQUIRE(FormatCrypttab({})->empty());
}

// Volumes over a partition, an array and the partition for swap.
test::StorageWorld EncryptedWorld() {
  test::StorageWorld world;
  world.status.storage.raid_arrays["array"].path = "/dev/md/mirror";
  world.configuration.storage.encryption.emplace().volumes = {{"data-clear", "data", "data"},
                                                              {"array-clear", "fast", "array"},
                                                              {"swap-clear", "pageout", "swap"}};
  auto& mounts = world.configuration.storage.mount_points;
  mounts[1].target_id = "data-clear";
  mounts[3].target_id = "swap-clear";
  return world;
}

TEST_CASE("the document's volumes are there in its order, each with what opens it") {
  const test::StorageWorld world = EncryptedWorld();
  const auto entries = CrypttabEntries(world.configuration, world.status, {"array-clear"});
  REQUIRE_OK(entries);
  REQUIRE(*entries == std::vector<CrypttabEntry>{
                          {"data", "PARTUUID=" + test::PartUuid(5), Unlocking::kAsk},
                          {"fast", "/dev/md/mirror", Unlocking::kTpm2},
                          {"pageout", "PARTUUID=" + test::PartUuid(6), Unlocking::kFreshKey}});
}

TEST_CASE("the boot waits for a volume unless nothing that is mounted from it is needed") {
  test::StorageWorld world = EncryptedWorld();
  auto& mounts = world.configuration.storage.mount_points;
  mounts[1].options = {"nofail"};
  mounts.push_back({"/srv", "ext4", {"noatime", "nofail"}, "array-clear"});
  auto entries = CrypttabEntries(world.configuration, world.status, {});
  REQUIRE_OK(entries);
  CHECK((*entries)[0].may_fail);
  CHECK((*entries)[1].may_fail);
  CHECK_FALSE((*entries)[2].may_fail);
  mounts[1].options = {"defaults"};
  entries = CrypttabEntries(world.configuration, world.status, {});
  CHECK_FALSE((*entries)[0].may_fail);
}

TEST_CASE("swap gets a fresh key, whatever the TPM is said to open") {
  const test::StorageWorld world = EncryptedWorld();
  const auto entries = CrypttabEntries(world.configuration, world.status, {"swap-clear"});
  REQUIRE((*entries)[2].unlocking == Unlocking::kFreshKey);
}

TEST_CASE("a partition without a known UUID goes by its path") {
  test::StorageWorld world = EncryptedWorld();
  for (PartitionStatus& partition : world.status.storage.disks["disk1"].partitions) {
    partition.uuid.clear();
    partition.path = "/dev/vda-" + partition.id;
  }
  const auto entries = CrypttabEntries(world.configuration, world.status, {});
  REQUIRE((*entries)[0].device == "/dev/vda-data");
}

TEST_CASE("an encrypted volume whose device is not there yet is named") {
  test::StorageWorld world = EncryptedWorld();
  world.status.storage.disks.clear();
  REQUIRE_ERROR(CrypttabEntries(world.configuration, world.status, {}), absl::StatusCode::kNotFound,
                "data-clear needs the block device \"data\"");
}

TEST_CASE("systemd makes of the lines what they mean") {
  const test::TemporaryDirectory directory;
  const auto text = FormatCrypttab(
      {{"vault", kPartition, Unlocking::kTpm2}, {"pageout", "/dev/md/swap", Unlocking::kFreshKey}});
  REQUIRE_OK(text);
  test::WriteFile(directory / "crypttab", *text);
  REQUIRE(mkdir((directory / "units").c_str(), 0700) == 0);
  Command command;
  command.argv = {"/lib/systemd/system-generators/systemd-cryptsetup-generator",
                  directory / "units", directory / "units", directory / "units"};
  command.environment = {{"SYSTEMD_CRYPTTAB", directory / "crypttab"}};
  REQUIRE_OK(MakeLinuxCommandRunner()->RunChecked(command));
  const std::string vault = test::ReadFile(directory / "units/systemd-cryptsetup@vault.service");
  REQUIRE_THAT(vault, Catch::Matchers::Contains("attach 'vault' '/dev/disk/by-partuuid/"
                                                "a0000000-0000-4000-8000-000000000005' 'none' "
                                                "'luks,tpm2-device=auto'"));
  const std::string swap = test::ReadFile(directory / "units/systemd-cryptsetup@pageout.service");
  REQUIRE_THAT(swap, Catch::Matchers::Contains("attach 'pageout' '/dev/md/swap' '/dev/urandom'"));
  REQUIRE_THAT(swap, Catch::Matchers::Contains("systemd-makefs swap '/dev/mapper/pageout'"));
}

}  // namespace
}  // namespace trident
