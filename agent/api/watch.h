// The two kinds of streams: an update to its end, and the status with everything that follows.
#ifndef TRIDENT_AGENT_API_WATCH_H_
#define TRIDENT_AGENT_API_WATCH_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/api/event_stream.h"
#include "agent/jobs/job_manager.h"

namespace trident::api {

// Messages for a submission that began no job, or was refused: one message, then the end.
std::unique_ptr<StreamSource> MakeLookedOnlySource(JobManager& jobs, const Plan& plan);
std::unique_ptr<StreamSource> MakeRefusedSource(JobManager& jobs, const absl::Status& refusal);

// A snapshot, then the events of the submitted job until it ends, reboots the host, or waits for a
// transition that its submitter did not allow. `wake` is called when there is more.
absl::StatusOr<std::unique_ptr<StreamSource>> MakeJobSource(JobManager& jobs,
                                                            const Submitted& submitted,
                                                            std::function<void()> wake);

struct StatusWatch {
  bool follow = false;
  std::optional<uint64_t> after_sequence;
  std::string journal_id;
};
// A snapshot and, when following, every later event until the server drains.
absl::StatusOr<std::unique_ptr<StreamSource>> MakeStatusSource(JobManager& jobs,
                                                               const StatusWatch& watch,
                                                               std::function<void()> wake);

}  // namespace trident::api

#endif  // TRIDENT_AGENT_API_WATCH_H_
