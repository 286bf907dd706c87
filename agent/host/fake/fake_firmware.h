// Boot variables in memory, and what the firmware does with them at a restart.
#ifndef TRIDENT_AGENT_HOST_FAKE_FAKE_FIRMWARE_H_
#define TRIDENT_AGENT_HOST_FAKE_FAKE_FIRMWARE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/host/firmware.h"

namespace trident {

// Thread safe. At first: available, no entries, an empty boot order.
class FakeFirmware : public Firmware {
 public:
  // --- what a test arranges ---

  void SetAvailable(bool available);
  // An entry as someone else made it; not counted as a write, not added to the boot order.
  void AddEntry(const BootEntry& entry);
  void SetCurrent(std::optional<uint16_t> number);
  // The firmware has no room for another entry; existing ones can be written.
  void SetFull(bool full);
  // From now on `writes` more writes take effect; later ones fail and change nothing: what the
  // variables look like after a power cut at that instant. Restart() ends this.
  void FailAfterWrites(size_t writes);
  // At a restart the firmware drops the entries that are not in the boot order.
  void SetForgetsEntriesOutsideOrder(bool forgets);
  // Writes of BootNext are accepted and lost, as some firmware does.
  void SetIgnoresNext(bool ignores);
  // Nothing on this partition starts: the firmware tries the next entry.
  void SetUnbootable(const std::string& partition_uuid);

  // --- what a test looks at ---

  // The machine starts: BootNext once, then the boot order. Gives the number of the entry that was
  // started; nullopt when no entry starts.
  std::optional<uint16_t> Restart();
  // systemd-boot starts: the entry that it takes, one shot before default; empty when neither is
  // set. A one shot is used up.
  std::string StartLoaderEntry();
  std::optional<BootEntry> Find(uint16_t number) const;
  // Writes that changed something, in their order: "entry 0003", "delete 0003", "order 0001,0003",
  // "next 0003", "next none", "oneshot trident-b.conf", "default none".
  std::vector<std::string> writes() const;

  // --- Firmware ---

  bool Available() const override;
  absl::StatusOr<std::vector<BootEntry>> Entries() const override;
  absl::StatusOr<std::vector<uint16_t>> Order() const override;
  absl::Status SetOrder(const std::vector<uint16_t>& order) override;
  absl::StatusOr<std::optional<uint16_t>> Next() const override;
  absl::Status SetNext(uint16_t number) override;
  absl::Status ClearNext() override;
  absl::StatusOr<std::optional<uint16_t>> Current() const override;
  absl::StatusOr<uint16_t> WriteEntry(std::optional<uint16_t> number, const std::string& label,
                                      const BootTarget& target) override;
  absl::Status DeleteEntry(uint16_t number) override;
  absl::StatusOr<std::string> LoaderEntry(LoaderChoice choice) const override;
  absl::Status SetLoaderEntry(LoaderChoice choice, const std::string& id) override;

 private:
  // All below need the lock.
  absl::Status CheckAvailable() const;
  // Counts and records one write, or says why it cannot be done.
  absl::Status BeginWrite(const std::string& what);
  bool Starts(uint16_t number) const;

  mutable std::mutex mutex_;
  bool available_ = true;
  bool full_ = false;
  bool forgets_ = false;
  bool ignores_next_ = false;
  std::optional<size_t> writes_left_;
  std::set<std::string> unbootable_;
  std::map<uint16_t, BootEntry> entries_;
  std::vector<uint16_t> order_;
  std::optional<uint16_t> next_;
  std::optional<uint16_t> current_;
  std::map<LoaderChoice, std::string> loader_entries_;
  std::vector<std::string> writes_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_FAKE_FAKE_FIRMWARE_H_
