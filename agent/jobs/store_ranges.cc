#include "agent/jobs/store_ranges.h"

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {

absl::Status CheckStoreRanges(const Job& job, const Datastore& store) {
  if (!job.target_range.has_value()) return absl::OkStatus();
  const StoreRange target = *job.target_range;
  const StoreRange own = store.range();
  if (CanRead(target, store.schema_version(), store.min_reader()) && target.oldest <= own.newest &&
      own.oldest <= target.newest) {
    return absl::OkStatus();
  }
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "precondition", "store-range",
      absl::StrCat("The agent of the new system reads store versions ", target.oldest, " to ",
                   target.newest, ", but the store has version ", store.schema_version(),
                   " (readers must know ", store.min_reader(), ") and this agent reads ",
                   own.oldest, " to ", own.newest,
                   ": the new system could not finish the job, or this one not take it back."),
      "Use an image with an agent whose version is nearer to this one's.");
}

}  // namespace trident
