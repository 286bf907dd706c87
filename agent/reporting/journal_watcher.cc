#include "agent/reporting/journal_watcher.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/logging.h"

namespace trident {

JournalWatcher::JournalWatcher(JobManager& jobs, uint64_t after_sequence,
                               std::vector<EventSink*> sinks)
    : jobs_(jobs),
      sinks_(std::move(sinks)),
      thread_([this, after_sequence] { Watch(after_sequence); }) {}

JournalWatcher::~JournalWatcher() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  woken_.notify_all();
  thread_.join();
}

void JournalWatcher::Watch(uint64_t after_sequence) {
  const auto wake = [this] {
    {
      const std::lock_guard lock(mutex_);
      awake_ = true;
    }
    woken_.notify_all();
  };
  std::optional<uint64_t> place = after_sequence;
  while (true) {
    auto subscription = jobs_.Subscribe(place, "", wake);
    if (absl::IsOutOfRange(subscription.status()) && place) {
      // Pruned meanwhile: what comes from now on is better than nothing.
      place.reset();
      continue;
    }
    if (!subscription.ok()) {
      Log(LogLevel::kError, absl::StrCat("reporting: the journal cannot be read: ",
                                         std::string{subscription.status().message()}));
      return;
    }
    bool lost = false;
    while (!lost) {
      auto event = (*subscription)->Next();
      if (!event.ok()) {
        Log(LogLevel::kWarn,
            absl::StrCat("reporting: events were missed: ", std::string{event.status().message()}));
        lost = true;
      } else if (event->has_value()) {
        for (EventSink* sink : sinks_) sink->OnEvent(**event);
      } else {
        std::unique_lock lock(mutex_);
        woken_.wait(lock, [this] { return awake_ || ending_; });
        if (!std::exchange(awake_, false)) return;
      }
    }
    place.reset();
  }
}

}  // namespace trident
