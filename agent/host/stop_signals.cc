#include "agent/host/stop_signals.h"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace trident {
namespace {

sigset_t StopSet() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

StopSignals::StopSignals() {
  const sigset_t set = StopSet();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

StopSignals::~StopSignals() {
  if (!waiter_.joinable()) return;
  ending_ = true;
  // The waiter sleeps in sigwait; a signal of this very thread wakes it.
  pthread_kill(waiter_.native_handle(), SIGHUP);
  waiter_.join();
}

void StopSignals::OnStop(std::function<void()> stop) {
  waiter_ = std::thread([this, stop = std::move(stop)] {
    const sigset_t set = StopSet();
    int signal = 0;
    sigwait(&set, &signal);
    if (!ending_) stop();
  });
}

}  // namespace trident
