#include "agent/boot/loader.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "agent/host/fake/fake_files.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

constexpr char kSystemdBoot[] = "MZ...#### LoaderInfo: systemd-boot 252.22-1 ####...";

struct File {
  std::string path;
  std::string content;
};

void Fill(FakeFiles& files, const std::vector<File>& esp) {
  files.SetDirectory("/esp");
  for (const File& file : esp) files.SetFile("/esp/" + file.path, file.content);
}

TEST_CASE("The boot loader of an ESP is found") {
  struct Case {
    std::string name;
    std::vector<File> esp;
    std::string architecture;
    Loader wanted;
  };
  const std::vector<Case> cases = {
      {"GRUB installed as removable",
       {{"EFI/BOOT/BOOTX64.EFI", "grub"}, {"EFI/BOOT/grub.cfg", ""}},
       "x64",
       {LoaderKind::kGrub, "\\EFI\\BOOT\\BOOTX64.EFI"}},
      {"names in other letters",
       {{"efi/Boot/bootx64.efi", "grub"}, {"efi/Boot/Grub.cfg", ""}},
       "x64",
       {LoaderKind::kGrub, "\\efi\\Boot\\bootx64.efi"}},
      {"Debian without the fallback name, shim before GRUB",
       {{"EFI/debian/grubx64.efi", ""},
        {"EFI/debian/shimx64.efi", ""},
        {"EFI/debian/grub.cfg", ""}},
       "x64",
       {LoaderKind::kGrub, "\\EFI\\debian\\shimx64.efi"}},
      {"Debian without shim",
       {{"EFI/debian/grubx64.efi", ""}, {"EFI/debian/grub.cfg", ""}},
       "x64",
       {LoaderKind::kGrub, "\\EFI\\debian\\grubx64.efi"}},
      {"the fallback name first",
       {{"EFI/BOOT/BOOTX64.EFI", ""}, {"EFI/debian/shimx64.efi", ""}, {"EFI/debian/grub.cfg", ""}},
       "x64",
       {LoaderKind::kGrub, "\\EFI\\BOOT\\BOOTX64.EFI"}},
      {"but not when shim would start its program that rewrites boot entries",
       {{"EFI/BOOT/BOOTX64.EFI", ""},
        {"EFI/BOOT/fbx64.efi", ""},
        {"EFI/debian/shimx64.efi", ""},
        {"EFI/debian/grub.cfg", ""}},
       "x64",
       {LoaderKind::kGrub, "\\EFI\\debian\\shimx64.efi"}},
      {"a configuration in boot/grub2",
       {{"EFI/BOOT/bootx64.efi", ""}, {"boot/grub2/grub.cfg", ""}},
       "x64",
       {LoaderKind::kGrub, "\\EFI\\BOOT\\bootx64.efi"}},
      {"GRUB on 64-bit Arm",
       {{"EFI/BOOT/BOOTAA64.EFI", ""}, {"EFI/BOOT/grub.cfg", ""}},
       "aa64",
       {LoaderKind::kGrub, "\\EFI\\BOOT\\BOOTAA64.EFI"}},
      {"loaders of two processors",
       {{"EFI/BOOT/BOOTAA64.EFI", ""}, {"EFI/BOOT/BOOTX64.EFI", ""}, {"EFI/BOOT/grub.cfg", ""}},
       "x64",
       {LoaderKind::kGrub, "\\EFI\\BOOT\\BOOTX64.EFI"}},
      {"systemd-boot with an entry",
       {{"EFI/BOOT/BOOTX64.EFI", kSystemdBoot}, {"loader/entries/debian.conf", ""}},
       "x64",
       {LoaderKind::kSystemdBoot, "\\EFI\\BOOT\\BOOTX64.EFI"}},
      {"systemd-boot in its own folder",
       {{"EFI/systemd/systemd-bootx64.efi", kSystemdBoot}, {"loader/loader.conf", ""}},
       "x64",
       {LoaderKind::kSystemdBoot, "\\EFI\\systemd\\systemd-bootx64.efi"}},
      {"systemd-boot beside an unused configuration of GRUB",
       {{"EFI/BOOT/BOOTX64.EFI", kSystemdBoot},
        {"loader/entries/debian.conf", ""},
        {"EFI/debian/grub.cfg", ""}},
       "x64",
       {LoaderKind::kSystemdBoot, "\\EFI\\BOOT\\BOOTX64.EFI"}},
      {"GRUB beside unused entries of systemd-boot",
       {{"EFI/BOOT/BOOTX64.EFI", "grub"},
        {"loader/entries/debian.conf", ""},
        {"EFI/debian/grub.cfg", ""}},
       "x64",
       {LoaderKind::kGrub, "\\EFI\\BOOT\\BOOTX64.EFI"}},
  };
  for (const Case& test : cases) {
    INFO(test.name);
    FakeFiles files;
    Fill(files, test.esp);
    const auto loader = FindLoader(files, "/esp", test.architecture);
    REQUIRE_OK(loader);
    CHECK(loader->kind == test.wanted.kind);
    CHECK(loader->file == test.wanted.file);
  }
}

TEST_CASE("An ESP that cannot be started says what is missing") {
  struct Case {
    std::string name;
    std::vector<File> esp;
    absl::StatusCode code;
    std::string message;
  };
  const std::vector<Case> cases = {
      {"empty", {}, absl::StatusCode::kFailedPrecondition, "neither loader/entries/*.conf"},
      {"a loader without configuration",
       {{"EFI/BOOT/BOOTX64.EFI", ""}},
       absl::StatusCode::kFailedPrecondition,
       "EFI/*/grub.cfg"},
      {"GRUB without a loader",
       {{"EFI/debian/grub.cfg", ""}},
       absl::StatusCode::kFailedPrecondition,
       "a configuration of GRUB (EFI/debian/grub.cfg), but no EFI/BOOT/BOOTX64.EFI"},
      {"GRUB with a loader of another processor",
       {{"EFI/BOOT/grub.cfg", ""}, {"EFI/BOOT/BOOTAA64.EFI", ""}},
       absl::StatusCode::kFailedPrecondition,
       "no EFI/BOOT/BOOTX64.EFI, EFI/*/shimx64.efi or EFI/*/grubx64.efi"},
      {"systemd-boot without a loader",
       {{"loader/entries/a.conf", ""}},
       absl::StatusCode::kFailedPrecondition,
       "neither EFI/BOOT/BOOTX64.EFI nor EFI/systemd/systemd-bootx64.efi"},
      {"a unified kernel image alone",
       {{"EFI/BOOT/BOOTX64.EFI", kSystemdBoot}, {"EFI/Linux/debian.efi", ""}},
       absl::StatusCode::kUnimplemented,
       "unified kernel image (EFI/Linux/debian.efi)"},
      {"a unified kernel image beside an entry",
       {{"EFI/BOOT/BOOTX64.EFI", kSystemdBoot},
        {"EFI/Linux/debian.EFI", ""},
        {"loader/entries/a.conf", ""}},
       absl::StatusCode::kUnimplemented,
       "its command line is sealed"},
  };
  for (const Case& test : cases) {
    INFO(test.name);
    FakeFiles files;
    Fill(files, test.esp);
    REQUIRE_ERROR(FindLoader(files, "/esp", "x64"), test.code, test.message);
  }
}

}  // namespace
}  // namespace trident
