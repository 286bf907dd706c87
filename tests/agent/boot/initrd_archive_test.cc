#include "agent/boot/initrd_archive.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace trident {
namespace {

// Reads an archive as the kernel does: init/initramfs.c.
std::vector<std::string> Entries(const std::string& bytes) {
  std::vector<std::string> entries;
  size_t at = 0;
  const auto field = [&](size_t index) {
    return std::stoul(bytes.substr(at + 6 + 8 * index, 8), nullptr, 16);
  };
  const auto aligned = [](size_t offset) { return (offset + 3) / 4 * 4; };
  while (true) {
    REQUIRE(bytes.substr(at, 6) == "070701");
    REQUIRE(at % 4 == 0);
    const size_t size = field(6);
    const std::string name = bytes.substr(at + 110, field(11) - 1);
    REQUIRE(bytes[at + 110 + name.size()] == '\0');
    if (name == "TRAILER!!!") break;
    char mode[8];
    snprintf(mode, sizeof mode, "%06lo", field(1));
    const size_t content = aligned(at + 110 + name.size() + 1);
    entries.push_back(absl::StrCat(mode, " ", name, " ", bytes.substr(content, size)));
    at = aligned(content + size);
  }
  return entries;
}

TEST_CASE("an archive has its files, its links and every folder on the way once") {
  InitrdArchive archive;
  archive.AddFile("/etc/systemd/a.mount", "[Mount]\n");
  archive.AddFile("/etc/systemd/b", "");
  archive.AddLink("/etc/x.requires/a.mount", "../systemd/a.mount");
  const std::string bytes = archive.Finish();
  CHECK(Entries(bytes) == std::vector<std::string>{"040755 etc ", "040755 etc/systemd ",
                                                   "100644 etc/systemd/a.mount [Mount]\n",
                                                   "100644 etc/systemd/b ",
                                                   "040755 etc/x.requires ",
                                                   "120777 etc/x.requires/a.mount "
                                                   "../systemd/a.mount"});
  // What follows is aligned, and the same contents are the same bytes.
  CHECK(bytes.size() % 512 == 0);
  CHECK(archive.Finish() == bytes);
}

}  // namespace
}  // namespace trident
