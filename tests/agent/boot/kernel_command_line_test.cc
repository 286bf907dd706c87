#include "agent/boot/kernel_command_line.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace trident {
namespace {

constexpr char kOld[] = "0a1b2c3d-1111-4222-8333-444455556666";
constexpr char kNew[] = "f0e1d2c3-9999-4888-8777-666655554444";
constexpr char kRoot[] = "PARTUUID=11111111-2222-3333-4444-555555555555";

const RootReplacement& Replacement() {
  static const RootReplacement replacement{{{kOld, kNew}}, kRoot};
  return replacement;
}

TEST_CASE("root= gets the wanted value wherever it is a parameter") {
  struct Case {
    std::string name;
    std::string text;
    std::string wanted;
    size_t changes;
    size_t roots;
  };
  const std::string root = std::string("root=") + kRoot;
  const std::vector<Case> cases = {
      {"a UUID", "ro root=UUID=abc quiet", "ro " + root + " quiet", 1, 1},
      {"a label", "root=LABEL=root", root, 1, 1},
      {"a device", "root=/dev/vda2 ro\n", root + " ro\n", 1, 1},
      {"another partition", "root=PARTUUID=other", root, 1, 1},
      {"the wanted value already", root + " ro", root + " ro", 0, 1},
      {"twice", "root=/dev/sda root=/dev/sdb", root + " " + root, 2, 2},
      {"an empty value", "root= ro", root + " ro", 1, 1},
      {"a quoted word", "\"root=UUID=abc\" ro", "\"" + root + "\" ro", 1, 1},
      {"a quoted value", "root=\"UUID=abc\" ro", root + " ro", 1, 1},
      {"a list in quotes", "'quiet root=UUID=abc'", "'quiet " + root + "'", 1, 1},
      {"a variable", "root=${rootdevice} ro", root + " ro", 1, 1},
      {"other parameters with root in them",
       "rootflags=x rootfstype=ext4 noroot=1 systemd.verity_root_data=/dev/x xroot=y",
       "rootflags=x rootfstype=ext4 noroot=1 systemd.verity_root_data=/dev/x xroot=y", 0, 0},
      {"nothing", "", "", 0, 0},
      {"the end of a line with CR", "ro root=/dev/sda\r\n", "ro " + root + "\r\n", 1, 1},
  };
  for (const Case& test : cases) {
    INFO(test.name);
    const RewrittenText result = RewriteRootParameters(test.text, kRoot);
    CHECK(result.text == test.wanted);
    CHECK(result.changes == test.changes);
    CHECK(result.roots == test.roots);
    const RewrittenText again = RewriteRootParameters(result.text, kRoot);
    CHECK(again.text == result.text);
    CHECK(again.changes == 0);
  }
}

TEST_CASE("A file system UUID is replaced where it stands as a whole") {
  struct Case {
    std::string name;
    RootReplacement replacement;
    std::string text;
    std::string wanted;
    size_t changes;
  };
  const std::string old_uuid = kOld;
  const std::string new_uuid = kNew;
  const std::vector<Case> cases = {
      {"alone", Replacement(), old_uuid, new_uuid, 1},
      {"behind a dash, as in ids of menu entries", Replacement(),
       "'gnulinux-6.1.0-advanced-" + old_uuid + "'", "'gnulinux-6.1.0-advanced-" + new_uuid + "'",
       1},
      {"in capitals", Replacement(), "UUID=0A1B2C3D-1111-4222-8333-444455556666 x",
       "UUID=" + new_uuid + " x", 1},
      {"as the beginning of something longer", Replacement(), old_uuid + "-7", old_uuid + "-7", 0},
      {"as the end of something longer", Replacement(), "f" + old_uuid, "f" + old_uuid, 0},
      {"not known", RootReplacement{{{"", kNew}}, kRoot}, old_uuid, old_uuid, 0},
      {"unchanged", RootReplacement{{{kOld, kOld}}, kRoot}, old_uuid, old_uuid, 0},
      {"two file systems", RootReplacement{{{kOld, kNew}, {"ABCD-1234", "1234-ABCD"}}, kRoot},
       old_uuid + ",abcd-1234", new_uuid + ",1234-ABCD", 2},
  };
  for (const Case& test : cases) {
    INFO(test.name);
    const RewrittenText result = RewriteFilesystemUuids(test.text, test.replacement);
    CHECK(result.text == test.wanted);
    CHECK(result.changes == test.changes);
  }
}

TEST_CASE("/etc/kernel/cmdline is rewritten, its comments are left") {
  const RewrittenText result = RewriteCommandLineFile(
      std::string("# root=UUID=") + kOld + "\nroot=UUID=" + kOld + " ro resume=UUID=" + kOld + "\n",
      Replacement());
  CHECK(result.text ==
        std::string("# root=UUID=") + kOld + "\nroot=" + kRoot + " ro resume=UUID=" + kNew + "\n");
  CHECK(result.roots == 1);
}

TEST_CASE("/etc/default/grub has root= only in the kernel's command lines") {
  const std::string text =
      "GRUB_DEFAULT=0\n"
      "#GRUB_CMDLINE_LINUX=\"root=/dev/sda1\"\n"
      "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\r\n"
      "GRUB_CMDLINE_LINUX=\"console=ttyS0 root=/dev/sda1\"\n"
      "  export GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX root=LABEL=x panic=5\"\n"
      "OTHER=\"root=/dev/sda1\"";
  const RewrittenText result = RewriteGrubDefaults(text, Replacement());
  const std::string root = std::string("root=") + kRoot;
  CHECK(result.text ==
        "GRUB_DEFAULT=0\n"
        "#GRUB_CMDLINE_LINUX=\"root=/dev/sda1\"\n"
        "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\r\n"
        "GRUB_CMDLINE_LINUX=\"console=ttyS0 " +
            root +
            "\"\n"
            "  export GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX " +
            root +
            " panic=5\"\n"
            "OTHER=\"root=/dev/sda1\"");
}

TEST_CASE("A command line resets the machine at a panic when panic= says so") {
  struct Case {
    std::string command_line;
    bool has_timeout;
  };
  const std::vector<Case> cases = {
      {"root=/dev/vda2 panic=5", true},
      {"panic=-1", true},
      {"\"panic=10\" ro", true},
      {"", false},
      {"root=/dev/vda2 ro", false},
      {"panic=0", false},
      {"panic=", false},
      {"panic=soon", false},
      {"panic", false},
      {"oops=panic panic_print=1", false},
      {"panic=5 panic=0", false},
      {"panic=0 panic=5", true},
      {"ro -- panic=5", false},
      {"nopanic=5", false},
  };
  for (const Case& test : cases) {
    INFO(test.command_line);
    CHECK(HasPanicTimeout(test.command_line) == test.has_timeout);
  }
}

}  // namespace
}  // namespace trident
