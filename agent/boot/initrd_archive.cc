#include "agent/boot/initrd_archive.h"

#include "absl/strings/str_format.h"

namespace trident {
namespace {

constexpr uint32_t kFolder = 0040755;
constexpr uint32_t kFile = 0100644;
constexpr uint32_t kLink = 0120777;
constexpr size_t kAlignment = 4;
constexpr size_t kBlock = 512;

void Pad(std::string& bytes, size_t alignment) {
  bytes.append((alignment - bytes.size() % alignment) % alignment, '\0');
}

void AppendEntry(std::string& bytes, uint32_t inode, std::string_view name, uint32_t mode,
                 std::string_view content) {
  // Inode, mode, user, group, links, date, size, device (2), device of a device file (2), length of
  // the name with its end, checksum.
  absl::StrAppendFormat(&bytes, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", inode,
                        mode, 0, 0, 1, 0, content.size(), 0, 0, 0, 0, name.size() + 1, 0);
  bytes += name;
  bytes += '\0';
  Pad(bytes, kAlignment);
  bytes += content;
  Pad(bytes, kAlignment);
}

}  // namespace

void InitrdArchive::AddFile(std::string_view path, std::string_view content) {
  AddFolders(path);
  Append(path, kFile, content);
}

void InitrdArchive::AddLink(std::string_view path, std::string_view target) {
  AddFolders(path);
  Append(path, kLink, target);
}

std::string InitrdArchive::Finish() const {
  std::string bytes = bytes_;
  AppendEntry(bytes, 0, "TRAILER!!!", 0, "");
  Pad(bytes, kBlock);
  return bytes;
}

void InitrdArchive::AddFolders(std::string_view path) {
  for (size_t slash = path.find('/', 1); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    const std::string_view folder = path.substr(0, slash);
    if (folders_.emplace(folder).second) Append(folder, kFolder, "");
  }
}

void InitrdArchive::Append(std::string_view path, uint32_t mode, std::string_view content) {
  AppendEntry(bytes_, ++entries_, path.substr(1), mode, content);
}

}  // namespace trident
