// Files in memory, with mounts and with faults on demand.
#ifndef TRIDENT_AGENT_HOST_FAKE_FAKE_FILES_H_
#define TRIDENT_AGENT_HOST_FAKE_FAKE_FILES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/host/files.h"

namespace trident {

// Thread safe. At first: an empty "/". Change means Write, Copy, CopyWhole, Append, MakeLink,
// ChangeOwner, MakeDirectories, Remove. Nothing has extended attributes.
class FakeFiles : public Files {
 public:
  struct Node {
    enum class Kind { kFile, kDirectory, kLink };
    Kind kind = Kind::kDirectory;
    std::string content;  // of a file; of a link where it points
    uint32_t mode = 0755;
    uint32_t owner = 0;
    uint32_t group = 0;

    bool operator==(const Node&) const = default;
  };
  // One file system: path within it -> node. "/" is always there.
  struct Tree {
    std::map<std::string, Node> nodes;
    bool read_only = false;
    Tree() { nodes["/"] = Node(); }
  };

  FakeFiles();

  absl::StatusOr<std::string> Read(const std::string& path, uint64_t limit) const override;
  absl::StatusOr<std::string> DigestOnMedium(const std::string& path) const override;
  absl::StatusOr<SecretFile> ReadSecret(const std::string& path, uint64_t limit) const override;
  absl::Status Write(const std::string& path, std::string_view content, uint32_t mode) override;
  absl::Status Copy(const std::string& from, const std::string& to, uint32_t mode) override;
  absl::Status CopyWhole(const std::string& from, const std::string& to) override;
  absl::Status Append(const std::string& path, std::string_view content, uint32_t mode) override;
  absl::Status MakeLink(const std::string& target, const std::string& path) override;
  absl::Status ChangeOwner(const std::string& path, uint32_t owner, uint32_t group) override;
  absl::StatusOr<FileFacts> Facts(const std::string& path) const override;
  bool Exists(const std::string& path) const override;
  bool IsDirectory(const std::string& path) const override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) const override;
  absl::Status MakeDirectories(const std::string& path, uint32_t mode) override;
  absl::Status Remove(const std::string& path) override;
  absl::StatusOr<std::string> Canonical(const std::string& path) const override;
  absl::StatusOr<std::string> ReadLink(const std::string& path) const override;
  absl::StatusOr<FileSystemRoom> Room(const std::string& path) const override;
  absl::Status SyncFileSystem(const std::string& path) override;

  // Setting the stage: these never fail by injection, and make the folders on the way.
  void SetFile(const std::string& path, std::string_view content, uint32_t mode = 0644);
  void SetDirectory(const std::string& path, uint32_t mode = 0755);
  void SetLink(const std::string& path, const std::string& target);
  // Of what is there; a link is not followed. Everything belongs to root at first.
  void SetOwner(const std::string& path, uint32_t owner);
  void SetRoom(const FileSystemRoom& room);

  // Looking at it. Content of a file, nothing when there is none.
  std::optional<std::string> Get(const std::string& path) const;
  // Permission bits; 0 when there is no such file.
  uint32_t ModeOf(const std::string& path) const;
  // Every file that can be reached, sorted.
  std::vector<std::string> AllFiles() const;
  // How many changes were asked for, failed ones too.
  int changes() const;
  // How often SyncFileSystem was called.
  int syncs() const;

  // The `nth` change from now (1: the next one) gives `status` and changes nothing.
  void FailChange(int nth, absl::Status status);
  // All changes from the `nth` on fail, as after the disk went away.
  void FailChangesFrom(int nth, absl::Status status);
  // Writes of more than so many bytes, all together, fail with "no space left".
  void SetSpaceLeft(uint64_t bytes);

  // For FakeMounts: shows `tree`, from its folder `inner` on, at the folder `target`.
  absl::Status Graft(const std::string& target, std::shared_ptr<Tree> tree,
                     const std::string& inner);
  // Takes away the newest graft at `target`; false when there is none.
  bool Ungraft(const std::string& target);
  // The tree, and the path in it, that `path` shows. `path` must be there.
  absl::StatusOr<std::pair<std::shared_ptr<Tree>, std::string>> Locate(
      const std::string& path) const;

 private:
  struct Mounted {
    std::string target;
    std::shared_ptr<Tree> tree;
    std::string inner;
  };
  struct Place {
    Tree* tree = nullptr;
    std::string inner;
  };

  // All below need the lock.
  Place PlaceOf(const std::string& canonical) const;
  Node* Find(const std::string& canonical) const;
  // realpath; with `last_may_miss` the last component need not be there, and is not followed when
  // `follow_last` is false. `error` gets an errno.
  std::optional<std::string> Resolve(const std::string& path, bool follow_last, bool last_may_miss,
                                     int& error) const;
  absl::Status BeginChange(uint64_t bytes);
  absl::Status WriteLocked(const std::string& path, std::string_view content, uint32_t mode);
  // Puts a file or a link at `path`, which must not be a folder.
  absl::Status PutLocked(const std::string& path, const Node& node);
  void MakeParents(const std::string& path);

  mutable std::mutex mutex_;
  std::vector<Mounted> mounted_;
  std::optional<FileSystemRoom> room_;
  std::optional<uint64_t> space_left_;
  int changes_ = 0;
  int syncs_ = 0;
  std::map<int, absl::Status> failures_;
  std::optional<std::pair<int, absl::Status>> failures_from_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_FAKE_FAKE_FILES_H_
