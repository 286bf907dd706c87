#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/host/command_runner.h"
#include "agent/host/file_descriptor.h"
#include "common/base/error.h"

namespace trident {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kMostOutput = 64 << 10;
constexpr char kDefaultPath[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
// Between SIGTERM and SIGKILL.
constexpr milliseconds kTerminationGrace{2000};
// How long output is awaited from what the program left running in the background.
constexpr milliseconds kDrainGrace{500};
// How often a cancellation is looked at.
constexpr int kSlice = 50;

absl::Status Failed(int error_number, const std::string& attempt) {
  return ErrnoError(error_number, "environment", "command", attempt);
}

// Everything that the child needs, made before fork: after it, only async-signal-safe calls.
struct Preparation {
  std::vector<std::string> words;
  std::vector<std::string> environment;
  std::vector<std::string> candidates;  // paths of the program, in the order of PATH
  // Of the words and of the environment, as execve(2) wants them.
  std::vector<char*> argv;
  std::vector<char*> envp;
};

// Variables that systemd gives to the agent alone.
bool IsPrivate(std::string_view name) {
  static constexpr std::string_view kPrivate[] = {"NOTIFY_SOCKET", "LISTEN_FDS",
                                                  "LISTEN_PID",    "LISTEN_FDNAMES",
                                                  "WATCHDOG_USEC", "WATCHDOG_PID"};
  for (const std::string_view one : kPrivate) {
    if (name == one) return true;
  }
  return false;
}

Preparation Prepare(const Command& command) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::pair<std::string, std::string> variable =
        absl::StrSplit(*entry, absl::MaxSplits('=', 1));
    if (!IsPrivate(variable.first)) variables.insert(variable);
  }
  // The PATH of the agent says nothing about a new root; and outside of systemd it may lack sbin.
  std::string& path = variables["PATH"];
  if (!command.root.empty() || path.empty()) {
    path = kDefaultPath;
  } else {
    path += absl::StrCat(":", kDefaultPath);
  }
  variables["LC_ALL"] = "C";
  for (const auto& [name, value] : command.environment) variables[name] = value;

  Preparation preparation;
  const std::string& program = command.argv[0];
  if (program.find('/') != std::string::npos) {
    preparation.candidates.push_back(program);
  } else {
    for (const auto folder : absl::StrSplit(variables["PATH"], ':', absl::SkipEmpty())) {
      preparation.candidates.push_back(absl::StrCat(folder, "/", program));
    }
  }
  for (const auto& [name, value] : variables) {
    preparation.environment.push_back(absl::StrCat(name, "=", value));
  }
  preparation.words = command.argv;
  for (std::string& word : preparation.words) preparation.argv.push_back(word.data());
  preparation.argv.push_back(nullptr);
  for (std::string& entry : preparation.environment) preparation.envp.push_back(entry.data());
  preparation.envp.push_back(nullptr);
  return preparation;
}

// What the child tells when it cannot become the program.
struct ChildError {
  enum Stage { kSetUp, kRoot, kExecute } stage;
  int error_number;
};

[[noreturn]] void GiveUp(int report, ChildError::Stage stage, int error_number) {
  const ChildError error{stage, error_number};
  // Nobody is left to be told when this fails.
  [[maybe_unused]] const ssize_t written = write(report, &error, sizeof(error));
  _exit(127);
}

// Runs in the child, after fork from a process with many threads: async-signal-safe calls only.
[[noreturn]] void BecomeProgram(const Preparation& preparation, const char* root, pid_t parent,
                                int input, int output, int error_output, int report,
                                bool may_dump_core) {
  setpgid(0, 0);
  // The program does not outlive an agent that was killed: two of them on one device would be
  // worse.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);

  // The targets are 0 to 2, so first move everything that may already be there.
  const int high_input = fcntl(input, F_DUPFD_CLOEXEC, 10);
  const int high_output = fcntl(output, F_DUPFD_CLOEXEC, 10);
  const int high_error = fcntl(error_output, F_DUPFD_CLOEXEC, 10);
  const int high_report = fcntl(report, F_DUPFD_CLOEXEC, 10);
  if (high_input < 0 || high_output < 0 || high_error < 0 || high_report < 0) {
    GiveUp(report, ChildError::kSetUp, errno);
  }
  if (dup2(high_input, 0) < 0 || dup2(high_output, 1) < 0 || dup2(high_error, 2) < 0) {
    GiveUp(high_report, ChildError::kSetUp, errno);
  }
  if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    GiveUp(high_report, ChildError::kSetUp, errno);
  }

  if (!may_dump_core) {
    // Not 0: to a program that takes core dumps from a pipe only a limit of 1 means none. core(5).
    const rlimit none = {1, 1};
    if (setrlimit(RLIMIT_CORE, &none) != 0) GiveUp(high_report, ChildError::kSetUp, errno);
  }

  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);

  if (root != nullptr && (chroot(root) != 0 || chdir("/") != 0)) {
    GiveUp(high_report, ChildError::kRoot, errno);
  }
  int reason = ENOENT;
  for (const std::string& candidate : preparation.candidates) {
    execve(candidate.c_str(), preparation.argv.data(), preparation.envp.data());
    // A file that may not be run does not end the search, but is what to report.
    if (errno != ENOENT && errno != ENOTDIR) reason = errno;
  }
  GiveUp(high_report, ChildError::kExecute, reason);
}

// A pipe whose ends close on exec; the reading end does not block.
absl::Status MakePipe(FileDescriptor& reading, FileDescriptor& writing) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Failed(errno, "cannot make a pipe");
  reading = FileDescriptor(ends[0]);
  writing = FileDescriptor(ends[1]);
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return Failed(errno, "cannot set up a pipe");
  return absl::OkStatus();
}

// Standard input as a file in memory: nothing has to be fed to the program, and no SIGPIPE.
absl::StatusOr<FileDescriptor> MakeInput(std::span<const char> input) {
  if (input.empty()) {
    FileDescriptor null(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!null.valid()) return Failed(errno, "cannot open /dev/null");
    return null;
  }
  FileDescriptor file(memfd_create("input", MFD_CLOEXEC));
  if (!file.valid() || fchmod(file.get(), 0600) != 0) {
    return Failed(errno, "cannot make a file in memory");
  }
  for (size_t done = 0; done < input.size();) {
    const ssize_t count = write(file.get(), input.data() + done, input.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failed(errno, "cannot write a program's input");
    done += static_cast<size_t>(count);
  }
  if (lseek(file.get(), 0, SEEK_SET) != 0) return Failed(errno, "cannot rewind");
  return file;
}

std::span<const char> InputOf(const Command& command) {
  if (command.secret_input == nullptr) return command.input;
  return {command.secret_input->chars(), command.secret_input->size()};
}

// Overwrites a secret input when the program is done with it.
class InputWiper {
 public:
  explicit InputWiper(const Command& command, int fd) : size_(0), fd_(fd) {
    if (command.secret_input != nullptr) size_ = command.secret_input->size();
  }
  InputWiper(const InputWiper&) = delete;
  InputWiper& operator=(const InputWiper&) = delete;
  ~InputWiper() {
    static constexpr std::array<char, 4096> kZeros = {};
    for (size_t done = 0; done < size_;) {
      const ssize_t count = pwrite(fd_, kZeros.data(), std::min(kZeros.size(), size_ - done),
                                   static_cast<off_t>(done));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return;
      done += static_cast<size_t>(count);
    }
  }

 private:
  size_t size_;
  const int fd_;
};

// The end of what a program said.
class Tail {
 public:
  // `sink` may be empty; it is used as long as this lives.
  Tail(FileDescriptor pipe, const std::function<void(std::string_view)>& sink)
      : pipe_(std::move(pipe)), sink_(sink) {}

  int fd() const { return pipe_.get(); }  // negative after the end: poll(2) leaves it out
  bool open() const { return pipe_.valid(); }

  // Reads what is there, but comes back even when a program writes faster than we read.
  void Drain() {
    std::array<char, 32768> buffer;
    for (int i = 0; i < 16 && pipe_.valid(); ++i) {
      const ssize_t count = read(pipe_.get(), buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) return;
      if (count <= 0) {
        pipe_.Close();
        return;
      }
      text_.append(buffer.data(), static_cast<size_t>(count));
      if (sink_) sink_({buffer.data(), static_cast<size_t>(count)});
      if (text_.size() > 2 * kMostOutput) text_.erase(0, text_.size() - kMostOutput);
    }
  }

  std::string Take() {
    if (text_.size() > kMostOutput) text_.erase(0, text_.size() - kMostOutput);
    return std::move(text_);
  }

 private:
  FileDescriptor pipe_;
  const std::function<void(std::string_view)>& sink_;
  std::string text_;
};

class LinuxCommandRunner : public CommandRunner {
 public:
  absl::StatusOr<CommandResult> Run(const Command& command) override;
};

int MillisecondsUntil(steady_clock::time_point end) {
  const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 60'000));
}

// Waits for the program, which leads the process group `pid`, and reads what it says. On its way
// out of here no process of an overdue group is left.
absl::Status Attend(const Command& command, const std::string& line, pid_t pid, int pidfd,
                    Tail& output, Tail& error_output) {
  const steady_clock::time_point limit = steady_clock::now() + command.timeout;
  std::optional<steady_clock::time_point> kill_at;
  std::optional<steady_clock::time_point> drain_until;
  absl::Status reason;
  bool killed = false;
  while (true) {
    const auto now = steady_clock::now();
    if (!drain_until && !kill_at) {
      if (command.cancellation != nullptr && command.cancellation->cancelled()) {
        reason = MakeError(absl::StatusCode::kCancelled, "cancelled", "command",
                           absl::StrCat("`", line, "` was cancelled"));
      } else if (now >= limit) {
        reason = MakeError(
            absl::StatusCode::kDeadlineExceeded, "environment", "command-timeout",
            absl::StrCat("`", line, "` did not end within ", command.timeout.count(), " ms"));
      }
      if (!reason.ok()) {
        kill(-pid, SIGTERM);
        kill_at = now + kTerminationGrace;
      }
    }
    if (kill_at && !killed && now >= *kill_at) {
      kill(-pid, SIGKILL);
      killed = true;
    }
    if (drain_until && (now >= *drain_until || (!output.open() && !error_output.open()))) break;

    int wait = command.cancellation != nullptr && !kill_at ? kSlice : 60'000;
    if (drain_until) {
      wait = std::min(wait, MillisecondsUntil(*drain_until));
    } else if (!kill_at) {
      wait = std::min(wait, MillisecondsUntil(limit));
    } else if (!killed) {
      wait = std::min(wait, MillisecondsUntil(*kill_at));
    }
    std::array<pollfd, 3> waiting = {{{output.fd(), POLLIN, 0},
                                      {error_output.fd(), POLLIN, 0},
                                      {drain_until ? -1 : pidfd, POLLIN, 0}}};
    const int ready = poll(waiting.data(), waiting.size(), wait);
    if (ready < 0 && errno != EINTR) {
      reason = Failed(errno, absl::StrCat("cannot wait for `", line, "`"));
      kill(-pid, SIGKILL);
      break;
    }
    if (ready <= 0) continue;
    if (waiting[0].revents != 0) output.Drain();
    if (waiting[1].revents != 0) error_output.Drain();
    if (waiting[2].revents != 0) {
      // It ended, but is not reaped: its process group's number cannot belong to anybody else yet.
      if (!reason.ok()) {
        kill(-pid, SIGKILL);
        break;
      }
      if (command.end_group) kill(-pid, SIGKILL);
      drain_until = steady_clock::now() + kDrainGrace;
    }
  }
  return reason;
}

absl::StatusOr<CommandResult> LinuxCommandRunner::Run(const Command& command) {
  if (command.argv.empty() || command.argv[0].empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "internal", "no-command",
                     "an empty command line cannot be run");
  }
  const std::string line = RenderCommand(command.argv);
  if (command.cancellation != nullptr && command.cancellation->cancelled()) {
    return MakeError(absl::StatusCode::kCancelled, "cancelled", "command",
                     absl::StrCat("`", line, "` was cancelled before it began"));
  }
  const Preparation preparation = Prepare(command);
  TRIDENT_ASSIGN_OR_RETURN(const FileDescriptor input, MakeInput(InputOf(command)));
  const InputWiper wiper(command, input.get());
  FileDescriptor output, output_end, error_output, error_output_end, report, report_end;
  TRIDENT_RETURN_IF_ERROR(MakePipe(output, output_end));
  TRIDENT_RETURN_IF_ERROR(MakePipe(error_output, error_output_end));
  TRIDENT_RETURN_IF_ERROR(MakePipe(report, report_end));

  // No handler of the agent may run in the child.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    BecomeProgram(preparation, command.root.empty() ? nullptr : command.root.c_str(), parent,
                  input.get(), output_end.get(),
                  command.on_output ? output_end.get() : error_output_end.get(), report_end.get(),
                  command.secret_input == nullptr);
  }
  const int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return Failed(fork_error, absl::StrCat("cannot start `", line, "`"));
  // In both processes, so that whoever comes first has done it before the group is signalled.
  setpgid(pid, pid);
  output_end.Close();
  error_output_end.Close();
  report_end.Close();

  // The pipe closes at exec; what comes before that is why there was none.
  ChildError child_error{};
  pollfd waiting = {report.get(), POLLIN, 0};
  while (poll(&waiting, 1, -1) < 0 && errno == EINTR) {
  }
  const ssize_t told = read(report.get(), &child_error, sizeof(child_error));
  const bool started = told != sizeof(child_error);

  Tail output_tail(std::move(output), command.on_output);
  const std::function<void(std::string_view)> nobody;
  Tail error_tail(std::move(error_output), nobody);
  absl::Status attended;
  if (started) {
    const FileDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd.valid()) {
      attended = Failed(errno, absl::StrCat("cannot watch `", line, "`"));
      kill(-pid, SIGKILL);
    } else {
      attended = Attend(command, line, pid, pidfd.get(), output_tail, error_tail);
    }
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!started) {
    if (child_error.stage == ChildError::kExecute && child_error.error_number == ENOENT) {
      return MakeError(
          absl::StatusCode::kNotFound, "environment", "command-missing",
          absl::StrCat("cannot run `", line, "`: there is no program ", command.argv[0],
                       command.root.empty() ? "" : " below " + command.root));
    }
    return Failed(child_error.error_number,
                  child_error.stage == ChildError::kRoot
                      ? absl::StrCat("cannot change root to ", command.root, " for `", line, "`")
                      : absl::StrCat("cannot run `", line, "`"));
  }
  TRIDENT_RETURN_IF_ERROR(attended);
  CommandResult result;
  result.output = output_tail.Take();
  result.error_output = error_tail.Take();
  if (WIFSIGNALED(status)) {
    return MakeError(absl::StatusCode::kAborted, "environment", "command-killed",
                     absl::StrCat("`", line, "` was ended by signal ", WTERMSIG(status), " (",
                                  strsignal(WTERMSIG(status)), ")"));
  }
  result.exit_status = WEXITSTATUS(status);
  return result;
}

}  // namespace

std::unique_ptr<CommandRunner> MakeLinuxCommandRunner() {
  return std::make_unique<LinuxCommandRunner>();
}

}  // namespace trident
