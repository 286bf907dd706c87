// Encrypted volumes from the plan to the new root, on a machine in memory.
#include "tests/agent/servicing/fake_world.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using test::FakeWorld;

constexpr char kKeyFile[] = "/etc/recovery.key";
constexpr char kKey[] = "the recovery key, which nobody may see";

// /home encrypted, over the partition "home".
HostConfiguration Encrypted(FakeWorld& world, Tpm2Use tpm2, bool with_recovery_key) {
  HostConfiguration document = world.Document(1);
  EncryptionSettings settings;
  if (with_recovery_key) settings.recovery_key_url = std::string("file://") + kKeyFile;
  settings.tpm2 = tpm2;
  settings.volumes = {{"vault", "vault", "home"}};
  document.storage.encryption = settings;
  for (MountPoint& mount : document.storage.mount_points) {
    if (mount.path == "/home") mount.target_id = "vault";
  }
  world.files.SetFile(kKeyFile, kKey, 0600);
  return document;
}

std::string ReadInRoot(FakeWorld& world, const std::string& path) {
  const auto root = FindDevice(world.recorded.status, "root-a");
  return world.mounts.GetFrom(root->path, path).value_or("(no file)");
}

TEST_CASE(
    "an encrypted volume opens with what the document says, whether steps run once or twice") {
  struct Case {
    const char* name;
    Tpm2Use use;
    bool has_tpm2;
    bool recovery_key;
    bool opens_by_tpm2;
  };
  for (const Case& one : {
           Case{"recovery key and TPM", Tpm2Use::kPreferred, true, true, true},
           Case{"recovery key alone, on a machine with a TPM", Tpm2Use::kNever, true, true, false},
           Case{"recovery key, TPM preferred but not there", Tpm2Use::kPreferred, false, true,
                false},
           Case{"TPM alone", Tpm2Use::kRequired, true, false, true},
       }) {
    for (const int times : {1, 2}) {
      DYNAMIC_SECTION(one.name << ", steps run " << times << " times") {
        FakeWorld world;
        world.encryption.SetTpm2(one.has_tpm2);
        const auto servicer = world.MakeServicer();
        const HostConfiguration document = Encrypted(world, one.use, one.recovery_key);
        const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
        REQUIRE_OK(plan);
        REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kStage, times));
        const EncryptedVolumeStatus& status =
            world.recorded.status.storage.encrypted_volumes.at("vault");
        CHECK(status.size > 0);
        const auto header = world.encryption.Inspect(status.target_path);
        REQUIRE_OK(header);
        CHECK(HasTpm2Token(*header) == one.opens_by_tpm2);
        CHECK(header->key_slots.size() ==
              static_cast<size_t>(one.recovery_key) + static_cast<size_t>(one.opens_by_tpm2));
        const auto key = Secret::CopyOf(kKey);
        CHECK(world.encryption.CheckKey(status.target_path, *key).ok() == one.recovery_key);
        CHECK_THAT(ReadInRoot(world, "/etc/crypttab"),
                   Catch::StartsWith("vault PARTUUID=") &&
                       Catch::EndsWith(one.opens_by_tpm2 ? " none luks,tpm2-device=auto\n"
                                                         : " none luks\n"));
        CHECK_THAT(ReadInRoot(world, "/etc/fstab"),
                   Catch::Contains("/dev/mapper/vault /home ext4"));
        CHECK(world.devices.Probe("/dev/mapper/vault")->type == "ext4");
      }
    }
  }
}

TEST_CASE("what could not be opened is refused before anything is written") {
  struct Case {
    const char* name;
    std::function<void(FakeWorld&)> change;
    Tpm2Use use;
    bool recovery_key;
    const char* reason;
  };
  const Case cases[] = {
      {"no TPM where one is required", [](FakeWorld& w) { w.encryption.SetTpm2(false); },
       Tpm2Use::kRequired, true, "no TPM 2.0"},
      {"no TPM and no recovery key", [](FakeWorld& w) { w.encryption.SetTpm2(false); },
       Tpm2Use::kPreferred, false, "no TPM 2.0"},
      {"no key file", [](FakeWorld& w) { REQUIRE_OK(w.files.Remove(kKeyFile)); },
       Tpm2Use::kPreferred, true, kKeyFile},
      {"a key that others can read", [](FakeWorld& w) { w.files.SetFile(kKeyFile, "k", 0644); },
       Tpm2Use::kPreferred, true, kKeyFile},
      {"an empty key", [](FakeWorld& w) { w.files.SetFile(kKeyFile, "", 0600); },
       Tpm2Use::kPreferred, true, kKeyFile},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      FakeWorld world;
      const HostConfiguration document = Encrypted(world, one.use, one.recovery_key);
      one.change(world);
      const auto servicer = world.MakeServicer();
      const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
      REQUIRE_FALSE(plan.ok());
      CHECK_THAT(plan.status().ToString(), Catch::Contains(one.reason));
      CHECK(world.encryption.changes().empty());
      CHECK(world.devices.tables_written() == 0);
    }
  }
}

TEST_CASE("swap with a fresh key has no header, and nothing is made on it") {
  FakeWorld world;
  HostConfiguration document = Encrypted(world, Tpm2Use::kNever, true);
  for (MountPoint& mount : document.storage.mount_points) {
    if (mount.target_id == "vault") mount = {"none", "swap", {"sw"}, "vault"};
  }
  // Neither a key nor a TPM is needed for it.
  document.storage.encryption->recovery_key_url.reset();
  document.storage.encryption->tpm2 = Tpm2Use::kPreferred;
  world.encryption.SetTpm2(false);
  const auto servicer = world.MakeServicer();
  const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kStage));
  CHECK(world.encryption.changes().empty());
  CHECK_THAT(ReadInRoot(world, "/etc/crypttab"),
             Catch::Contains("/dev/urandom swap,cipher=aes-xts-plain64,size=512"));
  CHECK_THAT(ReadInRoot(world, "/etc/fstab"), Catch::Contains("/dev/mapper/vault none swap sw"));
}

TEST_CASE("an installation that is given up closes its volumes, an installed host keeps them") {
  FakeWorld world;
  const auto servicer = world.MakeServicer();
  const HostConfiguration document = Encrypted(world, Tpm2Use::kPreferred, true);
  const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kStage));
  Recorded installed = world.recorded;
  installed.configuration = document;
  REQUIRE_OK(servicer->CleanUp(installed));
  CHECK(world.encryption.IsActive("vault"));
  // Another installation would close what somebody has opened by that name.
  const auto again = servicer->MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_FALSE(again.ok());
  CHECK_THAT(again.status().ToString(), Catch::Contains("/dev/mapper/vault is there already"));
  REQUIRE_OK(servicer->CleanUp(world.recorded));
  CHECK_FALSE(world.encryption.IsActive("vault"));
}

}  // namespace
}  // namespace trident
