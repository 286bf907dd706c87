#include "agent/host/fake/fake_firmware.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/error.h"

namespace trident {
namespace {

std::string Hexadecimal(uint16_t number) { return absl::StrFormat("%04X", number); }

}  // namespace

void FakeFirmware::SetAvailable(bool available) {
  const std::scoped_lock lock(mutex_);
  available_ = available;
}

void FakeFirmware::AddEntry(const BootEntry& entry) {
  const std::scoped_lock lock(mutex_);
  entries_[entry.number] = entry;
}

void FakeFirmware::SetCurrent(std::optional<uint16_t> number) {
  const std::scoped_lock lock(mutex_);
  current_ = number;
}

void FakeFirmware::SetFull(bool full) {
  const std::scoped_lock lock(mutex_);
  full_ = full;
}

void FakeFirmware::FailAfterWrites(size_t writes) {
  const std::scoped_lock lock(mutex_);
  writes_left_ = writes;
}

void FakeFirmware::SetForgetsEntriesOutsideOrder(bool forgets) {
  const std::scoped_lock lock(mutex_);
  forgets_ = forgets;
}

void FakeFirmware::SetIgnoresNext(bool ignores) {
  const std::scoped_lock lock(mutex_);
  ignores_next_ = ignores;
}

void FakeFirmware::SetUnbootable(const std::string& partition_uuid) {
  const std::scoped_lock lock(mutex_);
  unbootable_.insert(partition_uuid);
}

std::optional<uint16_t> FakeFirmware::Restart() {
  const std::scoped_lock lock(mutex_);
  writes_left_.reset();
  if (forgets_) {
    // BootNext does not protect an entry.
    std::erase_if(entries_, [this](const auto& item) {
      return std::find(order_.begin(), order_.end(), item.first) == order_.end();
    });
  }
  std::vector<uint16_t> candidates;
  if (next_.has_value()) candidates.push_back(*next_);
  next_.reset();
  candidates.insert(candidates.end(), order_.begin(), order_.end());
  current_.reset();
  for (const uint16_t number : candidates) {
    if (!Starts(number)) continue;
    current_ = number;
    break;
  }
  return current_;
}

std::string FakeFirmware::StartLoaderEntry() {
  const std::scoped_lock lock(mutex_);
  std::string id = std::exchange(loader_entries_[LoaderChoice::kOneShot], "");
  return id.empty() ? loader_entries_[LoaderChoice::kDefault] : id;
}

std::optional<BootEntry> FakeFirmware::Find(uint16_t number) const {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(number);
  return found == entries_.end() ? std::nullopt : std::optional<BootEntry>(found->second);
}

std::vector<std::string> FakeFirmware::writes() const {
  const std::scoped_lock lock(mutex_);
  return writes_;
}

bool FakeFirmware::Available() const {
  const std::scoped_lock lock(mutex_);
  return available_;
}

bool FakeFirmware::Starts(uint16_t number) const {
  const auto found = entries_.find(number);
  return found != entries_.end() && found->second.active &&
         !unbootable_.contains(found->second.partition_uuid);
}

absl::Status FakeFirmware::CheckAvailable() const {
  if (available_) return absl::OkStatus();
  return MakeError(absl::StatusCode::kUnavailable, "boot", "no-firmware-variables",
                   "This machine has no firmware variables.");
}

absl::Status FakeFirmware::BeginWrite(const std::string& what) {
  TRIDENT_RETURN_IF_ERROR(CheckAvailable());
  if (writes_left_ == 0) {
    return MakeError(absl::StatusCode::kUnavailable, "boot", "power-cut",
                     absl::StrFormat("The power was cut before the write of '%s'.", what));
  }
  if (writes_left_.has_value()) --*writes_left_;
  writes_.push_back(what);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<BootEntry>> FakeFirmware::Entries() const {
  const std::scoped_lock lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(CheckAvailable());
  std::vector<BootEntry> entries;
  for (const auto& [number, entry] : entries_) entries.push_back(entry);
  return entries;
}

absl::StatusOr<std::vector<uint16_t>> FakeFirmware::Order() const {
  const std::scoped_lock lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(CheckAvailable());
  return order_;
}

absl::Status FakeFirmware::SetOrder(const std::vector<uint16_t>& order) {
  const std::scoped_lock lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(CheckAvailable());
  if (order == order_) return absl::OkStatus();
  TRIDENT_RETURN_IF_ERROR(BeginWrite(
      absl::StrFormat("order %s", absl::StrJoin(order, ",", [](std::string* out, uint16_t number) {
                        out->append(Hexadecimal(number));
                      }))));
  order_ = order;
  return absl::OkStatus();
}

absl::StatusOr<std::optional<uint16_t>> FakeFirmware::Next() const {
  const std::scoped_lock lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(CheckAvailable());
  return next_;
}

absl::Status FakeFirmware::SetNext(uint16_t number) {
  const std::scoped_lock lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(CheckAvailable());
  if (next_ == number) return absl::OkStatus();
  TRIDENT_RETURN_IF_ERROR(BeginWrite(absl::StrFormat("next %s", Hexadecimal(number))));
  if (!ignores_next_) next_ = number;
  return absl::OkStatus();
}

absl::Status FakeFirmware::ClearNext() {
  const std::scoped_lock lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(CheckAvailable());
  if (!next_.has_value()) return absl::OkStatus();
  TRIDENT_RETURN_IF_ERROR(BeginWrite("next none"));
  next_.reset();
  return absl::OkStatus();
}

absl::StatusOr<std::optional<uint16_t>> FakeFirmware::Current() const {
  const std::scoped_lock lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(CheckAvailable());
  return current_;
}

absl::StatusOr<uint16_t> FakeFirmware::WriteEntry(std::optional<uint16_t> number,
                                                  const std::string& label,
                                                  const BootTarget& target) {
  const std::scoped_lock lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(CheckAvailable());
  if (!number.has_value()) {
    number = 0;
    while (entries_.contains(*number)) ++*number;
  }
  const BootEntry entry{.number = *number,
                        .label = label,
                        .active = true,
                        .partition_uuid = absl::AsciiStrToLower(target.partition_uuid),
                        .loader = target.loader};
  const auto old_entry = entries_.find(*number);
  if (old_entry != entries_.end() && old_entry->second == entry) return *number;
  if (old_entry == entries_.end() && full_) {
    return MakeError(absl::StatusCode::kResourceExhausted, "boot", "firmware-full",
                     absl::StrFormat("Writing the firmware's variable Boot%s: No space left.",
                                     Hexadecimal(*number)),
                     "Delete boot entries that nobody needs (efibootmgr -b NUMBER -B).");
  }
  TRIDENT_RETURN_IF_ERROR(BeginWrite(absl::StrFormat("entry %s", Hexadecimal(*number))));
  entries_[*number] = entry;
  return *number;
}

absl::Status FakeFirmware::DeleteEntry(uint16_t number) {
  const std::scoped_lock lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(CheckAvailable());
  if (!entries_.contains(number)) return absl::OkStatus();
  TRIDENT_RETURN_IF_ERROR(BeginWrite(absl::StrFormat("delete %s", Hexadecimal(number))));
  entries_.erase(number);
  return absl::OkStatus();
}

absl::StatusOr<std::string> FakeFirmware::LoaderEntry(LoaderChoice choice) const {
  const std::scoped_lock lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(CheckAvailable());
  const auto found = loader_entries_.find(choice);
  return found == loader_entries_.end() ? std::string() : found->second;
}

absl::Status FakeFirmware::SetLoaderEntry(LoaderChoice choice, const std::string& id) {
  const std::scoped_lock lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(CheckAvailable());
  std::string& entry = loader_entries_[choice];
  if (entry == id) return absl::OkStatus();
  TRIDENT_RETURN_IF_ERROR(
      BeginWrite(absl::StrFormat("%s %s", choice == LoaderChoice::kOneShot ? "oneshot" : "default",
                                 id.empty() ? "none" : id)));
  entry = id;
  return absl::OkStatus();
}

}  // namespace trident
