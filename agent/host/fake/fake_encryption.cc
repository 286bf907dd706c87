#include "agent/host/fake/fake_encryption.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr size_t kLongestLabel = 47;
constexpr int kKeySlots = 32;
// What the TPM puts into its key slot: no Secret of a test is equal to it.
constexpr char kSealed[] = "sealed by the TPM";

absl::Status EncryptionError(absl::StatusCode code, const char* subkind, std::string message) {
  return MakeError(code, "encryption", subkind, std::move(message));
}

std::string Text(const Secret& secret) { return {secret.chars(), secret.size()}; }

absl::Status CheckKeyGiven(const Secret& key, const std::string& attempt) {
  if (!key.empty()) return absl::OkStatus();
  return EncryptionError(absl::StatusCode::kInvalidArgument, "no-key",
                         attempt + ": the key is empty");
}

std::string PathOf(const std::string& name) { return "/dev/mapper/" + name; }

}  // namespace

FakeEncryption::FakeEncryption(FakeBlockDevices& devices) : devices_(devices) {}

absl::Status FakeEncryption::BeginChange() {
  ++begun_;
  const auto fault = failures_.find(begun_);
  return fault == failures_.end() ? absl::OkStatus() : fault->second;
}

absl::StatusOr<FakeEncryption::Volume*> FakeEncryption::Find(const std::string& device,
                                                             const std::string& attempt) const {
  const auto signature = devices_.Probe(device);
  if (!signature.ok()) {
    return EncryptionError(absl::StatusCode::kNotFound, "no-such-device",
                           attempt + ": there is no such device");
  }
  const auto found = volumes_.find(devices_.Resolve(device));
  if (signature->type != "crypto_LUKS" || found == volumes_.end() ||
      found->second.header.uuid != signature->uuid) {
    return EncryptionError(absl::StatusCode::kFailedPrecondition, "not-luks",
                           attempt + ": there is no intact LUKS2 header on it");
  }
  return &found->second;
}

absl::StatusOr<int> FakeEncryption::SlotOf(const Volume& volume, const Secret& key,
                                           const std::string& attempt) const {
  for (const auto& [slot, value] : volume.keys) {
    if (value == Text(key)) return slot;
  }
  return EncryptionError(absl::StatusCode::kPermissionDenied, "wrong-key",
                         attempt + ": no key slot opens with this key");
}

int FakeEncryption::AddSlot(Volume& volume, std::string key) {
  int slot = 0;
  while (volume.keys.count(slot) != 0) ++slot;
  volume.keys.emplace(slot, std::move(key));
  volume.header.key_slots.clear();
  for (const auto& [number, value] : volume.keys) volume.header.key_slots.push_back(number);
  return slot;
}

void FakeEncryption::RemoveSlot(Volume& volume, int key_slot) {
  volume.keys.erase(key_slot);
  std::erase(volume.header.key_slots, key_slot);
  for (LuksToken& token : volume.header.tokens) std::erase(token.key_slots, key_slot);
}

absl::Status FakeEncryption::Format(const std::string& device, const std::string& uuid,
                                    const std::string& label, const Secret& key) {
  const std::string attempt = absl::StrCat("cannot encrypt ", device);
  TRIDENT_RETURN_IF_ERROR(CheckKeyGiven(key, attempt));
  const std::lock_guard lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(BeginChange());
  const auto size = devices_.Size(device);
  if (!size.ok()) {
    return EncryptionError(absl::StatusCode::kNotFound, "no-such-device",
                           attempt + ": there is no such device");
  }
  if (*size <= kLuksHeaderBytes) {
    return EncryptionError(absl::StatusCode::kInvalidArgument, "too-small",
                           attempt + ": it is too small");
  }
  if (const auto users = devices_.UsersOf(device); !users.empty()) {
    return EncryptionError(absl::StatusCode::kFailedPrecondition, "busy",
                           absl::StrCat(attempt, ": in use: ", absl::StrJoin(users, ", ")));
  }
  Volume volume;
  volume.header.uuid = uuid;
  volume.header.label = label.substr(0, kLongestLabel);
  volume.header.cipher = "aes-xts-plain64";
  volume.header.key_bits = 512;
  volume.header.sector_size = 512;
  AddSlot(volume, Text(key));
  const std::string path = devices_.Resolve(device);
  volumes_.insert_or_assign(path, std::move(volume));
  devices_.SetSignature(path, {"crypto_LUKS", uuid, label.substr(0, kLongestLabel)});
  changes_.push_back("format " + path);
  return absl::OkStatus();
}

absl::StatusOr<LuksHeader> FakeEncryption::Inspect(const std::string& device) const {
  const std::lock_guard lock(mutex_);
  TRIDENT_ASSIGN_OR_RETURN(const Volume* volume,
                           Find(device, absl::StrCat("cannot read the encryption of ", device)));
  return volume->header;
}

absl::StatusOr<int> FakeEncryption::CheckKey(const std::string& device, const Secret& key) const {
  const std::string attempt = absl::StrCat("cannot open ", device);
  TRIDENT_RETURN_IF_ERROR(CheckKeyGiven(key, attempt));
  const std::lock_guard lock(mutex_);
  TRIDENT_ASSIGN_OR_RETURN(const Volume* volume, Find(device, attempt));
  return SlotOf(*volume, key, attempt);
}

absl::StatusOr<int> FakeEncryption::AddKey(const std::string& device, const Secret& key,
                                           const Secret& new_key) {
  const std::string attempt = absl::StrCat("cannot add a key to ", device);
  TRIDENT_RETURN_IF_ERROR(CheckKeyGiven(key, attempt));
  TRIDENT_RETURN_IF_ERROR(CheckKeyGiven(new_key, attempt));
  const std::lock_guard lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(BeginChange());
  TRIDENT_ASSIGN_OR_RETURN(Volume* const volume, Find(device, attempt));
  if (const auto slot = SlotOf(*volume, new_key, attempt); slot.ok()) return *slot;
  TRIDENT_RETURN_IF_ERROR(SlotOf(*volume, key, attempt).status());
  const int slot = AddSlot(*volume, Text(new_key));
  changes_.push_back(absl::StrCat("add-key ", devices_.Resolve(device), " ", slot));
  return slot;
}

absl::Status FakeEncryption::RemoveKeySlot(const std::string& device, int key_slot) {
  const std::string attempt = absl::StrCat("cannot remove key slot ", key_slot, " of ", device);
  const std::lock_guard lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(BeginChange());
  TRIDENT_ASSIGN_OR_RETURN(Volume* const volume, Find(device, attempt));
  if (key_slot < 0 || key_slot >= kKeySlots) {
    return EncryptionError(absl::StatusCode::kInvalidArgument, "no-key-slot",
                           attempt + ": there is no key slot of this number");
  }
  if (volume->keys.count(key_slot) == 0) return absl::OkStatus();
  if (volume->keys.size() == 1) {
    return EncryptionError(absl::StatusCode::kFailedPrecondition, "last-key",
                           attempt + ": it is the last one, nothing could open the volume then");
  }
  RemoveSlot(*volume, key_slot);
  changes_.push_back(absl::StrCat("remove-key ", devices_.Resolve(device), " ", key_slot));
  return absl::OkStatus();
}

absl::Status FakeEncryption::Open(Volume& volume, const std::string& device,
                                  const std::string& name) {
  const std::string path = devices_.Resolve(device);
  if (const auto users = devices_.UsersOf(path); !users.empty()) {
    return EncryptionError(
        absl::StatusCode::kFailedPrecondition, "busy",
        absl::StrCat("cannot open ", device, ": in use: ", absl::StrJoin(users, ", ")));
  }
  TRIDENT_ASSIGN_OR_RETURN(const uint64_t size, devices_.Size(path));
  if (!volume.has_contents) {
    devices_.AddDisk(PathOf(name), size - kLuksHeaderBytes, volume.header.sector_size);
  }
  volume.has_contents = true;
  devices_.SetHidden(PathOf(name), false);
  devices_.AddUser(path, "held by " + name);
  active_[name] = path;
  changes_.push_back(absl::StrCat("activate ", path, " ", name));
  return absl::OkStatus();
}

absl::Status FakeEncryption::Activate(const std::string& device, const std::string& name,
                                      const Secret& key) {
  const std::string attempt = absl::StrCat("cannot open ", device, " as ", PathOf(name));
  TRIDENT_RETURN_IF_ERROR(CheckKeyGiven(key, attempt));
  const std::lock_guard lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(BeginChange());
  TRIDENT_ASSIGN_OR_RETURN(Volume* const volume, Find(device, attempt));
  const auto active = active_.find(name);
  if (active != active_.end() && active->second != devices_.Resolve(device)) {
    return EncryptionError(absl::StatusCode::kFailedPrecondition, "name-taken",
                           attempt + ": the name belongs to another volume that is open");
  }
  TRIDENT_RETURN_IF_ERROR(SlotOf(*volume, key, attempt).status());
  return active != active_.end() ? absl::OkStatus() : Open(*volume, device, name);
}

absl::Status FakeEncryption::Deactivate(const std::string& name) {
  const std::lock_guard lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(BeginChange());
  const auto active = active_.find(name);
  if (active == active_.end()) return absl::OkStatus();
  if (busy_[name] || !devices_.UsersOf(PathOf(name)).empty()) {
    return EncryptionError(absl::StatusCode::kFailedPrecondition, "busy",
                           absl::StrCat("cannot close ", PathOf(name), ": it is still used"));
  }
  devices_.SetHidden(PathOf(name), true);
  devices_.RemoveUser(active->second, "held by " + name);
  active_.erase(active);
  changes_.push_back("deactivate " + name);
  return absl::OkStatus();
}

bool FakeEncryption::IsActive(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return active_.count(name) != 0;
}

bool FakeEncryption::HasTpm2() const {
  const std::lock_guard lock(mutex_);
  return has_tpm_;
}

absl::Status FakeEncryption::EnrolTpm2(const std::string& device, const std::vector<uint32_t>& pcrs,
                                       const Secret& unlock_key, const Cancellation* cancellation) {
  const std::string attempt = absl::StrCat("cannot let the TPM open ", device);
  TRIDENT_RETURN_IF_ERROR(CheckKeyGiven(unlock_key, attempt));
  if (cancellation != nullptr && cancellation->cancelled()) {
    return MakeError(absl::StatusCode::kCancelled, "cancelled", "command", attempt + ": cancelled");
  }
  const std::lock_guard lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(BeginChange());
  if (!has_tpm_) {
    return EncryptionError(absl::StatusCode::kFailedPrecondition, "no-tpm",
                           attempt + ": the machine has no TPM 2.0");
  }
  TRIDENT_ASSIGN_OR_RETURN(Volume* const volume, Find(device, attempt));
  TRIDENT_RETURN_IF_ERROR(SlotOf(*volume, unlock_key, attempt).status());
  for (const LuksToken& token : std::exchange(volume->header.tokens, {})) {
    for (const int old_slot : token.key_slots) RemoveSlot(*volume, old_slot);
  }
  volume->header.tokens = {{0, kTpm2TokenType, {AddSlot(*volume, kSealed)}}};
  volume->sealed = true;
  changes_.push_back(
      absl::StrCat("enrol-tpm2 ", devices_.Resolve(device), " ", absl::StrJoin(pcrs, "+")));
  return absl::OkStatus();
}

void FakeEncryption::SetTpm2(bool there) {
  const std::lock_guard lock(mutex_);
  has_tpm_ = there;
}

void FakeEncryption::ForgetSealedKeys() {
  const std::lock_guard lock(mutex_);
  for (auto& [path, volume] : volumes_) volume.sealed = false;
}

void FakeEncryption::SetBusy(const std::string& name, bool busy) {
  const std::lock_guard lock(mutex_);
  busy_[name] = busy;
}

void FakeEncryption::FailChange(int nth, absl::Status status) {
  const std::lock_guard lock(mutex_);
  failures_.insert_or_assign(begun_ + nth, std::move(status));
}

bool FakeEncryption::ActivateByTpm2(const std::string& device, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto volume = Find(device, "boot");
  if (!volume.ok() || !has_tpm_ || !(*volume)->sealed || !HasTpm2Token((*volume)->header)) {
    return false;
  }
  return active_.count(name) != 0 || Open(**volume, device, name).ok();
}

std::vector<std::string> FakeEncryption::changes() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}

}  // namespace trident
