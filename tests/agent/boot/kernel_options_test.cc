#include "agent/boot/kernel_options.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "agent/boot/grub_config.h"
#include "agent/host/fake/fake_files.h"
#include "tests/agent/boot/grub_texts.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using Options = std::vector<std::string>;

const Loader kGrub{LoaderKind::kGrub, "\\EFI\\BOOT\\BOOTX64.EFI"};
const Loader kSystemdBoot{LoaderKind::kSystemdBoot, "\\EFI\\BOOT\\BOOTX64.EFI"};

}  // namespace

TEST_CASE("options are added behind what is there, replaced and taken away again") {
  struct Case {
    const char* name;
    const char* before;
    Options options;
    const char* after;
  };
  const Case cases[] = {
      {"to none", "", {"a"}, "trident.extra=1 a"},
      {"to some", "ro quiet", {"panic=5", "a"}, "ro quiet trident.extra=2 panic=5 a"},
      {"an option that the image has is there twice and comes off once",
       "ro quiet",
       {"quiet"},
       "ro quiet trident.extra=1 quiet"},
      {"instead of others", "ro trident.extra=2 x y", {"z"}, "ro trident.extra=1 z"},
      {"instead of all", "trident.extra=1 x", {"z"}, "trident.extra=1 z"},
      {"nothing instead of some", "ro trident.extra=2 x y", {}, "ro"},
      {"nothing instead of all", "trident.extra=1 x", {}, ""},
      {"behind what somebody added later",
       "ro trident.extra=1 x own",
       {"z"},
       "ro own trident.extra=1 z"},
      {"blanks stay", "  ro   quiet  ", {"a"}, "  ro   quiet trident.extra=1 a  "},
      {"before what belongs to the first process",
       "ro -- single",
       {"a"},
       "ro trident.extra=1 a -- single"},
      {"a count that is too high takes no more than there is", "ro trident.extra=9 x", {}, "ro"},
      {"a word that only looks like ours stays",
       "ro trident.extra=x y",
       {},
       "ro trident.extra=x y"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    const std::string after = SetExtraOptions(c.before, c.options);
    CHECK(after == c.after);
    CHECK(SetExtraOptions(after, c.options) == after);
  }
}

TEST_CASE("every kernel of a GRUB configuration gets the options, and nothing else changes") {
  const std::string before =
      test::DebianConfig(test::kOldUuid, std::string("UUID=") + test::kOldUuid);
  const auto after = SetGrubExtraOptions(before, {"panic=10", "console=ttyS0"});
  REQUIRE_OK(after);
  const auto contents = ReadGrubConfig(*after);
  REQUIRE_OK(contents);
  REQUIRE_FALSE(contents->kernels.empty());
  for (const GrubKernel& kernel : contents->kernels) {
    CHECK_THAT(kernel.command_line, Catch::EndsWith("trident.extra=2 panic=10 console=ttyS0"));
  }
  CHECK(*SetGrubExtraOptions(*after, {"panic=10", "console=ttyS0"}) == *after);
  CHECK(*SetGrubExtraOptions(*after, {}) == before);
  // Azure Linux keeps the root in a variable.
  const std::string azure = test::AzureConfig(test::kOldUuid, "PARTUUID=x");
  const auto azure_after = SetGrubExtraOptions(azure, {"a"});
  REQUIRE_OK(azure_after);
  CHECK(*azure_after != azure);
  CHECK(*SetGrubExtraOptions(*azure_after, {}) == azure);
  CHECK(*SetGrubExtraOptions("set timeout=5\necho linux x\nlinux\n", {"a"}) ==
        "set timeout=5\necho linux x\nlinux\n");
  CHECK_FALSE(SetGrubExtraOptions("linux 'open", {"a"}).ok());
}

TEST_CASE("an entry of systemd-boot gets them on its last options line, or on one of its own") {
  const std::string entry = "title D\nlinux /vmlinuz\noptions root=x ro\noptions quiet\n";
  const std::string after = SetLoaderEntryExtraOptions(entry, {"a", "b"});
  CHECK(after == "title D\nlinux /vmlinuz\noptions root=x ro\noptions quiet trident.extra=2 a b\n");
  CHECK(SetLoaderEntryExtraOptions(after, {"a", "b"}) == after);
  CHECK(SetLoaderEntryExtraOptions(after, {}) == entry);
  CHECK(SetLoaderEntryExtraOptions("linux /v\n", {"a"}) == "linux /v\noptions trident.extra=1 a\n");
  CHECK(SetLoaderEntryExtraOptions("efi /memtest.efi\noptions x\n", {"a"}) ==
        "efi /memtest.efi\noptions x\n");
}

TEST_CASE("the command line of the next kernel gets them, comments do not") {
  CHECK(SetCommandLineFileExtraOptions("# a\nroot=x ro\n", {"a"}) ==
        "# a\nroot=x ro trident.extra=1 a\n");
  CHECK(SetCommandLineFileExtraOptions("# a\n", {"a"}) == "# a\n");
}

TEST_CASE("all configurations of a system are changed, each after it was announced") {
  FakeFiles files;
  files.SetFile("/new/boot/efi/EFI/BOOT/BOOTX64.EFI", "loader");
  files.SetFile("/new/boot/efi/EFI/BOOT/grub.cfg", test::DebianStub(test::kOldUuid));
  files.SetFile("/new/boot/grub/grub.cfg", test::DebianConfig(test::kOldUuid, "UUID=x"), 0600);
  files.SetFile("/new/etc/default/grub", "GRUB_CMDLINE_LINUX=\"\"\n");
  files.SetFile("/new/etc/kernel/cmdline", "root=x\n");
  std::set<std::string> announced;
  const auto announce = [&](const std::string& path) {
    announced.insert(path);
    return absl::OkStatus();
  };
  const auto set = [&](const Options& options) {
    return SetKernelOptions(files, kGrub, "/new/boot/efi", "/new", options, announce);
  };
  const std::string before = *files.Get("/new/boot/grub/grub.cfg");
  REQUIRE_OK(set({"panic=10"}));
  CHECK_THAT(*files.Get("/new/boot/grub/grub.cfg"), Catch::Contains("trident.extra=1 panic=10"));
  CHECK(files.ModeOf("/new/boot/grub/grub.cfg") == 0600);
  CHECK(files.Get("/new/etc/kernel/cmdline") == "root=x trident.extra=1 panic=10\n");
  CHECK_THAT(*files.Get("/new/etc/default/grub.d/zz-trident.cfg"),
             Catch::Contains("\"$GRUB_CMDLINE_LINUX trident.extra=1 panic=10\""));
  CHECK(announced == std::set<std::string>{"/new/boot/grub/grub.cfg", "/new/etc/kernel/cmdline",
                                           "/new/etc/default/grub.d",
                                           "/new/etc/default/grub.d/zz-trident.cfg"});
  const int changes = files.changes();
  REQUIRE_OK(set({"panic=10"}));
  CHECK(files.changes() == changes);
  REQUIRE_OK(set({}));
  CHECK(*files.Get("/new/boot/grub/grub.cfg") == before);
  CHECK_FALSE(files.Exists("/new/etc/default/grub.d/zz-trident.cfg"));
}

TEST_CASE("options that no kernel would get are refused, and so is a change that was not saved") {
  FakeFiles files;
  files.SetFile("/esp/loader/entries/m.conf", "efi /memtest.efi\n");
  files.SetDirectory("/root");
  const auto ignore = [](const std::string&) { return absl::OkStatus(); };
  REQUIRE_ERROR(SetKernelOptions(files, kSystemdBoot, "/esp", "/root", {"a"}, ignore),
                absl::StatusCode::kFailedPrecondition, "no configuration of systemd-boot");
  REQUIRE_OK(SetKernelOptions(files, kSystemdBoot, "/esp", "/root", {}, ignore));
  files.SetFile("/esp/loader/entries/d.conf", "linux /v\noptions ro\n");
  const auto refuse = [](const std::string&) { return absl::DataLossError("not saved"); };
  REQUIRE_ERROR(SetKernelOptions(files, kSystemdBoot, "/esp", "/root", {"a"}, refuse),
                absl::StatusCode::kDataLoss, "not saved");
  CHECK(files.Get("/esp/loader/entries/d.conf") == "linux /v\noptions ro\n");
}

TEST_CASE("on an ESP for both volumes, mounted at /boot, the other volume's entry stays as it is") {
  FakeFiles files;
  files.SetFile("/boot/loader/entries/trident-a.conf", "linux /a\noptions ro\n");
  files.SetFile("/boot/loader/entries/trident-b.conf", "linux /b\noptions ro\n");
  const Loader shared{LoaderKind::kSystemdBoot, "\\EFI\\trident-a\\x.efi", "EFI/trident-a",
                      "loader/entries/trident-a.conf"};
  const auto ignore = [](const std::string&) { return absl::OkStatus(); };
  REQUIRE_OK(SetKernelOptions(files, shared, "/boot", "/", {"x"}, ignore));
  CHECK(files.Get("/boot/loader/entries/trident-a.conf") ==
        "linux /a\noptions ro trident.extra=1 x\n");
  CHECK(files.Get("/boot/loader/entries/trident-b.conf") == "linux /b\noptions ro\n");
}

}  // namespace trident
