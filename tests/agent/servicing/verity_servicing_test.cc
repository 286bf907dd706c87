// A verity root and overlays from the plan to the new root, on a machine in memory.
#include "absl/strings/str_cat.h"
#include "agent/servicing/verity_steps.h"
#include "tests/agent/servicing/fake_world.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using test::FakeWorld;

constexpr char kEntry[] = "/loader/entries/debian.conf";

std::string OnDevice(FakeWorld& world, const std::string& id, const std::string& path) {
  const auto device = FindDevice(world.recorded.status, id);
  REQUIRE(device);
  return world.mounts.GetFrom(device->path, path).value_or("(no file)");
}

std::string PartUuidOf(const FakeWorld& world, const std::string& id) {
  return FindDevice(world.recorded.status, id)->partition_uuid;
}

// Installs version 1 to volume A.
std::unique_ptr<Servicer> Install(FakeWorld& world, const HostConfiguration& document,
                                  int times = 1) {
  auto servicer = world.MakeServicer();
  const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kStage, times));
  REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kFinalize, times));
  world.recorded.configuration = document;
  return servicer;
}

// The machine runs from the verity root over this half.
void RunFrom(FakeWorld& world, const std::string& data, const std::string& hash) {
  for (const std::string id : {"root-a", "root-b", "hash-a", "hash-b"}) {
    const std::string device = world.devices.Resolve(FindDevice(world.recorded.status, id)->path);
    REQUIRE_OK(world.files.Remove(
        absl::StrCat("/sys/class/block/dm-0/slaves/", device.substr(device.rfind('/') + 1))));
  }
  for (const std::string& id : {data, hash}) {
    const std::string device = world.devices.Resolve(FindDevice(world.recorded.status, id)->path);
    world.files.SetFile(
        absl::StrCat("/sys/class/block/dm-0/slaves/", device.substr(device.rfind('/') + 1)), "");
  }
  world.files.SetFile("/dev/dm-0", "");
  world.files.SetLink("/dev/mapper/root", "/dev/dm-0");
  world.machine.SetRootDevice("/dev/dm-0");
}

TEST_CASE("a verity root is checked, and what it must have written is on the data partition") {
  const int times = GENERATE(1, 2);
  INFO(times);
  FakeWorld world;
  const HostConfiguration document = world.VerityDocument(1);
  const auto servicer = Install(world, document, times);

  const std::string entry = OnDevice(world, "esp-a", kEntry);
  CHECK_THAT(entry, Catch::Contains("initrd /trident/overlays.img\ninitrd /debian/initrd\n"));
  CHECK_THAT(entry,
             Catch::Contains(absl::StrCat(
                 "options root=/dev/mapper/root ro panic=5 roothash=", std::string(64, 'b'),
                 " systemd.verity_root_data=PARTUUID=", PartUuidOf(world, "root-a"),
                 " systemd.verity_root_hash=PARTUUID=", PartUuidOf(world, "hash-a"),
                 " systemd.verity_root_options=panic-on-corruption systemd.verity=1 rd.shell=0 "
                 "rd.emergency=reboot\n")));
  CHECK_THAT(OnDevice(world, "esp-a", "/trident/overlays.img"),
             Catch::Contains("sysroot-etc.mount") && Catch::Contains("sysroot-data.mount"));

  const std::string upper = "/trident-overlays/volume-a/upper/etc";
  const std::string fstab = OnDevice(world, "data", upper + "/fstab");
  CHECK_THAT(fstab, Catch::StartsWith("/dev/mapper/root / ext4 defaults,ro 0 0\n"));
  CHECK_THAT(fstab, Catch::Contains(absl::StrCat("PARTUUID=", PartUuidOf(world, "data"),
                                                 " /data ext4 noatime,x-initrd.mount 0 0\n")));
  CHECK_THAT(fstab, Catch::Contains("overlay /var overlay lowerdir=/var,"));
  CHECK_THAT(fstab, !Catch::Contains("lowerdir=/etc"));
  CHECK_THAT(OnDevice(world, "data", upper + "/trident/config.yaml"),
             Catch::Contains("hostConfiguration"));
  CHECK_THAT(OnDevice(world, "data", upper + "/systemd/system/trident-overlays.service"),
             Catch::Contains("mkdir -p /run/trident-overlays/upper/var"));
  // Nothing has touched the data itself, and nothing holds it any more.
  CHECK(world.devices.UsersOf("/dev/vda3").empty());
  CHECK_FALSE(world.verity.IsOpen("trident-root"));
  const VerityDeviceStatus& status =
      world.recorded.status.storage.verity_devices.at("verified-root");
  CHECK(status.device_name == "root");
  CHECK(status.root_hashes.at("root-a") == std::string(64, 'b'));
}

TEST_CASE("an update writes the other half, and leaves the overlays of the running system alone") {
  FakeWorld world;
  const auto servicer = Install(world, world.VerityDocument(1));
  RunFrom(world, "root-a", "hash-a");
  REQUIRE_OK(servicer->Refresh(world.recorded, world.recorded.status));
  REQUIRE(world.recorded.status.storage.ab_update->active_volume == Volume::kA);
  world.mounts.SetFileOn(FindDevice(world.recorded.status, "data")->path,
                         "/trident-overlays/volume-a/upper/etc/mine", "kept");
  // Of an update that was given up.
  world.mounts.SetFileOn(FindDevice(world.recorded.status, "data")->path,
                         "/trident-overlays/volume-b/upper/etc/old/file", "old");
  world.mounts.SetLinkOn(FindDevice(world.recorded.status, "data")->path,
                         "/trident-overlays/volume-b/upper/etc/link", "/data");

  const HostConfiguration document = world.VerityDocument(2);
  const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  CHECK(plan->target == Volume::kB);
  REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kStage));
  CHECK(OnDevice(world, "data", "/trident-overlays/volume-a/upper/etc/mine") == "kept");
  CHECK(OnDevice(world, "data", "/trident-overlays/volume-b/upper/etc/old/file") == "(no file)");
  CHECK_THAT(OnDevice(world, "data", "/trident-overlays/volume-b/upper/etc/fstab"),
             Catch::Contains("/dev/mapper/root / ext4"));
  CHECK_THAT(OnDevice(world, "esp-b", kEntry),
             Catch::Contains(PartUuidOf(world, "root-b")) &&
                 Catch::Contains(PartUuidOf(world, "hash-b")) &&
                 Catch::Contains("roothash=" + std::string(64, 'c')));
  const auto& hashes = world.recorded.status.storage.verity_devices.at("verified-root").root_hashes;
  CHECK(hashes.at("root-a") == std::string(64, 'b'));
  CHECK(hashes.at("root-b") == std::string(64, 'c'));

  RunFrom(world, "root-b", "hash-b");
  const auto finding = servicer->InspectBoot(document, *plan, world.recorded.status);
  REQUIRE_OK(finding);
  CHECK(finding->target_booted);
}

TEST_CASE("a verity /usr is what the initrd mounts, whatever the image's entry says of it") {
  struct Case {
    const char* name;
    const char* image;
    const char* kept;
  };
  const Case cases[] = {
      {"an entry that says nothing of /usr", "ro panic=5", "ro panic=5"},
      {"an entry of an image whose /usr was an ordinary partition",
       "ro mount.usr=UUID=66666666-2222-3333-4444-555555555555 mount.usrfstype=btrfs "
       "mount.usrflags=rw panic=5",
       "ro panic=5"},
      {"an entry of an image for other hashes",
       "ro panic=5 usrhash=00 systemd.verity_usr_data=/dev/vda9 systemd.verity_usr_options=x",
       "ro panic=5"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      FakeWorld world;
      world.entry_options = one.image;
      const auto servicer = Install(world, world.UsrVerityDocument(1), GENERATE(1, 2));
      CHECK_THAT(OnDevice(world, "esp-a", kEntry),
                 Catch::Contains(absl::StrCat(
                     "options root=PARTUUID=", PartUuidOf(world, "root-a"), " ", one.kept,
                     " usrhash=", std::string(64, 'b'),
                     " systemd.verity_usr_data=PARTUUID=", PartUuidOf(world, "usr-a"),
                     " systemd.verity_usr_hash=PARTUUID=", PartUuidOf(world, "usr-hash-a"),
                     " systemd.verity_usr_options=panic-on-corruption mount.usr=/dev/mapper/usr "
                     "mount.usrflags=ro systemd.verity=1 rd.shell=0 rd.emergency=reboot\n")));
      // The root is written as always: it needs no overlay, hence no initrd for one.
      CHECK_THAT(OnDevice(world, "esp-a", kEntry), !Catch::Contains("overlays.img"));
      const std::string fstab = OnDevice(world, "root-a", "/etc/fstab");
      CHECK_THAT(fstab, Catch::Contains("/dev/mapper/usr /usr ext4 noatime,ro 0 0\n"));
      CHECK_THAT(fstab, Catch::StartsWith(absl::StrCat("PARTUUID=", PartUuidOf(world, "root-a"),
                                                       " / ext4 defaults 0 1\n")));
      CHECK_FALSE(world.verity.IsOpen("trident-usr"));
    }
  }
}

TEST_CASE("an update writes and checks the other half of a verity /usr") {
  FakeWorld world;
  const auto servicer = Install(world, world.UsrVerityDocument(1));
  world.machine.SetRootDevice(
      world.devices.Resolve(FindDevice(world.recorded.status, "root-a")->path));
  REQUIRE_OK(servicer->Refresh(world.recorded, world.recorded.status));
  REQUIRE(world.recorded.status.storage.ab_update->active_volume == Volume::kA);
  const HostConfiguration document = world.UsrVerityDocument(2);
  const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  CHECK(plan->target == Volume::kB);

  SECTION("what was staged is whole") {
    REQUIRE_OK(world.RunPhase(*servicer, document, *plan, Phase::kStage));
    const auto& hashes =
        world.recorded.status.storage.verity_devices.at("verified-usr").root_hashes;
    CHECK(hashes.at("usr-a") == std::string(64, 'b'));
    CHECK(hashes.at("usr-b") == std::string(64, 'c'));
    CHECK_THAT(OnDevice(world, "esp-b", kEntry),
               Catch::Contains(PartUuidOf(world, "usr-b")) &&
                   Catch::Contains(PartUuidOf(world, "usr-hash-b")) &&
                   Catch::Contains("usrhash=" + std::string(64, 'c')));
  }
  SECTION("what was staged is not what its root hash says") {
    world.verity.Tamper(world.devices.Resolve(FindDevice(world.recorded.status, "usr-b")->path));
    const absl::Status staged = world.RunPhase(*servicer, document, *plan, Phase::kStage);
    REQUIRE_FALSE(staged.ok());
    CHECK_THAT(staged.ToString(), Catch::Contains("'usr-b' does not match its root hash"));
  }
}

TEST_CASE("what does not match its root hash is never made the next system") {
  struct Case {
    const char* name;
    std::function<void(FakeWorld&, HostConfiguration&)> change;
    const char* reason;
  };
  const Case cases[] = {
      {"another root hash",
       [](FakeWorld&, HostConfiguration& document) {
         document.storage.images[1].verity_root_hash = std::string(64, '0');
       },
       "does not match its root hash 0000"},
      {"data of another image",
       [](FakeWorld& world, HostConfiguration&) { world.verity.Tamper("/dev/vda3"); },
       "'root-a' does not match its root hash"},
      {"hashes that are none",
       [](FakeWorld&, HostConfiguration& document) {
         document.storage.images[2].url = document.storage.images[1].url;
       },
       "no tree of hashes"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      FakeWorld world;
      HostConfiguration document = world.VerityDocument(1);
      one.change(world, document);
      const auto servicer = world.MakeServicer();
      const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
      REQUIRE_OK(plan);
      const absl::Status staged = world.RunPhase(*servicer, document, *plan, Phase::kStage);
      REQUIRE_FALSE(staged.ok());
      CHECK_THAT(staged.ToString(), Catch::Contains(one.reason));
      CHECK(world.firmware.Next().value() == std::nullopt);
      REQUIRE_OK(servicer->CleanUp(world.recorded));
      CHECK_FALSE(world.verity.IsOpen("trident-root"));
    }
  }
}

TEST_CASE("a verity root without systemd-boot is refused with what is missing") {
  FakeWorld world;
  const HostConfiguration document = world.VerityDocument(1);
  world.use_systemd_boot = false;
  const auto servicer = world.MakeServicer();
  const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
  REQUIRE_OK(plan);
  REQUIRE_ERROR(world.RunPhase(*servicer, document, *plan, Phase::kStage),
                absl::StatusCode::kUnimplemented, "systemd-boot on the ESP");
}

TEST_CASE("parameters of the kernel follow from what shall happen on corruption") {
  FakeWorld world;
  HostConfiguration document = world.VerityDocument(1);
  Install(world, document);
  const std::pair<CorruptionOption, const char*> options[] = {
      {CorruptionOption::kIgnore, "ignore-corruption"},
      {CorruptionOption::kPanic, "panic-on-corruption"},
      {CorruptionOption::kRestart, "restart-on-corruption"},
      {CorruptionOption::kIoError, ""}};
  for (const auto& [option, value] : options) {
    document.storage.verity[0].corruption_option = option;
    const auto parameters = VerityParameters(document, world.recorded.status, Volume::kA);
    REQUIRE_OK(parameters);
    const KernelParameters& made = *parameters;
    const auto found = std::find_if(made.set.begin(), made.set.end(), [](const auto& parameter) {
      return parameter.first == "systemd.verity_root_options";
    });
    CHECK((found == made.set.end() ? "" : found->second) == value);
    CHECK(made.removed.empty() == (option != CorruptionOption::kIoError));
  }
  document.storage.verity.clear();
  CHECK(VerityParameters(document, world.recorded.status, Volume::kA)->empty());
}

TEST_CASE("what changes of verity devices and overlays needs an update, or is refused") {
  FakeWorld world;
  const auto servicer = Install(world, world.VerityDocument(1));
  RunFrom(world, "root-a", "hash-a");
  REQUIRE_OK(servicer->Refresh(world.recorded, world.recorded.status));
  struct Case {
    const char* name;
    std::function<void(Storage&)> change;
    const char* refused;  // null: an A/B update
  };
  const Case cases[] = {
      {"what happens on corruption",
       [](Storage& s) { s.verity[0].corruption_option = CorruptionOption::kRestart; }, nullptr},
      {"the overlays", [](Storage& s) { s.overlays.pop_back(); }, nullptr},
      {"the root hash alone",
       [](Storage& s) { s.images[1].verity_root_hash = std::string(64, '1'); }, nullptr},
      {"the id", [](Storage& s) { s.verity[0].id = s.mount_points[0].target_id = "other"; },
       "cannot change"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      HostConfiguration document = *world.recorded.configuration;
      one.change(document.storage);
      const auto plan = servicer->MakePlan(document, world.recorded, false, Cancellation());
      if (one.refused == nullptr) {
        REQUIRE_OK(plan);
        CHECK(plan->kind == ServicingKind::kAbUpdate);
      } else {
        REQUIRE_FALSE(plan.ok());
        CHECK_THAT(plan.status().ToString(), Catch::Contains(one.refused));
      }
    }
  }
}

}  // namespace
}  // namespace trident
