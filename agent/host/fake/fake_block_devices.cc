#include "agent/host/fake/fake_block_devices.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr uint64_t kPage = 4096;
constexpr char kMagic[] = "fake-filesystem";
constexpr size_t kLongestHeader = 256;

struct FakeDisk {
  uint64_t size = 0;
  uint32_t sector_size = 512;
  bool read_only = false;
  bool hidden = false;
  std::optional<PartitionTable> table;
  std::map<uint64_t, std::array<uint8_t, kPage>> pages;
};

// A device as a stretch of a disk.
struct Extent {
  std::string path;  // kernel device
  std::string disk;
  uint64_t start = 0;
  uint64_t size = 0;
  bool whole = false;
};

std::string PartitionPath(const std::string& disk, uint32_t number) {
  const bool digit = std::isdigit(static_cast<unsigned char>(disk.back())) != 0;
  return absl::StrCat(disk, digit ? "p" : "", number);
}

absl::Status NoSuchDevice(const std::string& device) {
  return MakeError(absl::StatusCode::kNotFound, "storage", "no-such-device",
                   absl::StrCat("there is no block device ", device));
}

absl::Status InUse(const std::string& device, const std::vector<std::string>& users) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "storage", "device-in-use",
      absl::StrCat(device, " cannot be written, it is in use: ", absl::StrJoin(users, ", ")),
      "stop what uses it, then try again");
}

}  // namespace

struct FakeBlockDevices::State {
  mutable std::mutex mutex;
  std::map<std::string, FakeDisk> disks;
  std::map<std::string, std::vector<ArrayMember>> arrays;  // by kernel device
  std::map<std::string, std::string> links;
  std::map<std::string, std::vector<std::string>> users;  // by kernel device
  std::set<std::string> open_for_writing;                 // kernel devices
  std::map<std::string, uint64_t> bytes_written;
  std::map<std::string, int> flushes;
  int tables_written = 0;
  std::map<std::string, std::map<uint64_t, absl::Status>> write_faults;
  std::map<std::string, std::map<uint64_t, absl::Status>> read_faults;
  std::map<std::string, absl::Status> flush_faults;
  std::map<std::string, std::set<uint64_t>> corrupted;
  std::optional<absl::Status> table_fault;

  // All need the lock.
  std::string Resolve(const std::string& path) const {
    std::string current = path;
    for (int i = 0; i < 8; ++i) {
      const auto link = links.find(current);
      if (link == links.end()) break;
      current = link->second;
    }
    constexpr std::string_view kByPartUuid = "/dev/disk/by-partuuid/";
    if (current.starts_with(kByPartUuid)) {
      const std::string uuid = current.substr(kByPartUuid.size());
      for (const auto& [disk_path, disk] : disks) {
        if (!disk.table) continue;
        for (const TablePartition& partition : disk.table->partitions) {
          if (partition.uuid == uuid) return PartitionPath(disk_path, partition.number);
        }
      }
    }
    return current;
  }

  std::optional<Extent> Find(const std::string& device) const {
    const std::string path = Resolve(device);
    for (const auto& [disk_path, disk] : disks) {
      if (disk.hidden) continue;
      if (disk_path == path) return Extent{path, disk_path, 0, disk.size, true};
      if (!disk.table) continue;
      for (const TablePartition& partition : disk.table->partitions) {
        if (PartitionPath(disk_path, partition.number) == path) {
          return Extent{path, disk_path, partition.start, partition.size, false};
        }
      }
    }
    return std::nullopt;
  }

  std::vector<std::string> UsersOf(const std::string& path) const {
    const auto found = users.find(path);
    return found == users.end() ? std::vector<std::string>() : found->second;
  }

  // What keeps `extent` from being opened exclusively: a disk also by its partitions, a partition
  // also by its disk.
  std::vector<std::string> Obstacles(const Extent& extent) const {
    std::vector<std::string> obstacles;
    const auto add = [&](const std::string& path) {
      for (const std::string& user : UsersOf(path)) obstacles.push_back(path + " " + user);
      if (open_for_writing.count(path) != 0) obstacles.push_back(path + " opened for writing");
    };
    add(extent.path);
    if (!extent.whole) {
      add(extent.disk);
    } else if (const FakeDisk& disk = disks.at(extent.disk); disk.table) {
      for (const TablePartition& partition : disk.table->partitions) {
        add(PartitionPath(extent.disk, partition.number));
      }
    }
    return obstacles;
  }

  void Put(const Extent& extent, uint64_t offset, const uint8_t* data, uint64_t size) {
    FakeDisk& disk = disks.at(extent.disk);
    for (uint64_t i = 0; i < size;) {
      const uint64_t at = extent.start + offset + i;
      const uint64_t in_page = at % kPage;
      const uint64_t count = std::min(kPage - in_page, size - i);
      const auto page = disk.pages.try_emplace(at / kPage);
      if (page.second) page.first->second.fill(0);
      std::copy_n(data + i, count, page.first->second.begin() + static_cast<ptrdiff_t>(in_page));
      i += count;
    }
  }

  void Get(const Extent& extent, uint64_t offset, uint8_t* data, uint64_t size) const {
    const FakeDisk& disk = disks.at(extent.disk);
    for (uint64_t i = 0; i < size;) {
      const uint64_t at = extent.start + offset + i;
      const uint64_t in_page = at % kPage;
      const uint64_t count = std::min(kPage - in_page, size - i);
      if (const auto page = disk.pages.find(at / kPage); page != disk.pages.end()) {
        std::copy_n(page->second.begin() + static_cast<ptrdiff_t>(in_page), count, data + i);
      } else {
        std::fill_n(data + i, count, uint8_t{0});
      }
      i += count;
    }
  }

  static absl::Status FaultIn(const std::map<std::string, std::map<uint64_t, absl::Status>>& faults,
                              const std::string& path, uint64_t offset, uint64_t size) {
    const auto of_device = faults.find(path);
    if (of_device == faults.end()) return absl::OkStatus();
    const auto fault = of_device->second.lower_bound(offset);
    if (fault == of_device->second.end() || fault->first >= offset + size) return absl::OkStatus();
    return fault->second;
  }

  Signature ProbeExtent(const Extent& extent) const {
    std::string header(std::min<uint64_t>(kLongestHeader, extent.size), '\0');
    Get(extent, 0, reinterpret_cast<uint8_t*>(header.data()), header.size());
    const size_t end = header.find('\n');
    if (end == std::string::npos) return {};
    const std::vector<std::string> words = absl::StrSplit(header.substr(0, end), ' ');
    if (words.size() != 4 || words[0] != kMagic) return {};
    return {words[1], words[2] == "-" ? "" : words[2], words[3] == "-" ? "" : words[3]};
  }
};

namespace {

class FakeWriter : public BlockWriter {
 public:
  FakeWriter(std::shared_ptr<FakeBlockDevices::State> state, Extent extent)
      : state_(std::move(state)), extent_(std::move(extent)) {}
  ~FakeWriter() override {
    const std::lock_guard lock(state_->mutex);
    state_->open_for_writing.erase(extent_.path);
  }

  uint64_t size() const override { return extent_.size; }

  absl::Status WriteAt(uint64_t offset, std::span<const uint8_t> data) override {
    const std::lock_guard lock(state_->mutex);
    if (offset > extent_.size || data.size() > extent_.size - offset) {
      return MakeError(absl::StatusCode::kOutOfRange, "storage", "beyond-the-end",
                       absl::StrCat("cannot write ", data.size(), " bytes at ", offset, " of ",
                                    extent_.path, ": it has ", extent_.size, " bytes"));
    }
    if (state_->disks.count(extent_.disk) == 0) return NoSuchDevice(extent_.path);
    TRIDENT_RETURN_IF_ERROR(
        FakeBlockDevices::State::FaultIn(state_->write_faults, extent_.path, offset, data.size()));
    state_->Put(extent_, offset, data.data(), data.size());
    for (const uint64_t bad : state_->corrupted[extent_.path]) {
      if (bad < offset || bad >= offset + data.size()) continue;
      const auto turned = static_cast<uint8_t>(~data[bad - offset]);
      state_->Put(extent_, bad, &turned, 1);
    }
    state_->bytes_written[extent_.path] += data.size();
    return absl::OkStatus();
  }

  absl::Status Flush() override {
    const std::lock_guard lock(state_->mutex);
    ++state_->flushes[extent_.path];
    const auto fault = state_->flush_faults.find(extent_.path);
    return fault == state_->flush_faults.end() ? absl::OkStatus() : fault->second;
  }

 private:
  const std::shared_ptr<FakeBlockDevices::State> state_;
  const Extent extent_;
};

class FakeReader : public BlockReader {
 public:
  FakeReader(std::shared_ptr<FakeBlockDevices::State> state, Extent extent)
      : state_(std::move(state)), extent_(std::move(extent)) {}

  uint64_t size() const override { return extent_.size; }

  absl::Status ReadAt(uint64_t offset, std::span<uint8_t> data) override {
    const std::lock_guard lock(state_->mutex);
    if (offset > extent_.size || data.size() > extent_.size - offset) {
      return MakeError(absl::StatusCode::kOutOfRange, "storage", "beyond-the-end",
                       absl::StrCat("cannot read ", data.size(), " bytes at ", offset, " of ",
                                    extent_.path, ": it has ", extent_.size, " bytes"));
    }
    if (state_->disks.count(extent_.disk) == 0) return NoSuchDevice(extent_.path);
    TRIDENT_RETURN_IF_ERROR(
        FakeBlockDevices::State::FaultIn(state_->read_faults, extent_.path, offset, data.size()));
    state_->Get(extent_, offset, data.data(), data.size());
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<FakeBlockDevices::State> state_;
  const Extent extent_;
};

}  // namespace

FakeBlockDevices::FakeBlockDevices() : state_(std::make_shared<State>()) {}
FakeBlockDevices::~FakeBlockDevices() = default;

absl::StatusOr<ObservedDisk> FakeBlockDevices::Observe(const std::string& device) const {
  const std::lock_guard lock(state_->mutex);
  const auto extent = state_->Find(device);
  if (!extent) return NoSuchDevice(device);
  if (!extent->whole) {
    return MakeError(absl::StatusCode::kInvalidArgument, "storage", "not-a-disk",
                     device + " is a partition, not a whole disk");
  }
  const FakeDisk& disk = state_->disks.at(extent->disk);
  ObservedDisk observed;
  observed.path = extent->path;
  observed.size = disk.size;
  observed.sector_size = disk.sector_size;
  observed.read_only = disk.read_only;
  observed.table = disk.table;
  observed.users = state_->UsersOf(extent->path);
  if (!disk.table) observed.other_contents = state_->ProbeExtent(*extent).type;
  if (disk.table) {
    for (const TablePartition& entry : disk.table->partitions) {
      const std::string path = PartitionPath(extent->path, entry.number);
      const Extent part{path, extent->disk, entry.start, entry.size, false};
      observed.partitions.push_back(
          {entry, path, state_->ProbeExtent(part), state_->UsersOf(path)});
    }
  }
  return observed;
}

absl::StatusOr<std::vector<ObservedArray>> FakeBlockDevices::Arrays() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<ObservedArray> arrays;
  for (const auto& [path, members] : state_->arrays) {
    arrays.push_back({path, members, state_->UsersOf(path)});
  }
  return arrays;
}

absl::Status FakeBlockDevices::WriteTable(const std::string& device, const PartitionTable& table) {
  const std::lock_guard lock(state_->mutex);
  const auto extent = state_->Find(device);
  if (!extent) return NoSuchDevice(device);
  if (!extent->whole) {
    return MakeError(absl::StatusCode::kInvalidArgument, "storage", "not-a-disk",
                     device + " is a partition, not a whole disk");
  }
  if (const auto obstacles = state_->Obstacles(*extent); !obstacles.empty()) {
    return InUse(device, obstacles);
  }
  FakeDisk& disk = state_->disks.at(extent->disk);
  if (disk.read_only) {
    return MakeError(absl::StatusCode::kPermissionDenied, "storage", "read-only",
                     device + " is read-only");
  }
  for (const TablePartition& partition : table.partitions) {
    if (partition.number == 0 || partition.size == 0 || partition.start > disk.size ||
        partition.size > disk.size - partition.start || partition.start % disk.sector_size != 0 ||
        partition.size % disk.sector_size != 0) {
      return MakeError(absl::StatusCode::kInvalidArgument, "storage", "partition-table",
                       absl::StrCat("partition ", partition.name, " does not fit on ", device));
    }
  }
  if (state_->table_fault) return *state_->table_fault;
  disk.table = table;
  for (TablePartition& partition : disk.table->partitions) partition.kept_as.clear();
  ++state_->tables_written;
  for (const TablePartition& partition : table.partitions) {
    if (!partition.kept_as.empty()) continue;
    const std::vector<uint8_t> blank(std::min<uint64_t>(kLongestHeader, partition.size), 0);
    state_->Put({"", extent->disk, partition.start, partition.size, false}, 0, blank.data(),
                blank.size());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<BlockWriter>> FakeBlockDevices::OpenForWriting(
    const std::string& device) {
  const std::lock_guard lock(state_->mutex);
  const auto extent = state_->Find(device);
  if (!extent) return NoSuchDevice(device);
  if (const auto obstacles = state_->Obstacles(*extent); !obstacles.empty()) {
    return InUse(device, obstacles);
  }
  if (state_->disks.at(extent->disk).read_only) {
    return MakeError(absl::StatusCode::kPermissionDenied, "storage", "read-only",
                     device + " is read-only");
  }
  state_->open_for_writing.insert(extent->path);
  return std::make_unique<FakeWriter>(state_, *extent);
}

absl::StatusOr<std::unique_ptr<BlockWriter>> FakeBlockDevices::CreateImageFile(
    const std::string& path, uint64_t size) {
  RemoveDisk(path);
  AddDisk(path, size);
  return OpenForWriting(path);
}

absl::StatusOr<std::unique_ptr<BlockReader>> FakeBlockDevices::OpenForReading(
    const std::string& device) const {
  const std::lock_guard lock(state_->mutex);
  const auto extent = state_->Find(device);
  if (!extent) return NoSuchDevice(device);
  return std::make_unique<FakeReader>(state_, *extent);
}

absl::StatusOr<Signature> FakeBlockDevices::Probe(const std::string& device) const {
  const std::lock_guard lock(state_->mutex);
  const auto extent = state_->Find(device);
  if (!extent) return NoSuchDevice(device);
  return state_->ProbeExtent(*extent);
}

absl::StatusOr<uint64_t> FakeBlockDevices::Size(const std::string& device) const {
  const std::lock_guard lock(state_->mutex);
  const auto extent = state_->Find(device);
  if (!extent) return NoSuchDevice(device);
  return extent->size;
}

absl::Status FakeBlockDevices::WaitForPath(const std::string& path) const {
  const std::lock_guard lock(state_->mutex);
  if (state_->Find(path)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kDeadlineExceeded, "storage", "device-did-not-appear",
                   path + " did not appear");
}

void FakeBlockDevices::AddDisk(const std::string& path, uint64_t size, uint32_t sector_size) {
  const std::lock_guard lock(state_->mutex);
  FakeDisk disk;
  disk.size = size;
  disk.sector_size = sector_size;
  state_->disks.insert_or_assign(path, std::move(disk));
}

void FakeBlockDevices::RemoveDisk(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  state_->disks.erase(path);
}

void FakeBlockDevices::AddArray(const std::string& path, const std::vector<std::string>& members,
                                uint64_t size) {
  AddDisk(path, size);
  for (const std::string& member : members) AddUser(member, HeldBy(path));
  const std::lock_guard lock(state_->mutex);
  std::vector<ArrayMember>& known = state_->arrays[path];
  for (const std::string& member : members) {
    if (const auto extent = state_->Find(member)) known.push_back({extent->path, extent->disk});
  }
}

void FakeBlockDevices::RemoveArray(const std::string& path) {
  std::vector<ArrayMember> members;
  {
    const std::lock_guard lock(state_->mutex);
    members = state_->arrays[path];
    state_->arrays.erase(path);
  }
  for (const ArrayMember& member : members) RemoveUser(member.path, HeldBy(path));
  RemoveDisk(path);
}

void FakeBlockDevices::DropMember(const std::string& path, const std::string& member) {
  {
    const std::lock_guard lock(state_->mutex);
    std::erase_if(state_->arrays[path],
                  [&](const ArrayMember& known) { return known.path == member; });
  }
  RemoveUser(member, HeldBy(path));
}

void FakeBlockDevices::JoinMember(const std::string& path, const std::string& member) {
  AddUser(member, HeldBy(path));
  const std::lock_guard lock(state_->mutex);
  if (const auto extent = state_->Find(member)) {
    state_->arrays[path].push_back({extent->path, extent->disk});
  }
}

void FakeBlockDevices::SetHidden(const std::string& path, bool hidden) {
  const std::lock_guard lock(state_->mutex);
  if (const auto disk = state_->disks.find(path); disk != state_->disks.end()) {
    disk->second.hidden = hidden;
  }
}

void FakeBlockDevices::AddLink(const std::string& link, const std::string& device) {
  const std::lock_guard lock(state_->mutex);
  state_->links[link] = device;
}

void FakeBlockDevices::SetTable(const std::string& disk, const PartitionTable& table) {
  const std::lock_guard lock(state_->mutex);
  state_->disks.at(state_->Resolve(disk)).table = table;
}

void FakeBlockDevices::SetReadOnly(const std::string& disk, bool read_only) {
  const std::lock_guard lock(state_->mutex);
  state_->disks.at(state_->Resolve(disk)).read_only = read_only;
}

void FakeBlockDevices::AddUser(const std::string& device, const std::string& user) {
  const std::lock_guard lock(state_->mutex);
  state_->users[state_->Resolve(device)].push_back(user);
}

std::vector<std::string> FakeBlockDevices::UsersOf(const std::string& device) const {
  const std::lock_guard lock(state_->mutex);
  const auto extent = state_->Find(device);
  return extent ? state_->Obstacles(*extent) : std::vector<std::string>();
}

void FakeBlockDevices::RemoveUser(const std::string& device, const std::string& user) {
  const std::lock_guard lock(state_->mutex);
  auto& users = state_->users[state_->Resolve(device)];
  const auto found = std::find(users.begin(), users.end(), user);
  if (found != users.end()) users.erase(found);
}

void FakeBlockDevices::SetSignature(const std::string& device, const Signature& signature) {
  SetData(device, 0, FakeFilesystem(signature));
}

void FakeBlockDevices::SetData(const std::string& device, uint64_t offset, std::string_view data) {
  const std::lock_guard lock(state_->mutex);
  const auto extent = state_->Find(device);
  if (!extent) return;
  state_->Put(*extent, offset, reinterpret_cast<const uint8_t*>(data.data()), data.size());
}

std::string FakeBlockDevices::Data(const std::string& device, uint64_t offset,
                                   uint64_t size) const {
  const std::lock_guard lock(state_->mutex);
  const auto extent = state_->Find(device);
  if (!extent) return {};
  std::string data(size, '\0');
  state_->Get(*extent, offset, reinterpret_cast<uint8_t*>(data.data()), size);
  return data;
}

std::string FakeBlockDevices::Resolve(const std::string& path) const {
  const std::lock_guard lock(state_->mutex);
  return state_->Resolve(path);
}

uint64_t FakeBlockDevices::BytesWritten(const std::string& device) const {
  const std::lock_guard lock(state_->mutex);
  return state_->bytes_written[state_->Resolve(device)];
}

int FakeBlockDevices::Flushes(const std::string& device) const {
  const std::lock_guard lock(state_->mutex);
  return state_->flushes[state_->Resolve(device)];
}

int FakeBlockDevices::tables_written() const {
  const std::lock_guard lock(state_->mutex);
  return state_->tables_written;
}

void FakeBlockDevices::FailWriteAt(const std::string& device, uint64_t offset,
                                   absl::Status status) {
  const std::lock_guard lock(state_->mutex);
  state_->write_faults[state_->Resolve(device)].insert_or_assign(offset, std::move(status));
}

void FakeBlockDevices::FailReadAt(const std::string& device, uint64_t offset, absl::Status status) {
  const std::lock_guard lock(state_->mutex);
  state_->read_faults[state_->Resolve(device)].insert_or_assign(offset, std::move(status));
}

void FakeBlockDevices::FailFlush(const std::string& device, absl::Status status) {
  const std::lock_guard lock(state_->mutex);
  state_->flush_faults.insert_or_assign(state_->Resolve(device), std::move(status));
}

void FakeBlockDevices::FailWriteTable(absl::Status status) {
  const std::lock_guard lock(state_->mutex);
  state_->table_fault = std::move(status);
}

void FakeBlockDevices::CorruptAt(const std::string& device, uint64_t offset) {
  const std::lock_guard lock(state_->mutex);
  state_->corrupted[state_->Resolve(device)].insert(offset);
}

void FakeBlockDevices::ClearFaults() {
  const std::lock_guard lock(state_->mutex);
  state_->write_faults.clear();
  state_->read_faults.clear();
  state_->flush_faults.clear();
  state_->corrupted.clear();
  state_->table_fault.reset();
}

std::string FakeFilesystem(const Signature& signature) {
  const auto word = [](const std::string& text) { return text.empty() ? "-" : text; };
  return absl::StrCat(kMagic, " ", word(signature.type), " ", word(signature.uuid), " ",
                      word(signature.label), "\n");
}

}  // namespace trident
