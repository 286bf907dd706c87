#include "agent/jobs/progress.h"

#include <algorithm>

namespace trident {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kInterval = kSecond / 5;
constexpr int64_t kRateWindow = 5 * kSecond;
// What a step costs besides its bytes, so that steps without any move the bar too.
constexpr double kStepWeight = 4 * 1024 * 1024;

}  // namespace

ProgressMeter::ProgressMeter(const Plan& plan) {
  double weight = 0;
  weight_before_.push_back(weight);
  for (const Step& step : plan.steps) {
    weight += kStepWeight + static_cast<double>(step.bytes);
    weight_before_.push_back(weight);
  }
}

void ProgressMeter::BeginStep(size_t index, int64_t now) {
  step_ = std::min(index, weight_before_.size() - 1);
  done_ = 0;
  samples_.assign(1, Sample{now, 0});
  told_.reset();
}

std::optional<ProgressEvent> ProgressMeter::Update(uint64_t done, uint64_t total, int64_t now) {
  done_ = std::max(done_, done);
  if (total != 0) done_ = std::min(done_, total);
  if (told_.has_value() && now - *told_ < kInterval) return std::nullopt;
  told_ = now;

  samples_.push_back({now, done_});
  while (samples_.size() > 2 && now - samples_[1].time >= kRateWindow) samples_.pop_front();

  ProgressEvent event;
  event.bytes_done = done_;
  event.bytes_total = total;
  const Sample& first = samples_.front();
  if (now > first.time) {
    event.rate = static_cast<double>(done_ - std::min(done_, first.bytes)) * kSecond /
                 static_cast<double>(now - first.time);
  }
  if (total != 0 && event.rate > 0) {
    event.seconds_left = static_cast<double>(total - done_) / event.rate;
  }
  const double all = weight_before_.back();
  if (step_ + 1 < weight_before_.size() && all > 0) {
    const double own = weight_before_[step_ + 1] - weight_before_[step_];
    // A step with a known size is at its end only when it says so, not with its last byte.
    const double part =
        total != 0 ? 0.99 * static_cast<double>(done_) / static_cast<double>(total) : 0.0;
    fraction_ = std::max(fraction_, (weight_before_[step_] + own * part) / all);
  }
  event.fraction = fraction_;
  return event;
}

}  // namespace trident
