#include "agent/servicing/sysupdate_engine.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "agent/servicing/storage_steps.h"
#include "agent/storage/sysupdate.h"
#include "common/base/error.h"
#include "common/config/enum_names.h"
#include "common/config/lookup.h"
#include "common/config/url.h"

namespace trident {
namespace {

bool HasScheme(const std::string& url, const std::string& scheme) {
  return url.starts_with(scheme + "://");
}

const Disk* DiskOf(const HostConfiguration& configuration, const BlockDeviceId& partition) {
  for (const Disk& disk : configuration.storage.disks) {
    for (const Partition& candidate : disk.partitions) {
      if (candidate.id == partition) return &disk;
    }
  }
  return nullptr;
}

// The pairs of this partition type on this disk that get an image.
size_t PairsLike(const HostConfiguration& configuration, const Disk& disk, PartitionType type) {
  const auto& images = configuration.storage.images;
  return static_cast<size_t>(std::count_if(images.begin(), images.end(), [&](const Image& image) {
    const VolumePair* pair = FindPair(configuration, image.target_id);
    if (pair == nullptr) return false;
    const Partition* half = FindPartition(configuration, pair->volume_a_id);
    return half != nullptr && half->type == type &&
           DiskOf(configuration, pair->volume_a_id) == &disk;
  }));
}

// Disk and table entry of the step's partition.
struct Place {
  std::string disk;
  TablePartition entry;
};

absl::StatusOr<Place> PlaceOf(const Host& host, const StepRun& run) {
  TRIDENT_ASSIGN_OR_RETURN(const RecordedDevice target, DeviceOf(run.status, run.step.subject));
  const Disk* disk = DiskOf(run.configuration, run.step.subject);
  if (disk != nullptr) {
    TRIDENT_ASSIGN_OR_RETURN(const ObservedDisk observed, host.devices.Observe(disk->device));
    for (const ObservedPartition& partition : observed.partitions) {
      if (partition.entry.uuid == target.partition_uuid) {
        return Place{disk->device, partition.entry};
      }
    }
  }
  return MakeError(absl::StatusCode::kNotFound, "storage", "partition-gone",
                   absl::StrCat("the partition '", run.step.subject, "' (", target.partition_uuid,
                                ") is not in the partition table any more"),
                   "Look at the disk: somebody changed its partitions while the job ran.");
}

}  // namespace

bool IsLabelledBySysupdate(const HostConfiguration& configuration, const BlockDeviceId& partition) {
  const auto& ab = configuration.storage.ab_update;
  if (!ab || ab->engine != UpdateEngine::kSystemdSysupdate) return false;
  const auto& images = configuration.storage.images;
  return std::any_of(images.begin(), images.end(), [&](const Image& image) {
    const VolumePair* pair = FindPair(configuration, image.target_id);
    return pair != nullptr && (pair->volume_a_id == partition || pair->volume_b_id == partition);
  });
}

std::string SysupdateVersion(const Image& image) {
  std::string name = image.url.substr(image.url.rfind('/') + 1);
  name = name.substr(0, name.find_first_of("?"));
  return name.substr(0, kLongestLabel);
}

std::string WhyNotSysupdate(const HostConfiguration& configuration, const Image& image) {
  if (HasScheme(image.url, "oci")) return "it knows no OCI registries";
  if (image.format == ImageFormat::kRawZstd) return "it unpacks no zstd everywhere";
  const VolumePair* pair = FindPair(configuration, image.target_id);
  if (pair == nullptr) return "the target is no volume pair";
  const Disk* disk = DiskOf(configuration, pair->volume_a_id);
  if (disk == nullptr || DiskOf(configuration, pair->volume_b_id) != disk) {
    return "it writes pairs of two partitions of one disk only";
  }
  const PartitionType type = FindPartition(configuration, pair->volume_a_id)->type;
  if (FindPartition(configuration, pair->volume_b_id)->type != type) {
    return "the two partitions of the pair have different types";
  }
  if (PairsLike(configuration, *disk, type) > 1) {
    return absl::StrCat("several pairs of type ", std::string(EnumName(type)),
                        " on one disk are all the same to it");
  }
  const std::string name = image.url.substr(image.url.rfind('/') + 1);
  if (name != SysupdateVersion(image)) return "the file name does not fit into a partition's label";
  return "";
}

std::string WhyNotSysupdateHere(const Host& host, ImageProber& prober, const StepRun& run,
                                const Image& image) {
  if (std::string reason = WhyNotSysupdate(run.configuration, image); !reason.empty()) {
    return reason;
  }
  if (!host.files.Exists(kSysupdateProgram)) {
    return absl::StrCat("there is no ", kSysupdateProgram, " on this system");
  }
  if (HasScheme(image.url, "file")) return "";
  // It takes hashes from nowhere else.
  Image listed = image;
  listed.sha256 = ImageHash::Manifest();
  const absl::StatusOr<ImageFacts> facts = prober.Probe(listed, run.cancellation);
  if (!facts.ok()) {
    return absl::StrCat("the image is not in SHA256SUMS beside it: ",
                        std::string(facts.status().message()));
  }
  if (image.sha256.kind == ImageHash::Kind::kHex && image.sha256.hex != facts->sha256) {
    return "SHA256SUMS beside the image says another hash than the document";
  }
  return "";
}

absl::Status LabelTarget(const Host& host, const StepRun& run, const std::string& label) {
  TRIDENT_ASSIGN_OR_RETURN(const Place place, PlaceOf(host, run));
  if (place.entry.name == label) return absl::OkStatus();
  return SetPartitionLabel(host.commands, place.disk, place.entry.number, label, &run.cancellation);
}

absl::Status WriteWithSysupdate(const Host& host, const StepRun& run, const Image& image) {
  TRIDENT_ASSIGN_OR_RETURN(const RecordedDevice target, DeviceOf(run.status, run.step.subject));
  // The door: it is not asked by the program that writes.
  TRIDENT_RETURN_IF_ERROR(host.devices.OpenForWriting(target.path).status());
  TRIDENT_RETURN_IF_ERROR(LabelTarget(host, run, kEmptyLabel));
  TRIDENT_ASSIGN_OR_RETURN(const Place place, PlaceOf(host, run));
  SysupdateTransfer transfer;
  transfer.from_url = !HasScheme(image.url, "file");
  transfer.source = image.url.substr(0, image.url.rfind('/'));
  if (!transfer.from_url) {
    TRIDENT_ASSIGN_OR_RETURN(const std::string path, FilePathOfUrl(image.url));
    transfer.source = path.substr(0, std::max<size_t>(path.rfind('/'), 1));
  }
  transfer.disk = place.disk;
  transfer.partition_type =
      std::string(EnumName(FindPartition(run.configuration, run.step.subject)->type));
  const std::string version = SysupdateVersion(image);
  run.reporter.Info(
      absl::StrCat("systemd-sysupdate writes ", version, " to '", run.step.subject, "'"));
  // How far it is, only the program knows; that it goes on is a sign of life.
  const auto alive = [&] { run.reporter.Progress(0, run.step.bytes); };
  TRIDENT_RETURN_IF_ERROR(
      RunSysupdate(host.commands, host.files, transfer, version, alive, &run.cancellation));
  TRIDENT_ASSIGN_OR_RETURN(const Place written, PlaceOf(host, run));
  if (written.entry.name == version) return host.devices.WaitForPath(target.path);
  return MakeError(absl::StatusCode::kInternal, "storage", "sysupdate",
                   absl::StrCat("systemd-sysupdate did not write ", version, " to '",
                                run.step.subject, "', whose label is '", written.entry.name, "'"),
                   "Use the native engine: leave storage.abUpdate.engine out.");
}

}  // namespace trident
