#include "agent/boot/shared_esp.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "agent/host/fake/fake_files.h"
#include "agent/host/fake/fake_firmware.h"
#include "tests/support/grub_program.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using test::GrubProgram;

constexpr char kEntry[] =
    "title Debian\n# linux /debian/linux\nlinux   /debian/linux\ninitrd /ucode.img\n"
    "initrd /debian/initrd.img\noptions root=UUID=x ro\n";

void AddGrubImage(FakeFiles& files, const std::string& version) {
  files.SetFile("/image/EFI/BOOT/BOOTX64.EFI", GrubProgram("") + version);
  files.SetFile("/image/EFI/BOOT/grub.cfg", "search.fs_uuid x root\n");
  files.SetFile("/image/EFI/BOOT/themes/dark.txt", "dark");
  files.SetDirectory("/esp");
}

void AddSystemdBootImage(FakeFiles& files) {
  files.SetFile("/image/EFI/systemd/systemd-bootx64.efi", "systemd-boot");
  files.SetFile("/image/loader/loader.conf", "timeout 0\ndefault debian.conf\n");
  files.SetFile("/image/loader/entries/debian.conf", kEntry);
  files.SetFile("/image/debian/linux", "kernel");
  files.SetFile("/image/debian/initrd.img", "initrd");
  files.SetFile("/image/ucode.img", "microcode");
  files.SetDirectory("/esp");
}

TEST_CASE("GRUB goes into the folder of its volume, with what lies beside it") {
  FakeFiles files;
  AddGrubImage(files, "1");
  REQUIRE_OK(InstallVolumeLoader(files, "/image", "/esp", Volume::kA, "x64"));
  const auto a = FindVolumeLoader(files, "/esp", Volume::kA, "x64");
  REQUIRE_OK(a);
  CHECK(a->kind == LoaderKind::kGrub);
  CHECK(a->file == "\\EFI\\trident-a\\BOOTX64.EFI");
  CHECK(a->folder == "EFI/trident-a");
  CHECK(files.Get("/esp/EFI/trident-a/themes/dark.txt") == "dark");
  CHECK(files.Get("/esp/EFI/BOOT/BOOTX64.EFI") == GrubProgram("") + "1");
  CHECK(absl::IsNotFound(FindVolumeLoader(files, "/esp", Volume::kB, "x64").status()));

  AddGrubImage(files, "2");
  REQUIRE_OK(InstallVolumeLoader(files, "/image", "/esp", Volume::kB, "x64"));
  CHECK(files.Get("/esp/EFI/trident-a/BOOTX64.EFI") == GrubProgram("") + "1");
  CHECK(files.Get("/esp/EFI/trident-b/BOOTX64.EFI") == GrubProgram("") + "2");
  CHECK(files.Get("/esp/EFI/BOOT/BOOTX64.EFI") == GrubProgram("") + "1");

  FakeFirmware firmware;
  REQUIRE_OK(CommitVolumeEntry(files, firmware, "/esp", Volume::kB));
  REQUIRE_OK(PointFallbackAt(files, "/esp", Volume::kB));
  CHECK(files.Get("/esp/EFI/BOOT/grub.cfg") == "configfile /EFI/trident-b/grub.cfg\n");
  CHECK(firmware.writes().empty());
}

TEST_CASE("systemd-boot's entry takes its kernel along; one shot, then the default") {
  FakeFiles files;
  FakeFirmware firmware;
  AddSystemdBootImage(files);
  REQUIRE_OK(InstallVolumeLoader(files, "/image", "/esp", Volume::kA, "x64"));
  const auto a = FindVolumeLoader(files, "/esp", Volume::kA, "x64");
  REQUIRE_OK(a);
  CHECK(a->kind == LoaderKind::kSystemdBoot);
  CHECK(a->file == "\\EFI\\trident-a\\systemd-bootx64.efi");
  CHECK(files.Get("/esp/loader/entries/trident-a.conf") ==
        "title Debian\n# linux /debian/linux\nlinux /EFI/trident-a/debian/linux\n"
        "initrd /EFI/trident-a/ucode.img\ninitrd /EFI/trident-a/debian/initrd.img\n"
        "options root=UUID=x ro\n");
  CHECK(files.Get("/esp/EFI/trident-a/debian/initrd.img") == "initrd");
  CHECK(files.Get("/esp/loader/loader.conf") == "timeout 0\n");
  CHECK(files.Get("/esp/EFI/BOOT/BOOTX64.EFI") == "systemd-boot");
  REQUIRE_OK(ArmVolumeEntry(firmware, *a, /*clean_install=*/true));
  CHECK(firmware.StartLoaderEntry() == "trident-a.conf");
  REQUIRE_OK(CommitVolumeEntry(files, firmware, "/esp", Volume::kA));

  files.SetFile("/image/debian/linux", "kernel 2");
  REQUIRE_OK(InstallVolumeLoader(files, "/image", "/esp", Volume::kB, "x64"));
  const auto b = FindVolumeLoader(files, "/esp", Volume::kB, "x64");
  REQUIRE_OK(b);
  REQUIRE_OK(ArmVolumeEntry(firmware, *b, /*clean_install=*/false));
  CHECK(files.Get("/esp/EFI/trident-a/debian/linux") == "kernel");
  CHECK(firmware.StartLoaderEntry() == "trident-b.conf");
  CHECK(firmware.StartLoaderEntry() == "trident-a.conf");

  REQUIRE_OK(ArmVolumeEntry(firmware, *b, false));
  REQUIRE_OK(DisarmVolumeEntry(firmware));
  CHECK(firmware.StartLoaderEntry() == "trident-a.conf");
  REQUIRE_OK(CommitVolumeEntry(files, firmware, "/esp", Volume::kB));
  CHECK(firmware.StartLoaderEntry() == "trident-b.conf");
}

TEST_CASE("A choice for the next start that an operator made stays") {
  FakeFirmware firmware;
  REQUIRE_OK(firmware.SetLoaderEntry(LoaderChoice::kOneShot, "memtest.conf"));
  REQUIRE_OK(DisarmVolumeEntry(firmware));
  CHECK(firmware.StartLoaderEntry() == "memtest.conf");
}

TEST_CASE("A volume that changes its loader keeps nothing of the old one") {
  FakeFiles files;
  AddSystemdBootImage(files);
  REQUIRE_OK(InstallVolumeLoader(files, "/image", "/esp", Volume::kB, "x64"));
  AddGrubImage(files, "1");
  for (const char* gone : {"/image/EFI/systemd/systemd-bootx64.efi", "/image/loader/loader.conf",
                           "/image/loader/entries/debian.conf"}) {
    REQUIRE_OK(files.Remove(gone));
  }
  REQUIRE_OK(InstallVolumeLoader(files, "/image", "/esp", Volume::kB, "x64"));
  const auto loader = FindVolumeLoader(files, "/esp", Volume::kB, "x64");
  REQUIRE_OK(loader);
  CHECK(loader->kind == LoaderKind::kGrub);
  CHECK_FALSE(files.Exists("/esp/EFI/trident-b/debian"));
}

TEST_CASE("What could not start from its volume's folder is refused, and nothing of it stays") {
  struct Case {
    std::string name;
    void (*change)(FakeFiles&);
    std::string words;
  };
  const std::vector<Case> cases = {
      {"GRUB that looks in a fixed folder",
       [](FakeFiles& files) {
         AddGrubImage(files, "");
         files.SetFile("/image/EFI/BOOT/BOOTX64.EFI", GrubProgram("/EFI/BOOT"));
       },
       "looks for its configuration in /EFI/BOOT"},
      {"a folder without GRUB",
       [](FakeFiles& files) {
         AddGrubImage(files, "");
         files.SetFile("/image/EFI/BOOT/BOOTX64.EFI", "MZ");
       },
       "holds no GRUB program"},
      {"GRUB whose configuration lies elsewhere",
       [](FakeFiles& files) {
         files.SetFile("/image/EFI/BOOT/BOOTX64.EFI", GrubProgram(""));
         files.SetFile("/image/boot/grub/grub.cfg", "");
         files.SetDirectory("/esp");
       },
       "no grub.cfg beside BOOTX64.EFI"},
      {"two entries, none of them the default",
       [](FakeFiles& files) {
         AddSystemdBootImage(files);
         files.SetFile("/image/loader/entries/rescue.conf", "title Rescue\n");
         files.SetFile("/image/loader/loader.conf", "timeout 0\n");
       },
       "2 entries in loader/entries"},
      {"an entry whose kernel is not there",
       [](FakeFiles& files) {
         AddSystemdBootImage(files);
         REQUIRE_OK(files.Remove("/image/debian/linux"));
       },
       "names /debian/linux, which is not there"},
      {"an ESP without room",
       [](FakeFiles& files) {
         AddSystemdBootImage(files);
         files.SetSpaceLeft(16);
       },
       "space"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    FakeFiles files;
    c.change(files);
    const absl::Status status = InstallVolumeLoader(files, "/image", "/esp", Volume::kB, "x64");
    CHECK_FALSE(status.ok());
    CHECK_THAT(std::string(status.message()), Catch::Contains(c.words));
    CHECK_FALSE(files.Exists("/esp/EFI/trident-b"));
    CHECK_FALSE(files.Exists("/esp/loader/entries/trident-b.conf"));
  }
}

}  // namespace
}  // namespace trident
