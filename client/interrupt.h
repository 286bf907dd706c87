// Ctrl-C, in a form that waiting code can be woken by.
#ifndef TRIDENT_CLIENT_INTERRUPT_H_
#define TRIDENT_CLIENT_INTERRUPT_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace trident::client {

// Thread safe.
class Interrupt {
 public:
  void Trigger();
  bool triggered() const;
  // Somebody looks at `triggered`, now and later. Until then a signal has its usual effect.
  void Attend();
  bool attended() const;
  // Waits, at most so long; true as soon as it was triggered.
  bool WaitFor(std::chrono::milliseconds duration);

  // While this object lives, Trigger calls `wake` (at once, if it has happened already). `wake`
  // must not use the interrupt.
  class Hook {
   public:
    Hook(Interrupt& interrupt, std::function<void()> wake);
    ~Hook();
    Hook(const Hook&) = delete;
    Hook& operator=(const Hook&) = delete;

   private:
    Interrupt& interrupt_;
  };

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool triggered_ = false;
  bool attended_ = false;
  std::function<void()> wake_;
};

// Triggers on SIGINT and SIGTERM, which stay blocked in this thread and those that it starts
// afterwards, so it must be made before any other thread. A signal that nobody attends to, and a
// second one, end the process.
class SignalWatch {
 public:
  explicit SignalWatch(Interrupt& interrupt);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  int stop_event_ = -1;
  int signals_ = -1;
  std::thread thread_;
};

}  // namespace trident::client

#endif  // TRIDENT_CLIENT_INTERRUPT_H_
