#include "agent/boot/grub_image.h"

#include <catch2/catch.hpp>
#include <string>

#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "tests/support/grub_program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

using test::GrubProgram;

TEST_CASE("What was built into a GRUB program is read; anything else is no GRUB") {
  CHECK(ReadGrubImage(GrubProgram("/EFI/debian")) == GrubImage{"/EFI/debian", ""});
  CHECK(ReadGrubImage(GrubProgram("", "source $cmdpath/x")) == GrubImage{"", "source $cmdpath/x"});
  CHECK_FALSE(ReadGrubImage(""));
  CHECK_FALSE(ReadGrubImage("MZ systemd-boot"));
  CHECK_FALSE(ReadGrubImage("mimg"));
  const std::string whole = GrubProgram("/EFI/debian", "text");
  for (size_t size = 0; size + 12 < whole.size(); ++size) {
    INFO("the first " << size << " bytes");
    CHECK_FALSE(ReadGrubImage(whole.substr(0, size)));
  }
}

TEST_CASE("GRUB finds its configuration beside itself by an empty prefix or by $cmdpath") {
  CHECK(FindsConfigurationBesideItself({"", ""}));
  CHECK(FindsConfigurationBesideItself({"/EFI/BOOT", "configfile $cmdpath/grub.cfg"}));
  CHECK(FindsConfigurationBesideItself({"/EFI/BOOT", "set prefix=${cmdpath}"}));
  CHECK_FALSE(FindsConfigurationBesideItself({"/EFI/BOOT", ""}));
  CHECK_FALSE(FindsConfigurationBesideItself({"/EFI/BOOT", "configfile /grub.cfg"}));
}

TEST_CASE("A program of the real grub-mkimage is read") {
  const test::TemporaryDirectory folder;
  const auto commands = MakeLinuxCommandRunner();
  const auto files = MakeLinuxFiles();
  test::WriteFile(folder / "early.cfg", "configfile $cmdpath/grub.cfg\n");
  Command command;
  command.argv = {"grub-mkimage",      "-O",     "x86_64-efi",         "-p",
                  "/EFI/vendor",       "-c",     folder / "early.cfg", "-o",
                  folder / "grub.efi", "normal", "configfile",         "fat",
                  "part_gpt"};
  REQUIRE_OK(commands->Run(command));
  const auto program = files->Read(folder / "grub.efi");
  REQUIRE_OK(program);
  CHECK(ReadGrubImage(*program) == GrubImage{"/EFI/vendor", "configfile $cmdpath/grub.cfg\n"});
}

}  // namespace
}  // namespace trident
