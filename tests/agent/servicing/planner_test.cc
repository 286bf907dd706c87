#include "agent/servicing/planner.h"

#include <algorithm>
#include <functional>

#include "agent/servicing/change.h"
#include "common/config/document.h"
#include "tests/agent/servicing/worlds.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using test::BareMachine;
using test::Document;
using test::InstalledHost;
using test::RunningMachine;

std::vector<std::string> StepIds(const Plan& plan) {
  std::vector<std::string> ids;
  for (const Step& step : plan.steps) ids.push_back(step.id);
  return ids;
}

}  // namespace

TEST_CASE("a clean install writes tables, file systems and images, then points the firmware") {
  const HostConfiguration desired = Document(1);
  const auto plan = MakePlan(desired, {}, BareMachine(desired), false);
  REQUIRE_OK(plan);
  CHECK(plan->kind == ServicingKind::kCleanInstall);
  CHECK(plan->target == Volume::kA);
  CHECK(plan->reboots);
  CHECK(StepIds(*plan) ==
        std::vector<std::string>{
            "write-partition-table/disk", "make-filesystem/trident", "make-filesystem/home",
            "write-image/esp-a", "verify-image/esp-a", "set-identity/esp-a", "write-image/root-a",
            "verify-image/root-a", "set-identity/root-a", "grow-filesystem/root-a",
            "mount-new-root", "configure-boot", "write-fstab", "configure-management",
            "unmount-new-root", "check-target", "point-firmware", "leave", "commit-boot"});
  CHECK(plan->bytes_to_fetch == 60u << 20);
  CHECK(plan->bytes_to_write == 200u << 20);
  CHECK(plan->destroyed.size() == 1);
}

TEST_CASE("an A/B update writes the other volume of every pair and nothing else") {
  for (const Volume active : {Volume::kA, Volume::kB}) {
    const HostConfiguration desired = Document(2);
    const auto plan =
        MakePlan(desired, InstalledHost(1, active), RunningMachine(desired, active), false);
    REQUIRE_OK(plan);
    CHECK(plan->kind == ServicingKind::kAbUpdate);
    CHECK(plan->target == OtherVolume(active));
    const std::string half = active == Volume::kA ? "-b" : "-a";
    CHECK(StepIds(*plan) ==
          std::vector<std::string>{
              "write-image/esp" + half, "verify-image/esp" + half, "set-identity/esp" + half,
              "write-image/root" + half, "verify-image/root" + half, "set-identity/root" + half,
              "grow-filesystem/root" + half, "mount-new-root", "configure-boot", "write-fstab",
              "preserve-state", "configure-management", "unmount-new-root", "check-target",
              "point-firmware", "leave", "commit-boot"});
  }
}

TEST_CASE("scripts and the operating system have their places in each order") {
  const auto script = [](const char* name) {
    Script script;
    script.name = name;
    script.servicing_type = {ScriptServicing::kAll};
    script.content = "true";
    return script;
  };
  const auto with_all = [&](int version) {
    HostConfiguration document = Document(version);
    document.scripts.pre_servicing = {script("never"), script("pre")};
    document.scripts.pre_servicing[0].servicing_type.clear();
    document.scripts.post_provision = {script("provision")};
    document.scripts.post_configure = {script("configure")};
    document.osconfig.selinux.mode = SelinuxMode::kPermissive;
    return document;
  };
  const auto ids_from = [](const Plan& plan, const char* first) {
    std::vector<std::string> ids = StepIds(plan);
    ids.erase(ids.begin(), std::find(ids.begin(), ids.end(), first));
    return ids;
  };
  const HostConfiguration desired = with_all(1);
  const auto install = MakePlan(desired, {}, BareMachine(desired), false);
  REQUIRE_OK(install);
  CHECK(install->steps[0].id == "run-script/preServicing[1]");
  CHECK(ids_from(*install, "write-fstab") ==
        std::vector<std::string>{"write-fstab", "run-script/postProvision[0]", "configure-os",
                                 "configure-management", "run-script/postConfigure[0]",
                                 "label-files", "unmount-new-root", "check-target",
                                 "point-firmware", "leave", "commit-boot"});

  const HostConfiguration next = with_all(2);
  const auto update =
      MakePlan(next, InstalledHost(1, Volume::kA), RunningMachine(next, Volume::kA), false);
  REQUIRE_OK(update);
  CHECK(update->steps[0].id == "run-script/preServicing[1]");
  CHECK(ids_from(*update, "write-fstab") ==
        std::vector<std::string>{"write-fstab", "preserve-state", "run-script/postProvision[0]",
                                 "configure-os", "configure-management",
                                 "run-script/postConfigure[0]", "label-files", "unmount-new-root",
                                 "check-target", "point-firmware", "leave", "commit-boot"});

  // The mode of SELinux changes, so the running volume is changed and booted again.
  const auto reboot =
      MakePlan(desired, InstalledHost(1, Volume::kB), RunningMachine(desired, Volume::kB), false);
  REQUIRE_OK(reboot);
  CHECK(reboot->kind == ServicingKind::kUpdateAndReboot);
  CHECK(reboot->target == Volume::kB);
  CHECK(reboot->reboots);
  CHECK(reboot->warnings.size() == 1);
  CHECK(StepIds(*reboot) == std::vector<std::string>{"run-script/preServicing[1]", "apply-os",
                                                     "run-script/postConfigure[0]",
                                                     "apply-management", "leave", "commit-os"});
  // Options of the kernel are tried by one start, and the warning is not needed.
  Recorded before = InstalledHost(1, Volume::kB);
  before.configuration = desired;
  HostConfiguration options = desired;
  options.osconfig.kernel_command_line.extra_command_line = {"quiet"};
  const auto tried = MakePlan(options, before, RunningMachine(options, Volume::kB), false);
  REQUIRE_OK(tried);
  CHECK(tried->kind == ServicingKind::kUpdateAndReboot);
  CHECK(tried->warnings.empty());
  CHECK(StepIds(*tried) == std::vector<std::string>{"run-script/preServicing[1]", "apply-os",
                                                    "run-script/postConfigure[0]",
                                                    "apply-management", "try-kernel-options",
                                                    "leave", "keep-kernel-options", "commit-os"});

  Recorded recorded = InstalledHost(1, Volume::kA);
  recorded.configuration = desired;
  HostConfiguration live = desired;
  live.osconfig.hostname = "node-1";
  const auto normal = MakePlan(live, recorded, RunningMachine(live, Volume::kA), false);
  REQUIRE_OK(normal);
  CHECK(normal->kind == ServicingKind::kNormalUpdate);
  CHECK_FALSE(normal->reboots);
  CHECK_FALSE(normal->target.has_value());
  CHECK(StepIds(*normal) == std::vector<std::string>{"run-script/preServicing[1]", "apply-os",
                                                     "run-script/postConfigure[0]",
                                                     "apply-management", "commit-os"});
  // Without a change of the operating system it is not touched.
  live = desired;
  live.management.phonehome = "http://192.0.2.1/";
  const auto patch = MakePlan(live, recorded, RunningMachine(live, Volume::kA), false);
  REQUIRE_OK(patch);
  CHECK(patch->kind == ServicingKind::kHotPatch);
  CHECK(std::count_if(patch->steps.begin(), patch->steps.end(),
                      [](const Step& step) { return step.kind == StepKind::kApplyOs; }) == 0);
}

TEST_CASE("files of this host that are needed must be readable; others need not be") {
  HostConfiguration desired = Document(1);
  Script script;
  script.name = "site";
  script.servicing_type = {ScriptServicing::kAbUpdate};
  script.path = "/opt/site/setup";
  desired.scripts.post_configure = {script};
  desired.osconfig.additional_files.push_back(
      {"/etc/x", std::nullopt, "/opt/site/x", std::nullopt});
  Observation observed = BareMachine(desired);
  observed.unreadable_files["scripts.postConfigure[0].path"] =
      absl::NotFoundError("cannot read /opt/site/setup");
  // It does not run in an installation.
  REQUIRE_OK(MakePlan(desired, {}, observed, false));
  desired.scripts.post_configure[0].servicing_type = {ScriptServicing::kCleanInstall};
  observed.unreadable_files["osconfig.additionalFiles[0].source"] =
      absl::NotFoundError("cannot read /opt/site/x");
  const auto plan = MakePlan(desired, {}, observed, false);
  REQUIRE_FALSE(plan.ok());
  const std::vector<Finding> findings = GetErrorDetail(plan.status()).findings;
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].path == "scripts.postConfigure[0].path");
  CHECK(findings[1].path == "osconfig.additionalFiles[0].source");
}

TEST_CASE("the installed configuration needs nothing") {
  const HostConfiguration desired = Document(1);
  const auto plan =
      MakePlan(desired, InstalledHost(1, Volume::kA), RunningMachine(desired, Volume::kA), false);
  REQUIRE_OK(plan);
  CHECK(plan->kind == ServicingKind::kNone);
  CHECK(plan->steps.empty());
  CHECK_FALSE(plan->reboots);
  CHECK(ImagesToProbe(desired, InstalledHost(1, Volume::kA)).empty());
}

TEST_CASE("each change of an installed host needs its servicing kind") {
  struct Case {
    const char* name;
    std::function<void(HostConfiguration&)> change;
    ServicingKind kind;
    const char* field;  // of an incompatible change
  };
  const Case cases[] = {
      {"another image url", [](auto& c) { c.storage.images[1].url += "x"; },
       ServicingKind::kAbUpdate, ""},
      {"another image hash",
       [](auto& c) { c.storage.images[1].sha256 = ImageHash::Of(std::string(64, '0')); },
       ServicingKind::kAbUpdate, ""},
      {"a hash that is no longer checked",
       [](auto& c) { c.storage.images[1].sha256 = ImageHash::Ignored(); }, ServicingKind::kHotPatch,
       ""},
      {"a hash that comes from SHA256SUMS now",
       [](auto& c) { c.storage.images[1].sha256 = ImageHash::Manifest(); },
       ServicingKind::kHotPatch, ""},
      {"another phonehome", [](auto& c) { c.management.phonehome = "http://192.0.2.1/"; },
       ServicingKind::kHotPatch, ""},
      {"other mount options", [](auto& c) { c.storage.mount_points[3].options = {"noatime"}; },
       ServicingKind::kAbUpdate, ""},
      {"another datastore", [](auto& c) { c.management.datastore_path = "/home/x.sqlite"; },
       ServicingKind::kHotPatch, ""},
      {"another mount point for the file system of the datastore, and its path with it",
       [](auto& c) {
         c.storage.mount_points[2].path = "/srv";
         c.management.datastore_path = "/srv/datastore.sqlite";
       },
       ServicingKind::kAbUpdate, ""},
      {"another mount point for the file system of the datastore, without it",
       [](auto& c) {
         c.storage.mount_points[2].path = "/srv";
         c.storage.mount_points[3].path = "/var/lib/trident";
       },
       ServicingKind::kIncompatible, "management.datastorePath"},
      {"another datastore where nothing is mounted yet",
       [](auto& c) {
         c.storage.mount_points[3].path = "/srv";
         c.management.datastore_path = "/srv/x.sqlite";
       },
       ServicingKind::kIncompatible, "management.datastorePath"},
      {"another datastore while its old file system goes elsewhere",
       [](auto& c) {
         c.storage.mount_points[2].path = "/srv";
         c.management.datastore_path = "/home/x.sqlite";
       },
       ServicingKind::kIncompatible, "management.datastorePath"},
      {"a larger partition", [](auto& c) { c.storage.disks[0].partitions[4].size.bytes *= 2; },
       ServicingKind::kIncompatible, "storage.disks[0].partitions"},
      {"no pair for the ESP",
       [](auto& c) {
         c.storage.ab_update->volume_pairs.erase(c.storage.ab_update->volume_pairs.begin());
       },
       ServicingKind::kIncompatible, "storage.abUpdate"},
      {"another file system", [](auto& c) { c.storage.mount_points[3].filesystem = "vfat"; },
       ServicingKind::kIncompatible, "storage.mountPoints[3]"},
  };
  for (const Case& test : cases) {
    INFO(test.name);
    HostConfiguration desired = Document(1);
    test.change(desired);
    const Recorded recorded = InstalledHost(1, Volume::kA);
    const Change change = CompareConfigurations(desired, *recorded.configuration, recorded.status);
    CHECK(change.kind == test.kind);
    if (test.kind == ServicingKind::kIncompatible) {
      REQUIRE_FALSE(change.incompatible.empty());
      CHECK(change.incompatible[0].path == test.field);
      CHECK_FALSE(MakePlan(desired, recorded, RunningMachine(desired, Volume::kA), false).ok());
    } else {
      CHECK(change.incompatible.empty());
      REQUIRE_OK(MakePlan(desired, recorded, RunningMachine(desired, Volume::kA), false));
    }
  }
}

TEST_CASE("an image is called unchecked only when there is nothing to compare it with") {
  HostConfiguration desired = Document(1);
  desired.storage.images[1].sha256 = ImageHash::Ignored();
  Observation observed = BareMachine(desired);
  const auto unchecked = MakePlan(desired, Recorded{}, observed, false);
  REQUIRE_OK(unchecked);
  const auto warned = [](const Plan& plan) {
    return std::any_of(plan.warnings.begin(), plan.warnings.end(), [](const std::string& warning) {
      return warning.find("storage.images[1]: the hash is ignored") != std::string::npos;
    });
  };
  CHECK(warned(*unchecked));
  // As of a registry: the digest is known whatever the document says.
  observed.images.at(1)->sha256 = std::string(64, 'a');
  const auto compared = MakePlan(desired, Recorded{}, observed, false);
  REQUIRE_OK(compared);
  CHECK_FALSE(warned(*compared));
  CHECK(compared->digest != unchecked->digest);
  observed.images.at(1)->sha256 = std::string(64, 'b');
  CHECK(MakePlan(desired, Recorded{}, observed, false)->digest != compared->digest);
}

TEST_CASE("what a host cannot or must not do is refused before anything is written, by name") {
  struct Case {
    const char* name;
    std::function<void(HostConfiguration&, Observation&)> change;
    absl::StatusCode code;
    const char* text;
  };
  const auto precondition = absl::StatusCode::kFailedPrecondition;
  const auto unsupported = absl::StatusCode::kUnimplemented;
  const Case cases[] = {
      {"not root", [](auto&, auto& o) { o.is_root = false; }, precondition, "does not run as root"},
      {"no UEFI", [](auto&, auto& o) { o.firmware_available = false; }, precondition, "UEFI"},
      {"not a ramdisk OS", [](auto&, auto& o) { o.booted_from_ramdisk = false; }, precondition,
       "safety check"},
      {"disk absent",
       [](auto&, auto& o) {
         o.disks.insert_or_assign("disk", MakeError(absl::StatusCode::kNotFound, "storage",
                                                    "no-device", "/dev/vda: no such device"));
       },
       precondition, "/dev/vda: no such device"},
      {"disk too small", [](auto&, auto& o) { o.disks.at("disk")->size = 1u << 30; }, precondition,
       "storage.disks[0]"},
      {"disk read-only", [](auto&, auto& o) { o.disks.at("disk")->read_only = true; }, precondition,
       "read-only"},
      {"disk mounted",
       [](auto&, auto& o) {
         ObservedPartition partition;
         partition.path = "/dev/vda1";
         partition.users = {"mounted at /mnt"};
         o.disks.at("disk")->partitions.push_back(partition);
       },
       precondition, "/dev/vda1 is mounted at /mnt"},
      {"image larger than its volume",
       [](auto&, auto& o) { o.images.at(1)->content_bytes = (1u << 30) + 1; }, precondition,
       "'root-a' has only 1073741824"},
      {"image not there",
       [](auto&, auto& o) {
         o.images.insert_or_assign(1, MakeError(absl::StatusCode::kNotFound, "image", "not-found",
                                                "http://10.0.2.2/root_v1.raw.zst: HTTP 404"));
       },
       precondition, "HTTP 404"},
      {"a password",
       [](auto& c, auto&) {
         c.osconfig.users.emplace_back().password = {PasswordMode::kDangerousHashed, "$6$x"};
       },
       precondition, "osconfig.users[0].password.mode: 'dangerous-hashed'"},
      {"logins with a password",
       [](auto& c, auto&) {
         c.osconfig.users.emplace_back().ssh_mode = SshMode::kDangerousAllowPassword;
       },
       precondition, "osconfig.users[0].sshMode: 'dangerous-allow-password'"},
      {"an ESP on an array that the firmware cannot read",
       [](auto& c, auto&) {
         c.storage.raid.software = {{"mirror", "mirror", RaidLevel::kRaid1, {"esp-a"}, "1.2"}};
         c.storage.ab_update->volume_pairs[0].volume_a_id = "mirror";
       },
       precondition, "knows no RAID"},
      {"an old array that reaches to a foreign disk",
       [](auto&, auto& o) {
         o.arrays = std::vector<ObservedArray>{
             {"/dev/md127", {{"/dev/vda1", "/dev/vda"}, {"/dev/vdb1", "/dev/vdb"}}, {}}};
       },
       precondition, "/dev/md127 also lies on /dev/vdb"},
      {"an old array that is mounted",
       [](auto&, auto& o) {
         o.arrays = std::vector<ObservedArray>{
             {"/dev/md127", {{"/dev/vda1", "/dev/vda"}}, {"mounted at /srv"}}};
       },
       precondition, "/dev/md127 on the disks is in use: mounted at /srv"},
      {"arrays that cannot be looked at",
       [](auto&, auto& o) { o.arrays = absl::InternalError("sysfs is broken"); }, precondition,
       "sysfs is broken"},
      {"zfs", [](auto& c, auto&) { c.storage.mount_points[3].filesystem = "zfs"; }, unsupported,
       "zfs"},
      {"no root image", [](auto& c, auto&) { c.storage.images.pop_back(); }, precondition,
       "mounted at /"},
      {"no ESP mount",
       [](auto& c, auto&) { c.storage.mount_points.erase(c.storage.mount_points.begin() + 1); },
       precondition, "EFI system partition"},
  };
  for (const Case& test : cases) {
    INFO(test.name);
    HostConfiguration desired = Document(1);
    Observation observed = BareMachine(desired);
    test.change(desired, observed);
    REQUIRE_ERROR(MakePlan(desired, {}, observed, false), test.code, test.text);
  }
}

TEST_CASE("old arrays on the disks are taken apart before the disks are partitioned") {
  const HostConfiguration desired = Document(1);
  Observation observed = BareMachine(desired);
  observed.arrays = std::vector<ObservedArray>{
      {"/dev/md127", {{"/dev/vda1", "/dev/vda"}}, {}},
      {"/dev/md9", {{"/dev/vdc1", "/dev/vdc"}}, {"mounted at /elsewhere"}}};
  ObservedPartition member;
  member.path = "/dev/vda1";
  member.users = {"held by md127"};
  observed.disks.at("disk")->partitions.push_back(member);
  const auto plan = MakePlan(desired, {}, observed, false);
  REQUIRE_OK(plan);
  REQUIRE(plan->steps.size() > 2);
  CHECK(plan->steps[0].id == "remove-array//dev/md127");
  CHECK(plan->steps[1].kind == StepKind::kWritePartitionTable);
  CHECK(plan->destroyed[0] == Destroyed{"/dev/md127", "RAID array of /dev/vda1"});
}

TEST_CASE("a network is written into every new root, after what makes it boot") {
  HostConfiguration desired = Document(2);
  desired.network.emplace();
  const auto install = MakePlan(desired, {}, BareMachine(desired), false);
  REQUIRE_OK(install);
  const auto update =
      MakePlan(desired, InstalledHost(1, Volume::kA), RunningMachine(desired, Volume::kA), false);
  REQUIRE_OK(update);
  CHECK(update->kind == ServicingKind::kAbUpdate);
  for (const Plan& plan : {*install, *update}) {
    const std::vector<std::string> ids = StepIds(plan);
    const auto at = std::find(ids.begin(), ids.end(), "configure-network");
    REQUIRE(at != ids.end());
    CHECK(std::find(ids.begin(), at, "write-fstab") != at);
    CHECK(*(at + 1) == "configure-management");
    CHECK(std::find(ids.begin(), ids.end(), "apply-network") == ids.end());
  }
}

TEST_CASE("a changed network alone is a live change, which has to prove itself") {
  HostConfiguration desired = Document(1);
  desired.network.emplace();
  Observation observed = RunningMachine(desired, Volume::kA);
  REQUIRE_ERROR(MakePlan(desired, InstalledHost(1, Volume::kA), observed, false),
                absl::StatusCode::kFailedPrecondition, "has no netplan");
  observed.has_netplan = true;
  const auto plan = MakePlan(desired, InstalledHost(1, Volume::kA), observed, false);
  REQUIRE_OK(plan);
  CHECK(plan->kind == ServicingKind::kNormalUpdate);
  CHECK_FALSE(plan->reboots);
  CHECK(StepIds(*plan) == std::vector<std::string>{"apply-management", "apply-network",
                                                   "confirm-network", "commit-os"});
  // Not across a reboot, after which nobody could wait for a sign of life.
  desired.osconfig.kernel_command_line.extra_command_line = {"quiet"};
  REQUIRE_ERROR(MakePlan(desired, InstalledHost(1, Volume::kA), observed, false),
                absl::StatusCode::kFailedPrecondition, "cannot change together");
  // Also when it is taken away.
  Recorded recorded = InstalledHost(1, Volume::kA);
  recorded.configuration->network.emplace();
  const auto removal = MakePlan(Document(1), recorded, observed, false);
  REQUIRE_OK(removal);
  CHECK(removal->steps.size() == 4);
}

TEST_CASE("what only a provisioning OS uses changes nothing on a running host but the document") {
  HostConfiguration desired = Document(1);
  desired.network_provision.emplace();
  const auto plan =
      MakePlan(desired, InstalledHost(1, Volume::kA), RunningMachine(desired, Volume::kA), false);
  REQUIRE_OK(plan);
  CHECK(plan->kind == ServicingKind::kHotPatch);
  CHECK(StepIds(*plan) == std::vector<std::string>{"apply-management", "commit-os"});
}

TEST_CASE("all reasons are told, not just the first") {
  HostConfiguration desired = Document(1);
  desired.storage.mount_points[3].filesystem = "f2fs";
  desired.osconfig.users.emplace_back().password = {PasswordMode::kDangerousPlainText, "x"};
  Observation observed = BareMachine(desired);
  observed.booted_from_ramdisk = false;
  const auto plan = MakePlan(desired, {}, observed, false);
  REQUIRE_ERROR(plan, absl::StatusCode::kFailedPrecondition, "dangerous-plain-text");
  const std::vector<Finding> findings = GetErrorDetail(plan.status()).findings;
  REQUIRE(findings.size() == 3);
  CHECK(findings[0].path == "storage.mountPoints[3].filesystem");
  CHECK_THAT(findings[2].reason, Catch::Contains("safety check"));
}

TEST_CASE("passwords are taken when the agent's configuration allows them") {
  HostConfiguration desired = Document(1);
  desired.osconfig.users.emplace_back().password = {PasswordMode::kDangerousPlainText, "x"};
  Observation observed = BareMachine(desired);
  observed.dangerous_options = true;
  REQUIRE_OK(MakePlan(desired, {}, observed, false));
}

TEST_CASE("the safety check can be overridden by its file") {
  const HostConfiguration desired = Document(1);
  Observation observed = BareMachine(desired);
  observed.booted_from_ramdisk = false;
  observed.safety_check_overridden = true;
  REQUIRE_OK(MakePlan(desired, {}, observed, false));
}

TEST_CASE("an installed disk is not installed again by itself") {
  const HostConfiguration desired = Document(1);
  Observation observed = BareMachine(desired);
  observed.found_installation =
      FoundInstallation{"/dev/vda5", ConfigurationDigest(desired), "succeeded"};
  REQUIRE_ERROR(MakePlan(desired, {}, observed, false), absl::StatusCode::kFailedPrecondition,
                "installed on the disk already");
  REQUIRE_OK(MakePlan(desired, {}, observed, true));
  REQUIRE_OK(MakePlan(Document(2), {}, observed, false));
}

TEST_CASE("an update is refused when the recorded root is not the running root") {
  const HostConfiguration desired = Document(2);
  for (const BootedVolume booted : {BootedVolume::kB, BootedVolume::kNeither}) {
    Observation observed = RunningMachine(desired, Volume::kA);
    observed.booted = booted;
    REQUIRE_ERROR(MakePlan(desired, InstalledHost(1, Volume::kA), observed, false),
                  absl::StatusCode::kFailedPrecondition, "volume-a");
  }
}

TEST_CASE("an update needs an image for every pair that was installed from one") {
  HostConfiguration desired = Document(2);
  desired.storage.images.erase(desired.storage.images.begin());
  REQUIRE_ERROR(
      MakePlan(desired, InstalledHost(1, Volume::kA), RunningMachine(desired, Volume::kA), false),
      absl::StatusCode::kFailedPrecondition, "'esp'");
}

TEST_CASE("the digest names the plan: same world, same digest") {
  const HostConfiguration desired = Document(1);
  const Observation observed = BareMachine(desired);
  const std::string digest = MakePlan(desired, {}, observed, false)->digest;
  CHECK(digest.size() == 64);
  CHECK(MakePlan(desired, {}, observed, false)->digest == digest);

  Observation other_image = observed;
  other_image.images.at(1)->validator = "\"w\"";
  CHECK(MakePlan(desired, {}, other_image, false)->digest != digest);
  Observation other_disk = observed;
  other_disk.disks.at("disk")->size *= 2;
  CHECK(MakePlan(desired, {}, other_disk, false)->digest != digest);
  CHECK(MakePlan(Document(2), {}, observed, false)->digest != digest);
}

TEST_CASE("a plan survives the store") {
  const HostConfiguration desired = Document(1);
  const auto plan = MakePlan(desired, {}, BareMachine(desired), false);
  REQUIRE_OK(plan);
  const auto again = PlanFromJson(PlanToJson(*plan));
  REQUIRE_OK(again);
  CHECK(*again == *plan);
  for (const char* broken : {"", "[]", "{", R"({"kind":"x"})", R"({"kind":3})",
                             R"({"kind":"none","steps":[{"kind":"dance","phase":"stage"}]})",
                             R"({"kind":"none","steps":{"a":1}})"}) {
    INFO(broken);
    CHECK_FALSE(PlanFromJson(broken).ok());
  }
}

}  // namespace trident
