// The firmware's variables by libefivar, which reads and writes efivarfs.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "agent/host/efi_load_option.h"
#include "agent/host/firmware.h"
#include "common/base/error.h"

// Its headers do not say that they are C.
extern "C" {
#include <efivar/efivar.h>
}

namespace trident {
namespace {

constexpr uint32_t kAttributes =
    EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS;
constexpr mode_t kMode = 0644;
constexpr uint32_t kEntryNumbers = 0x10000;
// 4a67b082-0a4c-41cf-b6c7-440b29bb8c4f, the vendor of systemd-boot's variables.
constexpr efi_guid_t kLoaderVendor =
    EFI_GUID(0x4a67b082, 0x0a4c, 0x41cf, 0xb6c7, 0x44, 0x0b, 0x29, 0xbb, 0x8c, 0x4f);

// What libefivar says about its last error, nearest cause first; its record is cleared.
std::vector<std::string> TakeLibraryErrors() {
  std::vector<std::string> causes;
  for (unsigned index = 0;; ++index) {
    char* file = nullptr;
    char* function = nullptr;
    char* message = nullptr;
    int line = 0;
    int error = 0;
    if (efi_error_get(index, &file, &function, &line, &message, &error) <= 0) break;
    causes.push_back(absl::StrFormat("%s: %s: %s", function == nullptr ? "libefivar" : function,
                                     message == nullptr ? "failed" : message, strerror(error)));
  }
  efi_error_clear();
  return causes;
}

std::string RemedyFor(int error_number) {
  switch (error_number) {
    case ENOSPC:
      return "The firmware's memory for variables is full. Delete boot entries that nobody needs "
             "(efibootmgr -b NUMBER -B) and old crash records (/sys/fs/pstore), or let the "
             "firmware's setup reset its variables; then try again.";
    case EROFS:
      return "Mount /sys/firmware/efi/efivars read-write (mount -o remount,rw).";
    case EACCES:
    case EPERM:
      return "Run the agent as root, with access to /sys/firmware/efi/efivars.";
    default:
      return "";
  }
}

absl::Status FirmwareError(int error_number, std::string_view attempt) {
  const absl::Status plain = ErrnoError(
      error_number, "boot", error_number == ENOSPC ? "firmware-full" : "firmware", attempt);
  ErrorDetail detail = GetErrorDetail(plain);
  detail.causes = TakeLibraryErrors();
  detail.remedy = RemedyFor(error_number);
  return MakeError(plain.code(), std::move(detail));
}

absl::Status NotAvailable() {
  return MakeError(absl::StatusCode::kUnavailable, "boot", "no-firmware-variables",
                   "This system was not started by UEFI firmware, or its variables cannot be "
                   "reached: /sys/firmware/efi/efivars is not there.",
                   "Start the machine in UEFI mode and mount efivarfs at "
                   "/sys/firmware/efi/efivars.");
}

std::string EntryName(uint16_t number) { return absl::StrFormat("Boot%04X", number); }

// The #### of Boot####; nullopt for BootOrder and everything else.
std::optional<uint16_t> EntryNumber(std::string_view name) {
  if (name.size() != 8 || name.substr(0, 4) != "Boot") return std::nullopt;
  uint32_t number = 0;
  for (const char c : name.substr(4)) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return std::nullopt;
    const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
    number = number * 16 + static_cast<uint32_t>(lower <= '9' ? lower - '0' : lower - 'a' + 10);
  }
  return static_cast<uint16_t>(number);
}

std::string Encode16(const std::vector<uint16_t>& numbers) {
  std::string bytes;
  for (const uint16_t number : numbers) {
    bytes += static_cast<char>(number & 0xFF);
    bytes += static_cast<char>(number >> 8);
  }
  return bytes;
}

std::vector<uint16_t> Decode16(std::string_view bytes) {
  std::vector<uint16_t> numbers;
  for (size_t at = 0; at + 1 < bytes.size(); at += 2) {
    numbers.push_back(static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) |
                                            static_cast<uint8_t>(bytes[at + 1]) << 8));
  }
  return numbers;
}

std::string VariableOf(LoaderChoice choice) {
  return choice == LoaderChoice::kOneShot ? "LoaderEntryOneShot" : "LoaderEntryDefault";
}

class LinuxFirmware final : public Firmware {
 public:
  bool Available() const override {
    const std::scoped_lock lock(mutex_);
    return IsAvailable();
  }

  absl::StatusOr<std::vector<BootEntry>> Entries() const override {
    const std::scoped_lock lock(mutex_);
    TRIDENT_ASSIGN_OR_RETURN(const auto variables, ReadEntries());
    std::vector<BootEntry> entries;
    for (const auto& [number, bytes] : variables) {
      absl::StatusOr<BootEntry> entry = DecodeLoadOption(number, bytes);
      // A variable that is no load option is the firmware's affair: its number is taken, and it
      // is never touched.
      if (!entry.ok()) {
        entry.emplace();
        entry->number = number;
      }
      entries.push_back(*std::move(entry));
    }
    return entries;
  }

  absl::StatusOr<std::vector<uint16_t>> Order() const override {
    const std::scoped_lock lock(mutex_);
    TRIDENT_ASSIGN_OR_RETURN(const auto bytes, ReadVariable("BootOrder"));
    return Decode16(bytes.value_or(""));
  }

  absl::Status SetOrder(const std::vector<uint16_t>& order) override {
    const std::scoped_lock lock(mutex_);
    if (order.empty()) return DeleteVariable("BootOrder");
    return WriteVariable("BootOrder", Encode16(order));
  }

  absl::StatusOr<std::optional<uint16_t>> Next() const override { return ReadNumber("BootNext"); }

  absl::Status SetNext(uint16_t number) override {
    const std::scoped_lock lock(mutex_);
    return WriteVariable("BootNext", Encode16({number}));
  }

  absl::Status ClearNext() override {
    const std::scoped_lock lock(mutex_);
    return DeleteVariable("BootNext");
  }

  absl::StatusOr<std::optional<uint16_t>> Current() const override {
    return ReadNumber("BootCurrent");
  }

  absl::StatusOr<uint16_t> WriteEntry(std::optional<uint16_t> number, const std::string& label,
                                      const BootTarget& target) override {
    const std::scoped_lock lock(mutex_);
    TRIDENT_ASSIGN_OR_RETURN(const std::string bytes, EncodeLoadOption(label, target));
    if (!number.has_value()) {
      TRIDENT_ASSIGN_OR_RETURN(const auto variables, ReadEntries());
      uint32_t lowest = 0;
      while (variables.contains(static_cast<uint16_t>(lowest)) && lowest < kEntryNumbers) ++lowest;
      if (lowest == kEntryNumbers) {
        return FirmwareError(ENOSPC, absl::StrFormat("Creating the boot entry '%s'", label));
      }
      number = static_cast<uint16_t>(lowest);
    }
    TRIDENT_RETURN_IF_ERROR(WriteVariable(EntryName(*number), bytes));
    return *number;
  }

  absl::Status DeleteEntry(uint16_t number) override {
    const std::scoped_lock lock(mutex_);
    return DeleteVariable(EntryName(number));
  }

  absl::StatusOr<std::string> LoaderEntry(LoaderChoice choice) const override {
    const std::scoped_lock lock(mutex_);
    TRIDENT_ASSIGN_OR_RETURN(const auto bytes, ReadVariable(VariableOf(choice), kLoaderVendor));
    std::string id;
    for (const uint16_t unit : Decode16(bytes.value_or(""))) {
      if (unit == 0) break;
      // Ids of ours are ASCII; what else stands there only has to be different from them.
      id += unit < 0x80 ? static_cast<char>(unit) : '?';
    }
    return id;
  }

  absl::Status SetLoaderEntry(LoaderChoice choice, const std::string& id) override {
    const std::scoped_lock lock(mutex_);
    if (id.empty()) return DeleteVariable(VariableOf(choice), kLoaderVendor);
    std::vector<uint16_t> units(id.begin(), id.end());
    units.push_back(0);
    return WriteVariable(VariableOf(choice), Encode16(units), kLoaderVendor);
  }

 private:
  static bool IsAvailable() {
    const bool supported = efi_variables_supported() > 0;
    efi_error_clear();
    return supported;
  }

  // Not there: nullopt.
  static absl::StatusOr<std::optional<std::string>> ReadVariable(
      const std::string& name, const efi_guid_t& vendor = EFI_GLOBAL_GUID) {
    if (!IsAvailable()) return NotAvailable();
    uint8_t* data = nullptr;
    size_t size = 0;
    uint32_t attributes = 0;
    if (efi_get_variable(vendor, name.c_str(), &data, &size, &attributes) < 0) {
      const int error_number = errno;
      if (error_number == ENOENT) {
        efi_error_clear();
        return std::optional<std::string>();
      }
      return FirmwareError(error_number,
                           absl::StrFormat("Reading the firmware's variable %s", name));
    }
    std::optional<std::string> bytes(std::in_place, reinterpret_cast<char*>(data), size);
    std::free(data);
    return bytes;
  }

  static absl::Status WriteVariable(const std::string& name, std::string bytes,
                                    const efi_guid_t& vendor = EFI_GLOBAL_GUID) {
    TRIDENT_ASSIGN_OR_RETURN(const auto old_bytes, ReadVariable(name, vendor));
    // Every write wears the flash memory and fragments the firmware's store.
    if (old_bytes == bytes) return absl::OkStatus();
    if (efi_set_variable(vendor, name.c_str(), reinterpret_cast<uint8_t*>(bytes.data()),
                         bytes.size(), kAttributes, kMode) < 0) {
      const int error_number = errno;
      return FirmwareError(error_number,
                           absl::StrFormat("Writing the firmware's variable %s", name));
    }
    efi_error_clear();
    return absl::OkStatus();
  }

  static absl::Status DeleteVariable(const std::string& name,
                                     const efi_guid_t& vendor = EFI_GLOBAL_GUID) {
    TRIDENT_ASSIGN_OR_RETURN(const auto old_bytes, ReadVariable(name, vendor));
    if (!old_bytes.has_value()) return absl::OkStatus();
    if (efi_del_variable(vendor, name.c_str()) < 0 && errno != ENOENT) {
      const int error_number = errno;
      return FirmwareError(error_number,
                           absl::StrFormat("Deleting the firmware's variable %s", name));
    }
    efi_error_clear();
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<uint16_t>> ReadNumber(const std::string& name) const {
    const std::scoped_lock lock(mutex_);
    TRIDENT_ASSIGN_OR_RETURN(const auto bytes, ReadVariable(name));
    const std::vector<uint16_t> numbers = Decode16(bytes.value_or(""));
    if (numbers.empty()) return std::optional<uint16_t>();
    return std::optional<uint16_t>(numbers.front());
  }

  static absl::StatusOr<std::map<uint16_t, std::string>> ReadEntries() {
    if (!IsAvailable()) return NotAvailable();
    const efi_guid_t global = EFI_GLOBAL_GUID;
    // To the end before any of them is read: the library keeps one open folder for all callers.
    std::vector<std::pair<uint16_t, std::string>> names;
    efi_guid_t* guid = nullptr;
    char* name = nullptr;
    int result = 0;
    while ((result = efi_get_next_variable_name(&guid, &name)) > 0) {
      const std::optional<uint16_t> number = EntryNumber(name);
      if (number.has_value() && efi_guid_cmp(guid, &global) == 0) names.emplace_back(*number, name);
    }
    if (result < 0) return FirmwareError(errno, "Listing the firmware's variables");
    std::map<uint16_t, std::string> entries;
    for (const auto& [number, variable] : names) {
      TRIDENT_ASSIGN_OR_RETURN(auto bytes, ReadVariable(variable));
      if (bytes.has_value()) entries.emplace(number, *std::move(bytes));
    }
    return entries;
  }

  // libefivar keeps the state of a listing and its errors in static variables.
  mutable std::mutex mutex_;
};

}  // namespace

std::unique_ptr<Firmware> MakeLinuxFirmware() { return std::make_unique<LinuxFirmware>(); }

}  // namespace trident
