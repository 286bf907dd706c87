#include "agent/reporting/metrics_file.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/logging.h"

namespace trident {

MetricsFile::MetricsFile(Files& files, std::string path, std::function<std::string()> text,
                         std::chrono::milliseconds pause)
    : files_(files), path_(std::move(path)), text_(std::move(text)), pause_(pause), thread_([this] {
        Run();
      }) {}

MetricsFile::~MetricsFile() {
  {
    const std::lock_guard lock(mutex_);
    stale_ = true;
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void MetricsFile::OnEvent(const Event& event) {
  if (event.sequence == 0) return;
  {
    const std::lock_guard lock(mutex_);
    stale_ = true;
  }
  changed_.notify_all();
}

void MetricsFile::Run() {
  bool complained = false;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stale_ || ending_; });
    if (!stale_) return;
    stale_ = false;
    lock.unlock();
    const absl::Status written = files_.Write(path_, text_(), 0644);
    if (!written.ok() && !complained) {
      Log(LogLevel::kWarn,
          absl::StrCat("the metrics cannot be written: ", std::string{written.message()}));
    }
    complained = !written.ok();
    lock.lock();
    changed_.wait_for(lock, pause_, [this] { return ending_; });
  }
}

}  // namespace trident
