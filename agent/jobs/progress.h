// How far a plan is: bytes of the current step, their rate, and the fraction of the whole.
#ifndef TRIDENT_AGENT_JOBS_PROGRESS_H_
#define TRIDENT_AGENT_JOBS_PROGRESS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "agent/jobs/event.h"
#include "agent/servicing/plan.h"

namespace trident {

// Times are CLOCK_BOOTTIME in nanoseconds. Not thread safe.
class ProgressMeter {
 public:
  explicit ProgressMeter(const Plan& plan);

  // A step begins: bytes start from zero, the fraction stays where it is or rises.
  void BeginStep(size_t index, int64_t now);

  // What to tell, at most five times a second. Bytes never go back within a step, the fraction
  // never at all, and it stays below 1 as long as steps are to come.
  std::optional<ProgressEvent> Update(uint64_t done, uint64_t total, int64_t now);

 private:
  struct Sample {
    int64_t time;
    uint64_t bytes;
  };

  // Weight of the steps before each step; the last element is the weight of all.
  std::vector<double> weight_before_;
  size_t step_ = 0;
  double fraction_ = 0;
  uint64_t done_ = 0;
  std::deque<Sample> samples_;  // of the last seconds of this step
  std::optional<int64_t> told_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_JOBS_PROGRESS_H_
