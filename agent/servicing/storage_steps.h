// Steps that make partition tables and file systems. Contracts: Servicer::RunStep.
#ifndef TRIDENT_AGENT_SERVICING_STORAGE_STEPS_H_
#define TRIDENT_AGENT_SERVICING_STORAGE_STEPS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/host/host.h"
#include "agent/servicing/servicer.h"

namespace trident {

// Writes the table of the step's disk and records disk and partitions in the status. The UUIDs
// follow from the job, so that writing again gives the same table.
absl::Status WritePartitionTable(const Host& host, const StepRun& run);

// Makes an empty file system or swap space on the step's device.
absl::Status MakeFilesystemStep(const Host& host, const StepRun& run);

// Gives the file system of the step's device the UUID that belongs to this job and device.
absl::Status SetIdentityStep(const Host& host, const StepRun& run);

// Grows the file system of the step's device to the device.
absl::Status GrowFilesystemStep(const Host& host, const StepRun& run);

// Checks the file systems of everything that the job wrote, read-only.
absl::Status CheckTargetStep(const Host& host, const StepRun& run);

// The file system UUID that a job gives to a device.
std::string FilesystemUuidOf(const std::string& job_id, const BlockDeviceId& device);

// The recorded partition, array or encrypted volume, or an error that names it.
absl::StatusOr<RecordedDevice> DeviceOf(const HostStatus& status, const BlockDeviceId& id);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_STORAGE_STEPS_H_
