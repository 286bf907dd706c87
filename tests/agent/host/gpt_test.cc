// libfdisk on plain files: what is written is what is read, by us and by others.
#include "agent/host/gpt.h"

#include <fcntl.h>
#include <unistd.h>

#include "agent/host/file_descriptor.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

constexpr uint64_t kMiB = 1 << 20;

PartitionTable SampleTable() {
  PartitionTable table;
  table.disk_uuid = "0f0e0d0c-0b0a-4908-8706-050403020100";
  table.partitions = {
      {"11111111-2222-4333-8444-555555555555", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "esp-a",
       kMiB, 8 * kMiB, 1},
      {"21111111-2222-4333-8444-555555555555", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "root-ä",
       9 * kMiB, 20 * kMiB + 512, 2},
      // A type that libfdisk has no name for, in a place with a gap before it.
      {"31111111-2222-4333-8444-555555555555", "deadbeef-0000-4000-8000-000000000001", "mine",
       40 * kMiB, 4 * kMiB, 4},
  };
  return table;
}

class DiskFile {
 public:
  DiskFile() : fd_(open(path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    REQUIRE(ftruncate(fd_.get(), 64 * kMiB) == 0);
  }
  std::string path() const { return directory_ / "disk"; }
  int fd() const { return fd_.get(); }

 private:
  const test::TemporaryDirectory directory_;
  const FileDescriptor fd_;
};

TEST_CASE("a table is read back as it was written") {
  const DiskFile disk;
  REQUIRE_OK(WriteGpt(disk.fd(), disk.path(), SampleTable()));
  const auto read = ReadGpt(disk.path());
  REQUIRE_OK(read);
  REQUIRE(read->has_value());
  REQUIRE(**read == SampleTable());
}

TEST_CASE("a kept partition keeps its contents and attributes, a new one loses old signatures") {
  const DiskFile disk;
  PartitionTable table = SampleTable();
  table.partitions[1].attributes = "RequiredPartition GUID:59";
  REQUIRE_OK(WriteGpt(disk.fd(), disk.path(), table));
  // swap(8): what libblkid knows it by stands at the end of the first page.
  const std::string signature = "SWAPSPACE2";
  const auto place = [&](size_t i) {
    return static_cast<off_t>(table.partitions[i].start + 4096 - signature.size());
  };
  const auto at = [&](size_t i) {
    std::string found(signature.size(), '\0');
    REQUIRE(pread(disk.fd(), found.data(), found.size(), place(i)) ==
            static_cast<ssize_t>(found.size()));
    return found;
  };
  for (const size_t i : {0U, 1U}) {
    // A header that is whole: version 1, with a last page.
    const uint32_t words[] = {1, 100};
    REQUIRE(pwrite(disk.fd(), words, sizeof(words),
                   static_cast<off_t>(table.partitions[i].start + 1024)) == sizeof(words));
    REQUIRE(pwrite(disk.fd(), signature.data(), signature.size(), place(i)) ==
            static_cast<ssize_t>(signature.size()));
  }
  auto read = ReadGpt(disk.path());
  REQUIRE_OK(read);
  table = **read;
  CHECK(table.partitions[1].attributes == "RequiredPartition GUID:59");
  table.partitions[1].kept_as = "mine";
  REQUIRE_OK(WriteGpt(disk.fd(), disk.path(), table));
  CHECK(at(0) != signature);
  CHECK(at(1) == signature);
  read = ReadGpt(disk.path());
  REQUIRE_OK(read);
  CHECK((*read)->partitions[1].attributes == "RequiredPartition GUID:59");
}

TEST_CASE("a table replaces the one before as a whole, and again") {
  const DiskFile disk;
  REQUIRE_OK(WriteGpt(disk.fd(), disk.path(), SampleTable()));
  PartitionTable other = SampleTable();
  other.disk_uuid = "1f0e0d0c-0b0a-4908-8706-050403020100";
  other.partitions.resize(1);
  for (int round = 0; round < 2; ++round) {
    REQUIRE_OK(WriteGpt(disk.fd(), disk.path(), other));
    REQUIRE(**ReadGpt(disk.path()) == other);
  }
}

TEST_CASE("the backup counts when the primary header is gone") {
  const DiskFile disk;
  REQUIRE_OK(WriteGpt(disk.fd(), disk.path(), SampleTable()));
  const std::string zeros(512, '\0');
  REQUIRE(pwrite(disk.fd(), zeros.data(), zeros.size(), 512) == 512);
  REQUIRE(**ReadGpt(disk.path()) == SampleTable());
}

TEST_CASE("a disk without a GPT has no table") {
  const DiskFile disk;
  const auto read = ReadGpt(disk.path());
  REQUIRE_OK(read);
  REQUIRE_FALSE(read->has_value());
}

TEST_CASE("old signatures in the new partitions are wiped") {
  const DiskFile disk;
  // The magic of a swap area, at the end of the first page of the first partition.
  REQUIRE(pwrite(disk.fd(), "SWAPSPACE2", 10, kMiB + 4096 - 10) == 10);
  const uint32_t header[] = {1, 1000, 0};
  REQUIRE(pwrite(disk.fd(), header, sizeof(header), kMiB + 1024) == sizeof(header));
  REQUIRE_OK(WriteGpt(disk.fd(), disk.path(), SampleTable()));
  std::string magic(10, 'x');
  REQUIRE(pread(disk.fd(), magic.data(), 10, kMiB + 4096 - 10) == 10);
  REQUIRE(magic == std::string(10, '\0'));
}

TEST_CASE("a table that does not fit is refused by the name of the partition") {
  struct Case {
    const char* name;
    uint64_t start;
    uint64_t size;
  };
  const Case cases[] = {
      {"beyond the end", 60 * kMiB, 8 * kMiB},
      {"over the backup table", 60 * kMiB, 4 * kMiB},
      {"over its neighbour", 8 * kMiB, 4 * kMiB},
      {"no whole sector", 50 * kMiB, 1000},
      {"nothing", 50 * kMiB, 0},
  };
  for (const Case& one : cases) {
    DYNAMIC_SECTION(one.name) {
      const DiskFile disk;
      PartitionTable table = SampleTable();
      table.partitions.resize(2);
      table.partitions[1].name = "culprit";
      table.partitions[1].start = one.start;
      table.partitions[1].size = one.size;
      REQUIRE_ERROR(WriteGpt(disk.fd(), disk.path(), table), absl::StatusCode::kInvalidArgument,
                    "culprit");
      REQUIRE_FALSE(ReadGpt(disk.path())->has_value());
    }
  }
}

TEST_CASE("reading a disk that is not there is NOT_FOUND") {
  REQUIRE_ERROR(ReadGpt("/dev/no-such-disk"), absl::StatusCode::kNotFound, "no-such-disk");
}

}  // namespace
}  // namespace trident
