#include "agent/boot/boot_additions.h"

#include <catch2/catch.hpp>
#include <string>

namespace trident {
namespace {

BootAdditions Additions() {
  BootAdditions additions;
  additions.parameters.set = {{"roothash", "abc"}, {"rd.shell", "0"}};
  additions.parameters.defaults = {{"panic", "10"}};
  additions.parameters.removed = {"systemd.verity_root_options"};
  additions.first_initrd = "/trident/overlays.img";
  return additions;
}

TEST_CASE("an entry gets what it lacks, once, and keeps everything else") {
  struct Case {
    const char* name;
    const char* entry;
    const char* wanted;
  };
  const Case cases[] = {
      {"an entry as images have it",
       "title Debian\nlinux /vmlinuz\ninitrd /initrd.img\noptions root=/dev/mapper/root ro\n",
       "title Debian\nlinux /vmlinuz\ninitrd /trident/overlays.img\ninitrd /initrd.img\n"
       "options root=/dev/mapper/root ro panic=10 roothash=abc rd.shell=0\n"},
      {"values of the image are replaced, what is to be removed goes",
       "linux /k\ninitrd /i\n"
       "options roothash=old  rd.shell systemd.verity_root_options=x quiet panic=3\n",
       "linux /k\ninitrd /trident/overlays.img\ninitrd /i\n"
       "options quiet panic=3 roothash=abc rd.shell=0\n"},
      {"several lines of options",
       "linux /k\noptions panic=3 roothash=old\ninitrd /i\noptions quiet\n",
       "linux /k\noptions panic=3\ninitrd /trident/overlays.img\ninitrd /i\n"
       "options quiet roothash=abc rd.shell=0\n"},
      {"what belongs to the first process is left",
       "linux /k\ninitrd /i\noptions ro -- panic=1 roothash=mine",
       "linux /k\ninitrd /trident/overlays.img\ninitrd /i\n"
       "options ro panic=10 roothash=abc rd.shell=0 -- panic=1 roothash=mine"},
      {"quotes keep blanks together",
       "linux /k\ninitrd /i\noptions dyndbg=\"file a.c +p; roothash=1\" ro\n",
       "linux /k\ninitrd /trident/overlays.img\ninitrd /i\n"
       "options dyndbg=\"file a.c +p; roothash=1\" ro panic=10 roothash=abc rd.shell=0\n"},
      {"neither options nor initrd", "title x\nlinux /k\n\n",
       "title x\nlinux /k\noptions panic=10 roothash=abc rd.shell=0\n"
       "initrd /trident/overlays.img\n\n"},
      {"no kernel", "title Shell\nefi /shell.efi\n", "title Shell\nefi /shell.efi\n"},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      const std::string added = AddToLoaderEntry(one.entry, Additions());
      CHECK(added == one.wanted);
      CHECK(AddToLoaderEntry(added, Additions()) == added);
    }
  }
}

TEST_CASE("what stands behind the additions stays there") {
  const std::string entry = AddToLoaderEntry("linux /k\ninitrd /i\noptions ro\n", Additions());
  std::string with_extra = entry;
  with_extra.insert(with_extra.size() - 1, " trident.extra=2 quiet rd.shell=1");
  CHECK(AddToLoaderEntry(with_extra, Additions()) == with_extra);
}

TEST_CASE("without additions an entry stays byte by byte") {
  const std::string entry = "linux  /k\r\noptions   ro  quiet\n# end";
  CHECK(AddToLoaderEntry(entry, BootAdditions()) == entry);
}

}  // namespace
}  // namespace trident
