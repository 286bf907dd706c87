// Files and folders of the host.
#ifndef TRIDENT_AGENT_HOST_FILES_H_
#define TRIDENT_AGENT_HOST_FILES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/host/secret.h"

namespace trident {

struct FileSystemRoom {
  uint64_t size = 0;       // bytes
  uint64_t available = 0;  // bytes, for unprivileged writers
};

struct FileFacts {
  enum class Type { kRegular, kDirectory, kLink, kOther };
  Type type = Type::kRegular;
  uint32_t mode = 0;   // permission bits, 07777
  uint32_t owner = 0;  // user id
  uint64_t size = 0;   // bytes
  uint32_t group = 0;  // group id

  bool operator==(const FileFacts&) const = default;
};

struct SecretFile {
  FileFacts facts;
  Secret content;  // empty unless it is a regular file
};

// Paths are absolute. Error kind "environment"; NOT_FOUND when there is no such file.
class Files {
 public:
  virtual ~Files() = default;

  // The whole file; RESOURCE_EXHAUSTED when it is larger than `limit` bytes.
  virtual absl::StatusOr<std::string> Read(const std::string& path,
                                           uint64_t limit = 16 << 20) const = 0;
  // A file whose content must not be seen: read straight into memory of a Secret, without a copy on
  // the way. A symbolic link in the last place is not followed, nor is anything but a regular file
  // read: `facts`, which are those of the file that was read, tell what it is. RESOURCE_EXHAUSTED
  // when it is larger than `limit` bytes, ABORTED when it changed its size meanwhile.
  virtual absl::StatusOr<SecretFile> ReadSecret(const std::string& path, uint64_t limit) const = 0;
  // SHA-256 of the file as the medium has it, not the page cache: what is cached is written out and
  // dropped first. 64 lower-case hex digits.
  virtual absl::StatusOr<std::string> DigestOnMedium(const std::string& path) const = 0;
  // Atomic and durable: a temporary file beside it, fsync, rename, fsync of the folder. The folder
  // must be there. `mode` as for open(2). Keeps mode and owner of a file that is replaced when
  // `mode` is 0.
  virtual absl::Status Write(const std::string& path, std::string_view content, uint32_t mode) = 0;
  // Copies a file, replacing `to` in the same way as Write.
  virtual absl::Status Copy(const std::string& from, const std::string& to, uint32_t mode) = 0;
  // Makes `to` what `from` is, with mode, owner, group, extended attributes and times: a file or a
  // symbolic link replaces what is there as Write does; of a folder only itself is made, not what
  // is in it, and a folder that is there is kept. Links are not followed in the last place.
  // INVALID_ARGUMENT for what is no file, folder or link.
  virtual absl::Status CopyWhole(const std::string& from, const std::string& to) = 0;
  // Adds to the end of a file, which is made with `mode` when it is not there. Not durable. A link
  // in the last place is not followed.
  virtual absl::Status Append(const std::string& path, std::string_view content, uint32_t mode) = 0;
  // Makes a symbolic link, replacing what is there as Write does.
  virtual absl::Status MakeLink(const std::string& target, const std::string& path) = 0;
  // Of a link itself, not of what it points to.
  virtual absl::Status ChangeOwner(const std::string& path, uint32_t owner, uint32_t group) = 0;
  // Does not follow a link in the last place.
  virtual absl::StatusOr<FileFacts> Facts(const std::string& path) const = 0;
  // Follows symbolic links.
  virtual bool Exists(const std::string& path) const = 0;
  virtual bool IsDirectory(const std::string& path) const = 0;
  // Names, sorted, without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) const = 0;
  // mkdir -p; folders that are there stay as they are.
  virtual absl::Status MakeDirectories(const std::string& path, uint32_t mode) = 0;
  // OK when it was not there. Not recursive.
  virtual absl::Status Remove(const std::string& path) = 0;
  // realpath(3).
  virtual absl::StatusOr<std::string> Canonical(const std::string& path) const = 0;
  virtual absl::StatusOr<std::string> ReadLink(const std::string& path) const = 0;
  virtual absl::StatusOr<FileSystemRoom> Room(const std::string& path) const = 0;
  // syncfs(2) of the file system that holds `path`.
  virtual absl::Status SyncFileSystem(const std::string& path) = 0;
};

std::unique_ptr<Files> MakeLinuxFiles();

// The folder that an absolute path lies in: "/" of "/etc".
std::string FolderOf(const std::string& path);

// Removes a file, a link, or a folder with everything in it. Links are not followed. OK when
// nothing is there.
absl::Status RemoveTree(Files& files, const std::string& path);

// A path of the new root that must not leave it: `root` joined with `path`, every symbolic link on
// the way, also the last, resolved as if `root` were "/". Components that are not there are taken
// as they are: what is not there is no link.
absl::StatusOr<std::string> ResolveBelow(const Files& files, const std::string& root,
                                         const std::string& path);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_FILES_H_
