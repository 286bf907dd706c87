#include "agent/boot/identity.h"

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/host/fake/fake_files.h"
#include "tests/agent/boot/grub_texts.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using test::DebianConfig;
using test::DebianStub;
using test::kNewUuid;
using test::kOldUuid;
using test::kPartitionUuid;

constexpr char kRoot[] = "/new";
constexpr char kEsp[] = "/new/boot/efi";
const std::string kRootParameter = absl::StrCat("PARTUUID=", kPartitionUuid);
const Loader kGrub{LoaderKind::kGrub, "\\EFI\\BOOT\\BOOTX64.EFI"};
const Loader kSystemdBoot{LoaderKind::kSystemdBoot, "\\EFI\\BOOT\\BOOTX64.EFI"};

RootIdentity Identity() {
  return RootIdentity{.old_filesystem_uuid = kOldUuid,
                      .new_filesystem_uuid = kNewUuid,
                      .partition_uuid = kPartitionUuid};
}

void MakeGrubTarget(FakeFiles& files) {
  files.SetFile("/new/boot/efi/EFI/BOOT/BOOTX64.EFI", "loader");
  files.SetFile("/new/boot/efi/EFI/BOOT/grub.cfg", DebianStub(kOldUuid));
  files.SetFile("/new/boot/efi/EFI/debian/grub.cfg", DebianStub(kOldUuid));
  files.SetFile("/new/boot/grub/grub.cfg", DebianConfig(kOldUuid, absl::StrCat("UUID=", kOldUuid)),
                0600);
  files.SetFile("/new/boot/vmlinuz-6.1.0-18-amd64", "kernel");
  files.SetFile("/new/boot/initrd.img-6.1.0-18-amd64", "initrd");
  files.SetFile("/new/etc/default/grub", "GRUB_CMDLINE_LINUX=\"root=LABEL=root panic=5\"\n");
}

void MakeSystemdBootTarget(FakeFiles& files) {
  files.SetFile("/new/boot/efi/EFI/BOOT/BOOTX64.EFI", "#### LoaderInfo: systemd-boot 252 ####");
  files.SetFile("/new/boot/efi/loader/loader.conf", "timeout 0\n");
  files.SetFile("/new/boot/efi/loader/entries/debian.conf",
                "title Debian\nlinux /vmlinuz\ninitrd /initrd.img\noptions root=LABEL=root ro\n");
  files.SetFile("/new/boot/efi/vmlinuz", "kernel");
  files.SetFile("/new/boot/efi/initrd.img", "initrd");
  files.SetFile("/new/etc/kernel/cmdline", "root=LABEL=root ro\n");
}

TEST_CASE("A target with GRUB names itself alone, in every file") {
  FakeFiles files;
  MakeGrubTarget(files);
  std::string environment =
      absl::StrCat("# GRUB Environment Block\nsaved_entry=gnulinux-advanced-", kOldUuid, "\n");
  environment.resize(1024, '#');
  files.SetFile("/new/boot/grub/grubenv", environment);

  REQUIRE_OK(RewriteRootIdentity(files, kGrub, kEsp, kRoot, Identity()));
  CHECK(files.Get("/new/boot/efi/EFI/BOOT/grub.cfg") == DebianStub(kNewUuid));
  CHECK(files.Get("/new/boot/efi/EFI/debian/grub.cfg") == DebianStub(kNewUuid));
  CHECK(files.Get("/new/boot/grub/grub.cfg") == DebianConfig(kNewUuid, kRootParameter));
  CHECK(files.ModeOf("/new/boot/grub/grub.cfg") == 0600);
  CHECK(files.Get("/new/etc/default/grub") ==
        absl::StrCat("GRUB_CMDLINE_LINUX=\"root=", kRootParameter, " panic=5\"\n"));
  const std::string new_environment = files.Get("/new/boot/grub/grubenv").value();
  CHECK(new_environment.size() == 1024);
  CHECK_THAT(new_environment, Catch::Matchers::Contains(kNewUuid));
  CHECK(files.syncs() == 2);
  REQUIRE_OK(CheckBootFiles(files, kGrub, kEsp, kRoot, Identity()));

  const int changes = files.changes();
  REQUIRE_OK(RewriteRootIdentity(files, kGrub, kEsp, kRoot, Identity()));
  CHECK(files.changes() == changes);
}

TEST_CASE("A target with systemd-boot names itself alone, in every file") {
  FakeFiles files;
  MakeSystemdBootTarget(files);
  REQUIRE_OK(RewriteRootIdentity(files, kSystemdBoot, kEsp, kRoot, Identity()));
  CHECK(files.Get("/new/boot/efi/loader/entries/debian.conf") ==
        absl::StrCat("title Debian\nlinux /vmlinuz\ninitrd /initrd.img\noptions root=",
                     kRootParameter, " ro\n"));
  CHECK(files.Get("/new/etc/kernel/cmdline") == absl::StrCat("root=", kRootParameter, " ro\n"));
  REQUIRE_OK(CheckBootFiles(files, kSystemdBoot, kEsp, kRoot, Identity()));
  const int changes = files.changes();
  REQUIRE_OK(RewriteRootIdentity(files, kSystemdBoot, kEsp, kRoot, Identity()));
  CHECK(files.changes() == changes);
}

TEST_CASE("A root that is no partition is found by its own file system UUID") {
  FakeFiles files;
  MakeSystemdBootTarget(files);
  RootIdentity identity = Identity();
  identity.partition_uuid.clear();
  REQUIRE_OK(RewriteRootIdentity(files, kSystemdBoot, kEsp, kRoot, identity));
  CHECK(files.Get("/new/etc/kernel/cmdline") == absl::StrCat("root=UUID=", kNewUuid, " ro\n"));
}

TEST_CASE("A /boot of its own is searched by its own new UUID") {
  FakeFiles files;
  MakeGrubTarget(files);
  files.SetFile("/new/boot/efi/EFI/BOOT/grub.cfg", DebianStub("ABCD-1234"));
  RootIdentity identity = Identity();
  identity.further_filesystem_uuids = {{"abcd-1234", "9999-0000"}};
  REQUIRE_OK(RewriteRootIdentity(files, kGrub, kEsp, kRoot, identity));
  CHECK(files.Get("/new/boot/efi/EFI/BOOT/grub.cfg") == DebianStub("9999-0000"));
}

TEST_CASE("A kernel on the ESP needs no search") {
  FakeFiles files;
  files.SetFile("/new/boot/efi/EFI/BOOT/BOOTX64.EFI", "loader");
  files.SetFile("/new/boot/efi/EFI/BOOT/grub.cfg", "linux /vmlinuz root=LABEL=x ro\ninitrd /i\n");
  files.SetFile("/new/boot/efi/VMLINUZ", "kernel");
  files.SetFile("/new/boot/efi/i", "initrd");
  files.SetDirectory("/new/etc");
  REQUIRE_OK(RewriteRootIdentity(files, kGrub, kEsp, kRoot, Identity()));
  CHECK(files.Get("/new/boot/efi/EFI/BOOT/grub.cfg") ==
        absl::StrCat("linux /vmlinuz root=", kRootParameter, " ro\ninitrd /i\n"));
  REQUIRE_OK(CheckBootFiles(files, kGrub, kEsp, kRoot, Identity()));
}

TEST_CASE("Links of the target's root do not lead out of it") {
  FakeFiles files;
  MakeGrubTarget(files);
  const std::string text = files.Get("/new/boot/grub/grub.cfg").value();
  REQUIRE_OK(files.Remove("/new/boot/grub/grub.cfg"));
  files.SetFile("/new/usr/grub.cfg", text);
  files.SetLink("/new/boot/grub/grub.cfg", "/usr/grub.cfg");
  files.SetFile("/usr/grub.cfg", text);
  REQUIRE_OK(RewriteRootIdentity(files, kGrub, kEsp, kRoot, Identity()));
  CHECK(files.Get("/new/usr/grub.cfg") == DebianConfig(kNewUuid, kRootParameter));
  CHECK(files.Get("/usr/grub.cfg") == text);
}

TEST_CASE("A target that cannot be told from its twin is refused, and nothing is written") {
  struct Case {
    std::string name;
    bool grub;
    std::function<void(FakeFiles&)> spoil;
    std::string message;
  };
  const std::vector<Case> cases = {
      {"the stub searches for another file system", true,
       [](FakeFiles& files) {
         files.SetFile("/new/boot/efi/EFI/debian/grub.cfg", DebianStub("ABCD-1234"));
       },
       "EFI/debian/grub.cfg of the ESP does not lead to the root of this volume: it searches for "
       "ABCD-1234"},
      {"the stub searches for nothing", true,
       [](FakeFiles& files) {
         files.SetFile("/new/boot/efi/EFI/debian/grub.cfg", "configfile /boot/grub/grub.cfg\n");
       },
       "it does not search for a file system"},
      {"the stub searches by label", true,
       [](FakeFiles& files) {
         files.SetFile("/new/boot/efi/EFI/debian/grub.cfg", "search --label root --set=root\n");
       },
       "EFI/debian/grub.cfg of the ESP: line 1: GRUB finds its device by the label 'root'"},
      {"no kernel has a root", true,
       [](FakeFiles& files) {
         files.SetFile("/new/boot/grub/grub.cfg", "linux /boot/vmlinuz ro\n");
       },
       "No kernel of the target gets root= from GRUB"},
      {"a broken configuration", true,
       [](FakeFiles& files) { files.SetFile("/new/boot/grub/grub.cfg", "menuentry 'x {\n"); },
       "/boot/grub/grub.cfg: line 1: the quote"},
      {"an entry without root", false,
       [](FakeFiles& files) {
         files.SetFile("/new/boot/efi/loader/entries/x.conf", "linux /vmlinuz\noptions ro\n");
       },
       "loader/entries/x.conf of the ESP: the entry starts a kernel, but its options have no "
       "root="},
      {"no entry", false,
       [](FakeFiles& files) {
         REQUIRE_OK(files.Remove("/new/boot/efi/loader/entries/debian.conf"));
       },
       "systemd-boot on the ESP at /new/boot/efi has nothing to start"},
      {"only a program", false,
       [](FakeFiles& files) {
         files.SetFile("/new/boot/efi/loader/entries/debian.conf", "efi /memtest.efi\n");
       },
       "No kernel of the target gets root= from systemd-boot"},
  };
  for (const Case& test : cases) {
    INFO(test.name);
    FakeFiles files;
    test.grub ? MakeGrubTarget(files) : MakeSystemdBootTarget(files);
    test.spoil(files);
    const int changes = files.changes();
    REQUIRE_ERROR(
        RewriteRootIdentity(files, test.grub ? kGrub : kSystemdBoot, kEsp, kRoot, Identity()),
        absl::StatusCode::kFailedPrecondition, test.message);
    CHECK(files.changes() == changes);
  }
}

TEST_CASE("After a power cut at any write the rewrite ends as it should") {
  for (int nth = 1;; ++nth) {
    INFO("write " << nth);
    FakeFiles files;
    MakeGrubTarget(files);
    files.FailChange(nth, absl::UnavailableError("power cut"));
    const absl::Status status = RewriteRootIdentity(files, kGrub, kEsp, kRoot, Identity());
    if (!status.ok()) {
      CHECK(absl::IsUnavailable(status));
      CHECK_FALSE(CheckBootFiles(files, kGrub, kEsp, kRoot, Identity()).ok());
      REQUIRE_OK(RewriteRootIdentity(files, kGrub, kEsp, kRoot, Identity()));
    }
    REQUIRE_OK(CheckBootFiles(files, kGrub, kEsp, kRoot, Identity()));
    CHECK(files.Get("/new/boot/grub/grub.cfg") == DebianConfig(kNewUuid, kRootParameter));
    if (status.ok()) {
      CHECK(nth > 4);
      break;
    }
  }
}

TEST_CASE("The last look names what is missing and who names it") {
  struct Case {
    std::string name;
    bool grub;
    std::function<void(FakeFiles&)> spoil;
    std::string message;
  };
  const auto remove = [](const std::string& path) {
    return [path](FakeFiles& files) { REQUIRE_OK(files.Remove(path)); };
  };
  const std::vector<Case> cases = {
      {"the loader", true, remove("/new/boot/efi/EFI/BOOT/BOOTX64.EFI"),
       "The boot entry names \\EFI\\BOOT\\BOOTX64.EFI"},
      {"GRUB's configuration", true, remove("/new/boot/grub/grub.cfg"), "No kernel of the target"},
      {"GRUB's kernel", true, remove("/new/boot/vmlinuz-6.1.0-18-amd64"),
       "/boot/grub/grub.cfg names the kernel /boot/vmlinuz-6.1.0-18-amd64, which is not there"},
      {"GRUB's initrd", true, remove("/new/boot/initrd.img-6.1.0-18-amd64"),
       "names the initrd /boot/initrd.img-6.1.0-18-amd64"},
      {"the configuration that the stub names", true,
       [](FakeFiles& files) {
         files.SetFile("/new/boot/efi/EFI/BOOT/grub.cfg",
                       absl::StrCat("search --fs-uuid ", kNewUuid, "\nconfigfile /x/grub.cfg\n"));
       },
       "EFI/BOOT/grub.cfg of the ESP names the configuration /x/grub.cfg"},
      {"the entry's kernel", false, remove("/new/boot/efi/vmlinuz"),
       "loader/entries/debian.conf of the ESP names the kernel /vmlinuz"},
      {"the entry's initrd", false, remove("/new/boot/efi/initrd.img"), "the initrd /initrd.img"},
      {"an old UUID came back", true,
       [](FakeFiles& files) {
         files.SetFile("/new/boot/efi/EFI/BOOT/grub.cfg", DebianStub(kOldUuid));
       },
       "EFI/BOOT/grub.cfg of the ESP still finds the root by what volumes A and B share"},
  };
  for (const Case& test : cases) {
    INFO(test.name);
    FakeFiles files;
    const Loader& loader = test.grub ? kGrub : kSystemdBoot;
    test.grub ? MakeGrubTarget(files) : MakeSystemdBootTarget(files);
    REQUIRE_OK(RewriteRootIdentity(files, loader, kEsp, kRoot, Identity()));
    REQUIRE_OK(CheckBootFiles(files, loader, kEsp, kRoot, Identity()));
    test.spoil(files);
    REQUIRE_ERROR(CheckBootFiles(files, loader, kEsp, kRoot, Identity()),
                  absl::StatusCode::kFailedPrecondition, test.message);
  }
}

TEST_CASE("The kernel command lines of a target are listed, each once") {
  FakeFiles grub;
  MakeGrubTarget(grub);
  REQUIRE_OK(RewriteRootIdentity(grub, kGrub, kEsp, kRoot, Identity()));
  const auto lines = KernelCommandLines(grub, kGrub, kEsp, kRoot);
  REQUIRE_OK(lines);
  CHECK(*lines ==
        std::vector<std::string>{absl::StrCat("root=", kRootParameter, " ro quiet panic=5"),
                                 absl::StrCat("root=", kRootParameter, " ro single")});

  FakeFiles systemd_boot;
  MakeSystemdBootTarget(systemd_boot);
  CHECK(KernelCommandLines(systemd_boot, kSystemdBoot, kEsp, kRoot).value() ==
        std::vector<std::string>{"root=LABEL=root ro"});
}

TEST_CASE("A root that is found by its device gets it, and the additions of its entries") {
  FakeFiles files;
  MakeSystemdBootTarget(files);
  files.SetFile("/new/boot/efi/trident/overlays.img", "initrd");
  RootIdentity identity;
  identity.device = "/dev/mapper/root";
  identity.additions.parameters.set = {{"roothash", "abc"}};
  identity.additions.first_initrd = "/trident/overlays.img";
  REQUIRE_OK(RewriteRootIdentity(files, kSystemdBoot, kEsp, kRoot, identity));
  CHECK(files.Get("/new/boot/efi/loader/entries/debian.conf") ==
        "title Debian\nlinux /vmlinuz\ninitrd /trident/overlays.img\ninitrd /initrd.img\n"
        "options root=/dev/mapper/root ro roothash=abc\n");
  REQUIRE_OK(CheckBootFiles(files, kSystemdBoot, kEsp, kRoot, identity));
  REQUIRE_OK(files.Remove("/new/boot/efi/trident/overlays.img"));
  REQUIRE_ERROR(CheckBootFiles(files, kSystemdBoot, kEsp, kRoot, identity),
                absl::StatusCode::kFailedPrecondition, "/trident/overlays.img, which is not there");
}

TEST_CASE("Additions that a boot loader cannot be given are refused, and nothing is written") {
  FakeFiles files;
  MakeGrubTarget(files);
  RootIdentity identity = Identity();
  identity.additions.parameters.set = {{"usrhash", "abc"}};
  const int changes = files.changes();
  REQUIRE_ERROR(RewriteRootIdentity(files, kGrub, kEsp, kRoot, identity),
                absl::StatusCode::kUnimplemented, "only to entries of systemd-boot on the ESP");
  CHECK(files.changes() == changes);
}

TEST_CASE("the kernel that a loader starts by itself is known, or refused") {
  struct Case {
    const char* name;
    std::map<std::string, std::string> files;
    LoaderKind kind;
    const char* kernel;  // or empty
    const char* words;   // of the refusal
  };
  const std::string first = "linux /one\noptions root=PARTUUID=x\n";
  const std::string second = "linux /two\noptions root=PARTUUID=x rescue\n";
  const std::string menu =
      "menuentry a {\n linux /one root=x\n initrd /i\n}\nmenuentry b {\n linux /two root=x\n}\n";
  const Case cases[] = {
      {"the only entry",
       {{"/esp/loader/entries/a.conf", first}},
       LoaderKind::kSystemdBoot,
       "/esp/one",
       ""},
      {"the entry that loader.conf names, not the last one",
       {{"/esp/loader/entries/a.conf", first},
        {"/esp/loader/entries/z.conf", second},
        {"/esp/loader/loader.conf", "default a.conf\n"}},
       LoaderKind::kSystemdBoot,
       "/esp/one",
       ""},
      {"several entries without a default",
       {{"/esp/loader/entries/a.conf", first}, {"/esp/loader/entries/z.conf", second}},
       LoaderKind::kSystemdBoot,
       "",
       "2 entries"},
      {"GRUB's first entry",
       {{"/esp/EFI/BOOT/grub.cfg", "set default=\"0\"\n" + menu}},
       LoaderKind::kGrub,
       "/esp/one",
       ""},
      {"GRUB that starts another entry",
       {{"/esp/EFI/BOOT/grub.cfg", "set default=1\n" + menu}},
       LoaderKind::kGrub,
       "",
       "cannot be told"},
      {"GRUB that starts what was saved",
       {{"/esp/EFI/BOOT/grub.cfg", "set default=${saved_entry}\n" + menu}},
       LoaderKind::kGrub,
       "",
       "cannot be told"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    FakeFiles files;
    files.SetDirectory("/root");
    for (const char* name : {"/esp/one", "/esp/two", "/esp/i"}) files.SetFile(name, "");
    for (const auto& [path, text] : c.files) files.SetFile(path, text);
    const auto kernel = DefaultKernel(files, Loader{.kind = c.kind, .file = ""}, "/esp", "/root");
    if (*c.kernel == '\0') {
      REQUIRE_ERROR(kernel, absl::StatusCode::kFailedPrecondition, c.words);
    } else {
      REQUIRE_OK(kernel);
      CHECK(kernel->kernel == c.kernel);
    }
  }
}

}  // namespace
}  // namespace trident
