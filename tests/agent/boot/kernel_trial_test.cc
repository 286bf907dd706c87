#include "agent/boot/kernel_trial.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/boot/grub_config.h"
#include "agent/boot/kernel_options.h"
#include "agent/host/fake/fake_files.h"
#include "agent/host/fake/fake_firmware.h"
#include "tests/agent/boot/grub_texts.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using Options = std::vector<std::string>;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

const Loader kGrub{LoaderKind::kGrub, "\\EFI\\BOOT\\BOOTX64.EFI"};
const Loader kSystemdBoot{LoaderKind::kSystemdBoot, "\\EFI\\BOOT\\BOOTX64.EFI"};
constexpr char kConfig[] = "/boot/grub/grub.cfg";
constexpr char kCopy[] = "/boot/grub/grub.cfg.trident-trial";
constexpr char kEnvironment[] = "/boot/efi/EFI/trident-trial.env";

struct Host {
  Host() {
    files.SetFile("/boot/efi/EFI/BOOT/BOOTX64.EFI", "loader");
    files.SetDirectory("/boot");
  }

  absl::StatusOr<bool> Prepare(const Loader& loader, const Options& options) {
    return PrepareKernelTrial(files, firmware, loader, "/boot/efi", "/", options,
                              [this](const std::string& path) {
                                announced.insert(path);
                                return absl::OkStatus();
                              });
  }

  FakeFiles files;
  FakeFirmware firmware;
  std::set<std::string> announced;
};

}  // namespace

TEST_CASE("what a kernel was started with tells whether options were tried") {
  CHECK(TrialOptions({"a"}) == Options{"a", "panic=10"});
  CHECK(TrialOptions({"panic=1", "a"}) == Options{"panic=1", "a"});
  struct Case {
    const char* name;
    const char* command_line;
    Options options;
    bool runs;
  };
  const Case cases[] = {
      {"on trial", "root=x ro trident.extra=2 a panic=10", {"a"}, true},
      {"for good", "root=x ro trident.extra=1 a", {"a"}, true},
      {"for good, with words behind", "trident.extra=1 a -- single", {"a"}, true},
      {"the old ones", "root=x ro trident.extra=1 b", {"a"}, false},
      {"none yet", "root=x ro a", {"a"}, false},
      {"none any more", "root=x ro", {}, true},
      {"none any more, on trial", "root=x ro trident.extra=1 panic=10", {}, true},
      {"still some", "root=x ro trident.extra=1 a", {}, false},
      {"another order", "trident.extra=2 b a", {"a", "b"}, false},
      {"fewer than the count says", "trident.extra=9 a", {"a"}, true},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(RunsWithOptions(c.command_line, c.options) == c.runs);
  }
}

TEST_CASE("GRUB turns to the copy once, and what it reads otherwise is untouched") {
  const std::string before = test::DebianConfig(test::kOldUuid, "UUID=x");
  const std::string with = AddGrubTrial(before, "grub.cfg");
  CHECK_THAT(with, EndsWith(before));
  CHECK_THAT(with, Contains("configfile ${config_directory}/grub.cfg.trident-trial\n"));
  CHECK(AddGrubTrial(with, "grub.cfg") == with);
  CHECK(RemoveGrubTrial(with) == before);
  CHECK(RemoveGrubTrial(before) == before);
  // It can still be read for other purposes.
  const auto contents = ReadGrubConfig(with);
  REQUIRE_OK(contents);
  CHECK(contents->kernels.size() == ReadGrubConfig(before)->kernels.size());

  Host host;
  host.files.SetFile("/boot/efi/EFI/BOOT/grub.cfg", test::DebianStub(test::kOldUuid));
  host.files.SetFile(kConfig, before, 0600);
  host.files.SetFile("/etc/kernel/cmdline", "root=x\n");
  const std::vector<std::string> files = host.files.AllFiles();
  for (int i = 0; i < 2; ++i) {
    const auto prepared = host.Prepare(kGrub, {"a"});
    REQUIRE_OK(prepared);
    CHECK(*prepared);
    CHECK(host.files.Get(kConfig) == with);
    CHECK(host.files.ModeOf(kCopy) == 0600);
    CHECK(*host.files.Get(kCopy) == *SetGrubExtraOptions(before, {"a", "panic=10"}));
    const std::string environment = *host.files.Get(kEnvironment);
    CHECK(environment.size() == 1024);
    CHECK_THAT(environment, StartsWith("# GRUB Environment Block\ntrident_trial=1\n###"));
    CHECK(host.files.Get("/etc/kernel/cmdline") == "root=x\n");
    CHECK(host.announced == std::set<std::string>{kConfig, kCopy, kEnvironment});
  }
  REQUIRE_OK(EndKernelTrial(host.files, kGrub, "/boot/efi", "/"));
  CHECK(host.files.Get(kConfig) == before);
  CHECK(host.files.AllFiles() == files);
}

TEST_CASE("systemd-boot gets a last entry that is chosen for one start") {
  Host host;
  const std::string entry = "title D\nsort-key debian\nlinux /v\noptions ro\n";
  const std::string trial = "/boot/efi/loader/entries/~trident-trial.conf";
  host.files.SetFile("/boot/efi/loader/entries/d.conf", entry);
  const std::vector<std::string> files = host.files.AllFiles();
  for (int i = 0; i < 2; ++i) {
    const auto prepared = host.Prepare(kSystemdBoot, {"a"});
    REQUIRE_OK(prepared);
    CHECK(*prepared);
    CHECK(host.files.Get("/boot/efi/loader/entries/d.conf") == entry);
    CHECK(host.files.Get(trial) == "title D\nlinux /v\noptions ro trident.extra=2 a panic=10\n");
    CHECK(*host.firmware.LoaderEntry(LoaderChoice::kOneShot) == "~trident-trial.conf");
    CHECK(host.announced == std::set<std::string>{trial});
  }
  REQUIRE_OK(DisarmKernelTrial(host.firmware));
  CHECK(*host.firmware.LoaderEntry(LoaderChoice::kOneShot) == "");
  REQUIRE_OK(host.firmware.SetLoaderEntry(LoaderChoice::kOneShot, "trident-b.conf"));
  REQUIRE_OK(DisarmKernelTrial(host.firmware));
  CHECK(*host.firmware.LoaderEntry(LoaderChoice::kOneShot) == "trident-b.conf");
  REQUIRE_OK(EndKernelTrial(host.files, kSystemdBoot, "/boot/efi", "/"));
  CHECK(host.files.AllFiles() == files);

  // Of several, the one that starts by itself; the firmware's variable counts first.
  host.files.SetFile("/boot/efi/loader/entries/c.conf", "linux /c\noptions ro c\n");
  host.files.SetFile("/boot/efi/loader/loader.conf", "default c.conf\n");
  REQUIRE_OK(host.Prepare(kSystemdBoot, {"a"}));
  CHECK(host.files.Get(trial) == "linux /c\noptions ro c trident.extra=2 a panic=10\n");
  REQUIRE_OK(host.firmware.SetLoaderEntry(LoaderChoice::kDefault, "D.conf"));
  REQUIRE_OK(host.Prepare(kSystemdBoot, {"a"}));
  CHECK(host.files.Get(trial) == "title D\nlinux /v\noptions ro trident.extra=2 a panic=10\n");
}

TEST_CASE("a boot loader that cannot try them is left as it is") {
  Host host;
  // Entries that GRUB reads by its blscfg.
  host.files.SetFile("/boot/efi/EFI/BOOT/grub.cfg", "configfile /boot/grub2/grub.cfg\n");
  host.files.SetFile("/boot/grub2/grub.cfg", "insmod blscfg\nblscfg\n");
  host.files.SetFile("/boot/loader/entries/d.conf", "linux /v\noptions ro\n");
  // Two of which none is the default.
  host.files.SetFile("/boot/efi/loader/entries/c.conf", "linux /c\n");
  host.files.SetFile("/boot/efi/loader/entries/d.conf", "linux /d\n");
  const auto contents = [&host] {
    std::map<std::string, std::string> texts;
    for (const std::string& path : host.files.AllFiles()) texts[path] = *host.files.Get(path);
    return texts;
  };
  const auto before = contents();
  for (const Loader& loader : {kGrub, kSystemdBoot}) {
    const auto prepared = host.Prepare(loader, {"a"});
    REQUIRE_OK(prepared);
    CHECK_FALSE(*prepared);
  }
  CHECK(contents() == before);

  // Two configurations of GRUB: the first would use up what the second one waits for.
  for (const bool has_entry : {false, true}) {
    Host other;
    const std::string kernel = "menuentry x {\n  linux /v root=x\n}\n";
    other.files.SetFile("/boot/efi/EFI/BOOT/grub.cfg",
                        "configfile /boot/grub/grub.cfg\n" + (has_entry ? "" : kernel));
    other.files.SetFile(kConfig, "blscfg\n" + kernel);
    if (has_entry) other.files.SetFile("/boot/loader/entries/d.conf", "linux /v\noptions ro\n");
    const auto prepared = other.Prepare(kGrub, {"a"});
    REQUIRE_OK(prepared);
    CHECK_FALSE(*prepared);
    CHECK(other.announced.empty());
  }
  CHECK(host.announced.empty());
}

TEST_CASE("files of a trial are known by their names") {
  for (const char* path :
       {kConfig, kCopy, kEnvironment, "/efi/loader/entries/~trident-trial.conf"}) {
    CHECK(IsOfKernelTrial(path));
  }
  for (const char* path : {"/etc/sysctl.d/x.conf", "/boot/grub/custom.cfg", "/grub.cfg/x"}) {
    CHECK_FALSE(IsOfKernelTrial(path));
  }
}

TEST_CASE("a trial that cannot be prepared says so") {
  Host host;
  host.files.SetFile("/boot/efi/loader/entries/m.conf", "efi /memtest.efi\n");
  REQUIRE_ERROR(host.Prepare(kSystemdBoot, {"a"}), absl::StatusCode::kFailedPrecondition,
                "no configuration of systemd-boot");
}

}  // namespace trident
