#include "agent/host/fake/fake_verity.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr char kTreeType[] = "DM_verity_hash";
constexpr uint64_t kCopied = 1 << 20;

std::string PathOf(const std::string& name) { return "/dev/mapper/" + name; }

absl::Status VerityError(absl::StatusCode code, const char* subkind, std::string message) {
  return MakeError(code, "verity", subkind, std::move(message));
}

}  // namespace

FakeVerity::FakeVerity(FakeBlockDevices& devices) : devices_(devices) {}

absl::Status FakeVerity::Open(const VeritySource& source, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const std::string attempt =
      absl::StrCat("cannot open ", source.data_device, " as ", PathOf(name));
  if (open_.contains(name)) {
    return VerityError(absl::StatusCode::kFailedPrecondition, "name-taken",
                       attempt + ": the name is taken");
  }
  const auto size = devices_.Size(source.data_device);
  const auto tree = devices_.Probe(source.hash_device);
  if (!size.ok() || !tree.ok()) {
    return VerityError(absl::StatusCode::kNotFound, "no-such-device",
                       attempt + ": there is no such device");
  }
  if (tree->type != kTreeType) {
    return VerityError(absl::StatusCode::kFailedPrecondition, "not-verity",
                       attempt + ": there is no tree of hashes");
  }
  const std::string data = devices_.Resolve(source.data_device);
  const std::string hash = devices_.Resolve(source.hash_device);
  devices_.AddDisk(PathOf(name), *size);
  devices_.SetData(PathOf(name), 0, devices_.Data(data, 0, std::min(*size, kCopied)));
  if (tree->uuid != source.root_hash || tampered_.contains(data)) {
    devices_.FailReadAt(PathOf(name), 0,
                        MakeError(absl::StatusCode::kDataLoss, "storage", "io",
                                  absl::StrCat("cannot read ", PathOf(name), ": I/O error")));
  }
  for (const std::string& device : {data, hash}) devices_.AddUser(device, "held by " + name);
  open_[name] = {data, hash};
  changes_.push_back(absl::StrCat("open ", data, " ", name));
  return absl::OkStatus();
}

absl::Status FakeVerity::Close(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(name);
  if (found == open_.end()) return absl::OkStatus();
  if (!devices_.UsersOf(PathOf(name)).empty()) {
    return VerityError(absl::StatusCode::kFailedPrecondition, "busy",
                       absl::StrCat("cannot close ", PathOf(name), ": it is still used"));
  }
  for (const std::string& device : found->second) devices_.RemoveUser(device, "held by " + name);
  devices_.RemoveDisk(PathOf(name));
  open_.erase(found);
  changes_.push_back("close " + name);
  return absl::OkStatus();
}

bool FakeVerity::IsOpen(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return open_.contains(name);
}

void FakeVerity::Tamper(const std::string& data_device) {
  const std::lock_guard lock(mutex_);
  tampered_.insert(devices_.Resolve(data_device));
}

std::vector<std::string> FakeVerity::changes() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}

std::string FakeVerityTree(const std::string& root_hash) {
  return FakeFilesystem({.type = kTreeType, .uuid = root_hash, .label = ""});
}

}  // namespace trident
