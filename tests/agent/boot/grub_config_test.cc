#include "agent/boot/grub_config.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/boot/grub_script.h"
#include "tests/agent/boot/grub_texts.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using test::AzureConfig;
using test::DebianConfig;
using test::DebianStub;
using test::kNewUuid;
using test::kOldUuid;

const std::string kOld = kOldUuid;
const std::string kNew = kNewUuid;
const std::string kRoot = absl::StrCat("PARTUUID=", test::kPartitionUuid);

RootReplacement Replacement() { return RootReplacement{{{kOld, kNew}}, kRoot}; }

TEST_CASE("A configuration of GRUB names one volume alone after the rewrite") {
  struct Case {
    std::string name;
    std::string text;
    std::string wanted;
    size_t own_searches;
    size_t roots;
  };
  const std::vector<Case> cases = {
      {"the stub of Debian", DebianStub(kOld), DebianStub(kNew), 1, 0},
      {"grub-mkconfig's output, root by UUID", DebianConfig(kOld, "UUID=" + kOld),
       DebianConfig(kNew, kRoot), 7, 3},
      {"grub-mkconfig's output, root by device", DebianConfig(kOld, "/dev/vda2"),
       DebianConfig(kNew, kRoot), 7, 3},
      {"grub-mkconfig's output, root by the partition of the other volume",
       DebianConfig(kOld, "PARTUUID=99999999-2222-3333-4444-555555555555"),
       DebianConfig(kNew, kRoot), 7, 3},
      {"Azure Linux, with the root in a variable",
       AzureConfig(kOld, "PARTUUID=99999999-2222-3333-4444-555555555555"), AzureConfig(kNew, kRoot),
       1, 1},
      {"a variable that is set elsewhere", "linux /vmlinuz root=$rootdevice ro",
       "linux /vmlinuz root=" + kRoot + " ro", 0, 1},
      {"a variable in braces that is set here",
       "set disk=LABEL=root\nlinux /vmlinuz root=${disk} ro",
       "set disk=" + kRoot + "\nlinux /vmlinuz root=${disk} ro", 0, 1},
      {"an assignment without set", "disk='UUID=abc'\nlinux /vmlinuz root=$disk",
       "disk=" + kRoot + "\nlinux /vmlinuz root=$disk", 0, 1},
      {"kernel options in a variable", "set opts=\"root=UUID=" + kOld + " ro\"\nlinux /k $opts",
       "set opts=\"root=" + kRoot + " ro\"\nlinux /k $opts", 0, 1},
      {"lines that end in CR LF", "search --fs-uuid " + kOld + "\r\nlinux /k root=/dev/sda1\r\n",
       "search --fs-uuid " + kNew + "\r\nlinux /k root=" + kRoot + "\r\n", 1, 1},
      {"comments are left", "# search --fs-uuid " + kOld + "\nlinux /k root=/dev/a # root=/dev/b\n",
       "# search --fs-uuid " + kOld + "\nlinux /k root=" + kRoot + " # root=/dev/b\n", 0, 1},
      {"quoted words", "linux '/k' 'root=UUID=abc' \"quiet\"",
       "linux '/k' 'root=" + kRoot + "' \"quiet\"", 0, 1},
      {"several commands in a line", "insmod ext2; linux /k root=/dev/a; initrd /i",
       "insmod ext2; linux /k root=" + kRoot + "; initrd /i", 0, 1},
      {"a continued line", "linux /k \\\n  root=/dev/a ro", "linux /k \\\n  root=" + kRoot + " ro",
       0, 1},
      {"kernels by other commands", "linuxefi /k root=/dev/a\nmodule2 /k placeholder root=/dev/a",
       "linuxefi /k root=" + kRoot + "\nmodule2 /k placeholder root=" + kRoot, 0, 2},
      {"two kernels", "linux /k1 root=/dev/a\nlinux /k2 root=LABEL=x",
       "linux /k1 root=" + kRoot + "\nlinux /k2 root=" + kRoot, 0, 2},
      {"an initrd line is no kernel line", "initrd /i root=/dev/a", "initrd /i root=/dev/a", 0, 0},
      {"the root of GRUB is no parameter of the kernel",
       "set root='hd0,gpt2'\nroot=hd0,gpt2\nsearch --set=root --fs-uuid " + kOld,
       "set root='hd0,gpt2'\nroot=hd0,gpt2\nsearch --set=root --fs-uuid " + kNew, 1, 0},
      {"nothing", "", "", 0, 0},
  };
  for (const Case& test : cases) {
    INFO(test.name);
    const auto result = RewriteGrubConfig(test.text, Replacement());
    REQUIRE_OK(result);
    CHECK(result->text == test.wanted);
    CHECK((result->changes > 0) == (test.text != test.wanted));
    CHECK(result->own_searches == test.own_searches);
    CHECK(result->roots == test.roots);

    const auto again = RewriteGrubConfig(result->text, Replacement());
    REQUIRE_OK(again);
    CHECK(again->text == result->text);
    CHECK(again->changes == 0);
    CHECK(again->own_searches == test.own_searches);
    CHECK(again->roots == test.roots);
  }
}

TEST_CASE("A configuration that finds its device by what both volumes share is refused") {
  struct Case {
    std::string name;
    std::string text;
    std::string message;
  };
  const std::vector<Case> cases = {
      {"a label", "\nsearch --no-floppy --label root --set=root\n",
       "line 2: GRUB finds its device"},
      {"a label in short", "search -l root -s", "the label 'root'"},
      {"search.fs_label", "search.fs_label root root", "the label 'root'"},
      {"a file", "search --file --set=root /boot/vmlinuz", "the file '/boot/vmlinuz'"},
      {"search.file", "search.file /boot/vmlinuz dev", "the file '/boot/vmlinuz'"},
      {"a search without a kind", "search --set=root /x", "the file '/x'"},
      {"a label beside a search of its own",
       "search --fs-uuid " + kOld + " --set=root\nsearch --label x --set=root", "line 2"},
      {"the disk's position", "set root='hd0,gpt2'\nlinux /k root=/dev/a", "line 1: GRUB finds"},
      {"the disk's position in parentheses", "set root=(hd1,2)", "its place on the disk"},
      {"the disk's position in a path", "set x=1\nconfigfile (hd0,gpt2)/boot/grub/grub.cfg",
       "line 2: GRUB finds its device by its place on the disk"},
      {"a quote without end", "set a=1\nset b='x\nset c=2\n", "line 2: the quote ' is not closed"},
      {"a double quote without end", "echo \"a\\\"", "line 1: the quote \" is not closed"},
  };
  for (const Case& test : cases) {
    INFO(test.name);
    REQUIRE_ERROR(RewriteGrubConfig(test.text, Replacement()),
                  absl::StatusCode::kFailedPrecondition, test.message);
  }
}

TEST_CASE("A search that does not choose the root is nobody's harm") {
  const std::string text =
      "search --fs-uuid " + kNew + " --set=root\nsearch --file --set=usb /autorun.cfg\n";
  const auto result = RewriteGrubConfig(text, Replacement());
  REQUIRE_OK(result);
  CHECK(result->text == text);
}

TEST_CASE("Searches for file systems of others are reported") {
  const auto result =
      RewriteGrubConfig("search -u ABCD-1234\nsearch --fs-uuid " + kOld, Replacement());
  REQUIRE_OK(result);
  CHECK(result->other_searches == std::vector<std::string>{"ABCD-1234"});
  CHECK(result->own_searches == 1);
}

TEST_CASE("The words of a search are understood in every order") {
  struct Case {
    std::string text;
    GrubSearch::By by;
    std::string wanted;
    std::string variable;
  };
  using By = GrubSearch::By;
  const std::vector<Case> cases = {
      {"search -n -u 12-34 -s", By::kFilesystemUuid, "12-34", "root"},
      {"search --no-floppy --fs-uuid --set=dev --hint hd0,gpt2 12-34", By::kFilesystemUuid, "12-34",
       "dev"},
      {"search --hint-efi=hd0,gpt2 --set=root --fs-uuid '12-34'", By::kFilesystemUuid, "12-34",
       "root"},
      {"search --set root --fs-uuid 12-34", By::kFilesystemUuid, "12-34", "root"},
      {"search.fs_uuid 12-34 prefixdev hd0,gpt1 hd0,gpt2", By::kFilesystemUuid, "12-34",
       "prefixdev"},
      {"search.fs_uuid 12-34", By::kFilesystemUuid, "12-34", "root"},
      {"search --label data", By::kLabel, "data", "root"},
      {"search /file", By::kFile, "/file", "root"},
  };
  for (const Case& test : cases) {
    INFO(test.text);
    const auto commands = ParseGrubScript(test.text);
    REQUIRE_OK(commands);
    REQUIRE(commands->size() == 1);
    const auto search = AsSearch(test.text, commands->front());
    REQUIRE(search.has_value());
    CHECK(search->by == test.by);
    CHECK(search->wanted == test.wanted);
    CHECK(search->variable == test.variable);
  }
}

TEST_CASE("Words are expanded as GRUB does it") {
  struct Case {
    std::string word;
    std::optional<std::string> wanted;
  };
  const GrubVariables variables = {{"prefix", "/boot/grub"}, {"root", ""}};
  const std::vector<Case> cases = {
      {"plain", "plain"},
      {"$prefix/x", "/boot/grub/x"},
      {"${prefix}x", "/boot/grubx"},
      {"\"$prefix\"", "/boot/grub"},
      {"'$prefix'", "$prefix"},
      {"($root)'/boot'", "()/boot"},
      {"a\\ b", "a b"},
      {"\"a\\\"b\\n\"", "a\"b\\n"},
      {"\\$prefix", "$prefix"},
      {"$", "$"},
      {"$other", std::nullopt},
      {"${other}", std::nullopt},
  };
  for (const Case& test : cases) {
    INFO(test.word);
    CHECK(ExpandGrubWord(test.word, variables) == test.wanted);
  }
}

TEST_CASE("What a configuration of GRUB starts is read out of it") {
  const auto debian = ReadGrubConfig(DebianConfig(kNew, kRoot));
  REQUIRE_OK(debian);
  REQUIRE(debian->kernels.size() == 3);
  CHECK(debian->kernels[0].path == "/boot/vmlinuz-6.1.0-18-amd64");
  CHECK(debian->kernels[0].command_line == "root=" + kRoot + " ro quiet panic=5");
  CHECK(debian->kernels[2].command_line == "root=" + kRoot + " ro single");
  CHECK(debian->initrds.size() == 3);
  CHECK(debian->config_files.empty());

  const auto stub = ReadGrubConfig(DebianStub(kNew));
  REQUIRE_OK(stub);
  CHECK(stub->config_files == std::vector<std::string>{"/boot/grub/grub.cfg"});

  const auto azure = ReadGrubConfig(AzureConfig(kNew, kRoot));
  REQUIRE_OK(azure);
  REQUIRE(azure->kernels.size() == 1);
  CHECK(azure->kernels[0].path.empty());
  CHECK(azure->kernels[0].command_line ==
        "rd.auto=1 root=" + kRoot + " $mariner_cmdline lockdown=integrity net.ifnames=0");
  CHECK(azure->initrds.empty());
}

}  // namespace
}  // namespace trident
