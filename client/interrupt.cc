#include "client/interrupt.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "client/exit_codes.h"

namespace trident::client {

void Interrupt::Trigger() {
  const std::lock_guard lock(mutex_);
  triggered_ = true;
  changed_.notify_all();
  if (wake_) wake_();
}

bool Interrupt::triggered() const {
  const std::lock_guard lock(mutex_);
  return triggered_;
}

void Interrupt::Attend() {
  const std::lock_guard lock(mutex_);
  attended_ = true;
}

bool Interrupt::attended() const {
  const std::lock_guard lock(mutex_);
  return attended_;
}

bool Interrupt::WaitFor(std::chrono::milliseconds duration) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, duration, [this] { return triggered_; });
}

Interrupt::Hook::Hook(Interrupt& interrupt, std::function<void()> wake) : interrupt_(interrupt) {
  const std::lock_guard lock(interrupt_.mutex_);
  interrupt_.wake_ = std::move(wake);
  if (interrupt_.triggered_) interrupt_.wake_();
}

Interrupt::Hook::~Hook() {
  const std::lock_guard lock(interrupt_.mutex_);
  interrupt_.wake_ = nullptr;
}

SignalWatch::SignalWatch(Interrupt& interrupt) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  stop_event_ = eventfd(0, EFD_CLOEXEC);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC);
  // Without descriptors the signals keep their usual effect, which ends the process.
  if (stop_event_ < 0 || signals_ < 0 || pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return;
  thread_ = std::thread([this, &interrupt] {
    pollfd waits[] = {{.fd = stop_event_, .events = POLLIN, .revents = 0},
                      {.fd = signals_, .events = POLLIN, .revents = 0}};
    while (true) {
      if (poll(waits, 2, -1) < 0) continue;
      if (waits[0].revents != 0) return;
      signalfd_siginfo signal = {};
      if (read(signals_, &signal, sizeof(signal)) != sizeof(signal)) continue;
      if (interrupt.triggered() || !interrupt.attended()) _exit(kExitInterrupted);
      interrupt.Trigger();
    }
  });
}

SignalWatch::~SignalWatch() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(stop_event_, &one, sizeof(one));
    thread_.join();
  }
  if (stop_event_ >= 0) close(stop_event_);
  if (signals_ >= 0) close(signals_);
}

}  // namespace trident::client
