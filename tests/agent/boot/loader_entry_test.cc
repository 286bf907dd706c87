#include "agent/boot/loader_entry.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/support/status_matchers.h"

namespace trident {
namespace {

const RootReplacement& Replacement() {
  static const RootReplacement replacement{{{"old-1", "new-2"}}, "PARTUUID=p"};
  return replacement;
}

TEST_CASE("An entry of systemd-boot gets the root of its volume") {
  struct Case {
    std::string name;
    std::string text;
    std::string wanted;
    size_t roots;
  };
  const std::vector<Case> cases = {
      {"as kernel-install writes it",
       "# Boot Loader Specification type#1 entry\n"
       "title      Debian GNU/Linux 12 (bookworm)\n"
       "version    6.1.0-18-amd64\n"
       "options    root=UUID=old-1 ro quiet systemd.machine_id=x\n"
       "linux      /debian/6.1.0-18-amd64/linux\n"
       "initrd     /debian/6.1.0-18-amd64/initrd.img-6.1.0-18-amd64\n",
       "# Boot Loader Specification type#1 entry\n"
       "title      Debian GNU/Linux 12 (bookworm)\n"
       "version    6.1.0-18-amd64\n"
       "options    root=PARTUUID=p ro quiet systemd.machine_id=x\n"
       "linux      /debian/6.1.0-18-amd64/linux\n"
       "initrd     /debian/6.1.0-18-amd64/initrd.img-6.1.0-18-amd64\n",
       1},
      {"options on several lines", "linux /k\noptions ro\noptions\troot=/dev/sda1 panic=5",
       "linux /k\noptions ro\noptions\troot=PARTUUID=p panic=5", 1},
      {"CR LF and no newline at the end", "linux /k\r\noptions root=LABEL=x\r",
       "linux /k\r\noptions root=PARTUUID=p\r", 1},
      {"comments and titles are left",
       "#options root=old-1\ntitle root=x\nlinux /k\noptions root=x\n",
       "#options root=old-1\ntitle root=x\nlinux /k\noptions root=PARTUUID=p\n", 1},
      {"the old UUID elsewhere", "linux /k\noptions root=x resume=UUID=old-1",
       "linux /k\noptions root=PARTUUID=p resume=UUID=new-2", 1},
      {"a program without a kernel", "title memtest\nefi /memtest.efi\n",
       "title memtest\nefi /memtest.efi\n", 0},
      {"nothing", "", "", 0},
  };
  for (const Case& test : cases) {
    INFO(test.name);
    const auto result = RewriteLoaderEntry(test.text, Replacement());
    REQUIRE_OK(result);
    CHECK(result->text == test.wanted);
    CHECK(result->roots == test.roots);
    CHECK((result->changes > 0) == (test.text != test.wanted));
    const auto again = RewriteLoaderEntry(result->text, Replacement());
    REQUIRE_OK(again);
    CHECK(again->text == result->text);
    CHECK(again->changes == 0);
  }
}

TEST_CASE("An entry that starts a kernel without root= is refused") {
  REQUIRE_ERROR(RewriteLoaderEntry("linux /vmlinuz\noptions ro quiet\n", Replacement()),
                absl::StatusCode::kFailedPrecondition, "have no root=");
}

TEST_CASE("An entry is read") {
  const LoaderEntry entry = ReadLoaderEntry(
      "title x\r\nlinux /vmlinuz\r\ninitrd /a\ninitrd\t/b\noptions ro\noptions panic=5\nunknown "
      "y\n");
  CHECK(entry.linux_path == "/vmlinuz");
  CHECK(entry.initrds == std::vector<std::string>{"/a", "/b"});
  CHECK(entry.options == "ro panic=5");
  CHECK(entry.efi_path.empty());
}

}  // namespace
}  // namespace trident
