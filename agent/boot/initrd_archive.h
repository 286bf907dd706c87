// A small initrd: a cpio archive that the kernel unpacks beside that of the image.
//
// Format: Linux, Documentation/driver-api/early-userspace/buffer-format.rst ("newc").
#ifndef TRIDENT_AGENT_BOOT_INITRD_ARCHIVE_H_
#define TRIDENT_AGENT_BOOT_INITRD_ARCHIVE_H_

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace trident {

// Everything belongs to root and has no date, so that the same contents give the same bytes. Paths
// are absolute; folders on the way are added by themselves.
class InitrdArchive {
 public:
  void AddFile(std::string_view path, std::string_view content);
  void AddLink(std::string_view path, std::string_view target);

  // The archive so far, with its end, as long as a multiple of 512 bytes.
  std::string Finish() const;

 private:
  void AddFolders(std::string_view path);
  void Append(std::string_view path, uint32_t mode, std::string_view content);

  std::string bytes_;
  std::set<std::string, std::less<>> folders_;
  uint32_t entries_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_INITRD_ARCHIVE_H_
