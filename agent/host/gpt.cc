#include "agent/host/gpt.h"

#include <libfdisk/libfdisk.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {
namespace {

using Context = std::unique_ptr<fdisk_context, void (*)(fdisk_context*)>;
using Entry = std::unique_ptr<fdisk_partition, void (*)(fdisk_partition*)>;
using Type = std::unique_ptr<fdisk_parttype, void (*)(fdisk_parttype*)>;

absl::Status TableError(int error_number, const std::string& attempt) {
  return ErrnoError(error_number, "storage", "partition-table", attempt);
}

Context NewContext() {
  Context context(fdisk_new_context(), fdisk_unref_context);
  if (context) fdisk_disable_dialogs(context.get(), 1);
  return context;
}

std::string Lower(const char* text) { return text == nullptr ? "" : absl::AsciiStrToLower(text); }

absl::Status AddEntry(fdisk_context* context, const std::string& path,
                      const TablePartition& partition, uint64_t sector_size) {
  const std::string attempt =
      absl::StrCat("cannot put partition \"", partition.name, "\" on ", path);
  if (partition.number == 0 || partition.size == 0 || partition.start % sector_size != 0 ||
      partition.size % sector_size != 0) {
    return MakeError(absl::StatusCode::kInvalidArgument, "storage", "partition-table",
                     absl::StrCat(attempt, ": its place is not a whole number of sectors of ",
                                  sector_size, " bytes"));
  }
  const Entry entry(fdisk_new_partition(), fdisk_unref_partition);
  const Type type(fdisk_label_parse_parttype(fdisk_get_label(context, nullptr),
                                             absl::AsciiStrToUpper(partition.type_guid).c_str()),
                  fdisk_unref_parttype);
  if (!entry || !type) return TableError(ENOMEM, attempt);
  fdisk_partition* const raw = entry.get();
  size_t number = partition.number - 1;
  int result = fdisk_partition_set_partno(raw, number);
  if (result == 0) result = fdisk_partition_set_start(raw, partition.start / sector_size);
  if (result == 0) result = fdisk_partition_set_size(raw, partition.size / sector_size);
  // As it is written here, not as libfdisk would align it.
  if (result == 0) result = fdisk_partition_size_explicit(raw, 1);
  if (result == 0) result = fdisk_partition_set_type(raw, type.get());
  if (result == 0) result = fdisk_partition_set_name(raw, partition.name.c_str());
  if (result == 0) {
    result = fdisk_partition_set_uuid(raw, absl::AsciiStrToUpper(partition.uuid).c_str());
  }
  if (result == 0 && !partition.attributes.empty()) {
    result = fdisk_partition_set_attrs(raw, partition.attributes.c_str());
  }
  if (result == 0) result = fdisk_add_partition(context, raw, &number);
  if (result == 0) {
    result = fdisk_wipe_partition(context, number, partition.kept_as.empty() ? 1 : 0);
  }
  // ERANGE and ENOSPC: beyond the usable part of the disk, or over a neighbour.
  if (result == -ERANGE || result == -ENOSPC) {
    return MakeError(absl::StatusCode::kInvalidArgument, "storage", "partition-table",
                     absl::StrCat(attempt, ": ", partition.size, " bytes at ", partition.start,
                                  " are not free there"));
  }
  return result == 0 ? absl::OkStatus() : TableError(-result, attempt);
}

}  // namespace

absl::StatusOr<std::optional<PartitionTable>> ReadGpt(const std::string& path) {
  const std::string attempt = "cannot read the partition table of " + path;
  const Context context = NewContext();
  if (!context) return TableError(ENOMEM, attempt);
  if (const int result = fdisk_assign_device(context.get(), path.c_str(), 1); result != 0) {
    return TableError(-result, attempt);
  }
  if (!fdisk_is_label(context.get(), GPT)) return std::nullopt;
  PartitionTable table;
  char* id = nullptr;
  if (fdisk_get_disklabel_id(context.get(), &id) == 0) table.disk_uuid = Lower(id);
  free(id);

  fdisk_table* entries = nullptr;
  if (const int result = fdisk_get_partitions(context.get(), &entries); result != 0) {
    return TableError(-result, attempt);
  }
  const std::unique_ptr<fdisk_table, void (*)(fdisk_table*)> owner(entries, fdisk_unref_table);
  fdisk_table_sort_partitions(entries, fdisk_partition_cmp_start);
  const uint64_t sector_size = fdisk_get_sector_size(context.get());
  const size_t count = fdisk_table_get_nents(entries);
  for (size_t i = 0; i < count; ++i) {
    fdisk_partition* const entry = fdisk_table_get_partition(entries, i);
    if (!fdisk_partition_is_used(entry)) continue;
    TablePartition partition;
    partition.uuid = Lower(fdisk_partition_get_uuid(entry));
    partition.type_guid = Lower(fdisk_parttype_get_string(fdisk_partition_get_type(entry)));
    const char* const name = fdisk_partition_get_name(entry);
    partition.name = name == nullptr ? "" : name;
    partition.start = uint64_t{fdisk_partition_get_start(entry)} * sector_size;
    partition.size = uint64_t{fdisk_partition_get_size(entry)} * sector_size;
    partition.number = static_cast<uint32_t>(fdisk_partition_get_partno(entry) + 1);
    const char* const attributes = fdisk_partition_get_attrs(entry);
    partition.attributes = attributes == nullptr ? "" : attributes;
    table.partitions.push_back(std::move(partition));
  }
  return table;
}

absl::Status WriteGpt(int fd, const std::string& path, const PartitionTable& table) {
  const std::string attempt = "cannot write the partition table of " + path;
  const Context context = NewContext();
  if (!context) return TableError(ENOMEM, attempt);
  if (const int result = fdisk_assign_device_by_fd(context.get(), fd, path.c_str(), 0);
      result != 0) {
    return TableError(-result, attempt);
  }
  // What lies where the table will be: an old file system on the whole disk would hide it.
  fdisk_enable_wipe(context.get(), 1);
  if (const int result = fdisk_create_disklabel(context.get(), "gpt"); result != 0) {
    return TableError(-result, attempt);
  }
  if (const int result = fdisk_set_disklabel_id_from_string(
          context.get(), absl::AsciiStrToUpper(table.disk_uuid).c_str());
      result != 0) {
    return TableError(-result, attempt);
  }
  const uint64_t sector_size = fdisk_get_sector_size(context.get());
  for (const TablePartition& partition : table.partitions) {
    TRIDENT_RETURN_IF_ERROR(AddEntry(context.get(), path, partition, sector_size));
  }
  if (const int result = fdisk_write_disklabel(context.get()); result != 0) {
    return TableError(-result, attempt);
  }
  if (fsync(fd) != 0) return TableError(errno, attempt);
  return absl::OkStatus();
}

}  // namespace trident
