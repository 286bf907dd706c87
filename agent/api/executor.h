// A few threads that run short pieces of work in order of arrival.
#ifndef TRIDENT_AGENT_API_EXECUTOR_H_
#define TRIDENT_AGENT_API_EXECUTOR_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace trident {

class Executor {
 public:
  // `limit`: how many pieces may wait before TryRun refuses more.
  Executor(size_t threads, size_t limit);
  // Runs what is waiting, then ends the threads.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Never refuses: for work whose amount something else bounds. Never runs it at once.
  void Run(std::function<void()> work);
  // False, and nothing happens, when `limit` pieces are waiting already.
  [[nodiscard]] bool TryRun(std::function<void()> work);

 private:
  void Loop();

  const size_t limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_API_EXECUTOR_H_
