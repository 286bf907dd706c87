#include "client/renderer.h"

#include <algorithm>
#include <optional>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/format.h"

namespace trident::client {
namespace {

constexpr std::chrono::seconds kPlainProgressPause{10};
constexpr size_t kBarWidth = 20;
constexpr double kNanosPerSecond = 1e9;

// At most `limit` bytes, cut between UTF-8 characters.
std::string Cut(std::string text, size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  text.resize(limit);
  return text;
}

class TextRenderer : public Renderer {
 public:
  TextRenderer(Session& session, SteadyClock now) : session_(session), now_(std::move(now)) {}
  ~TextRenderer() override { Clear(); }

  void Show(const pb::HostStatusState& message) override {
    if (message.gap()) Line("(some events were left out: they came faster than they were read)");
    if (message.has_job()) ShowJob(message);
    if (message.has_log()) ShowLog(message.log());
    if (message.has_step()) ShowStep(message);
    if (message.has_progress()) ShowProgress(message.progress());
    session_.out.flush();
  }

  void Note(const std::string& text) override {
    Line(text);
    session_.out.flush();
  }

  void End(const pb::Outcome& outcome) override {
    // Nothing but the state's name, which is the line above.
    if (outcome.message().empty() && outcome.result() == StateName(state_)) return;
    std::string text = Colour(
        outcome.result() == "ok" || outcome.result() == "succeeded" || outcome.result() == "staged"
            ? "32"
            : "31",
        outcome.result());
    if (!outcome.message().empty()) absl::StrAppend(&text, ": ", Printable(outcome.message()));
    Line(text);
    session_.out.flush();
  }

 private:
  void ShowJob(const pb::HostStatusState& message) {
    const pb::Job& job = message.job();
    if (job.id() != job_) {
      job_ = job.id();
      work_.clear();
      state_ = pb::JOB_STATE_UNSPECIFIED;
      Line(absl::StrCat("job ", Printable(job.id())));
    }
    // The kind is known when planning has ended.
    const std::string work = DescribeWork(job.servicing_kind(), job.target_volume());
    if (work != work_ && !work.empty()) {
      work_ = work;
      Line("  " + Printable(work));
    }
    // Where a stream is taken up again it begins with the job as it is now, before the events that
    // led there.
    const bool ahead = message.sequence() == 0 && state_ != pb::JOB_STATE_UNSPECIFIED;
    if (job.state() != state_ && !ahead) {
      state_ = job.state();
      Line(StateName(job.state()));
    }
  }

  void ShowLog(const pb::LogRecord& log) {
    std::string level = Printable(log.level());
    if (level == "warn") level = Colour("33", "warning");
    if (level == "error") level = Colour("31", level);
    Line(absl::StrCat("  ", level, ": ", Printable(log.message())));
  }

  void ShowStep(const pb::HostStatusState& message) {
    const pb::StepState& step = message.step();
    if (step.state() == pb::StepState::STATE_STARTED) {
      step_ = step;
      started_boot_ = message.boot_id();
      started_nanos_ = message.boottime_ns();
      bytes_ = 0;
      last_plain_ = now_();
      Draw(Place(step));
      return;
    }
    std::string text = Place(step);
    absl::StrAppend(
        &text, "  ",
        step.state() == pb::StepState::STATE_DONE ? Colour("32", "done") : Colour("31", "FAILED"));
    if (step_ && step_->id() == step.id()) {
      if (bytes_ > 0) absl::StrAppend(&text, "  ", FormatBytes(static_cast<double>(bytes_)));
      if (started_boot_ == message.boot_id() && message.boottime_ns() >= started_nanos_ &&
          started_nanos_ != 0) {
        const double seconds =
            static_cast<double>(message.boottime_ns() - started_nanos_) / kNanosPerSecond;
        absl::StrAppend(&text, "  ", FormatDuration(seconds));
      }
    }
    step_.reset();
    Line(text);
  }

  void ShowProgress(const pb::Progress& progress) {
    if (!step_) return;  // joined in the middle of a step: its name comes with its end
    bytes_ = progress.bytes_done();
    if (session_.terminal.live) {
      Draw(Place(*step_) + Bar(progress) + Numbers(progress));
    } else if (now_() - last_plain_ >= kPlainProgressPause) {
      last_plain_ = now_();
      Line(Place(*step_) + Numbers(progress));
    }
  }

  // "[ 3/12] write the image of root-b"
  static std::string Place(const pb::StepState& step) {
    const std::string count = std::to_string(step.count());
    const std::string what = step.description().empty() ? step.id() : step.description();
    return absl::StrFormat("[%*d/%s] %s", static_cast<int>(count.size()),
                           static_cast<int>(step.index()), count, Printable(what));
  }

  static double FractionOf(const pb::Progress& progress) {
    if (progress.bytes_total() == 0) return 0;
    return std::clamp(
        static_cast<double>(progress.bytes_done()) / static_cast<double>(progress.bytes_total()),
        0.0, 1.0);
  }

  static std::string Bar(const pb::Progress& progress) {
    if (progress.bytes_total() == 0) return "";
    const auto filled = static_cast<size_t>(FractionOf(progress) * kBarWidth);
    return "  [" + std::string(filled, '#') + std::string(kBarWidth - filled, '-') + "]";
  }

  static std::string Numbers(const pb::Progress& progress) {
    std::string text;
    const auto done = static_cast<double>(progress.bytes_done());
    if (progress.bytes_total() == 0) {
      absl::StrAppend(&text, "  ", FormatBytes(done));
    } else {
      // Rounded down: 100 % is said when it is done.
      absl::StrAppend(&text, "  ", static_cast<int>(FractionOf(progress) * 100), "%  ",
                      FormatBytes(done), " of ",
                      FormatBytes(static_cast<double>(progress.bytes_total())));
    }
    if (progress.rate() > 0) absl::StrAppend(&text, "  ", FormatBytes(progress.rate()), "/s");
    if (progress.seconds_left() >= 0) {
      absl::StrAppend(&text, "  ", FormatDuration(progress.seconds_left()), " left");
    }
    return text;
  }

  // The line that the next one is drawn over. The description gives way to the numbers.
  void Draw(const std::string& text) {
    if (!session_.terminal.live) return;
    const size_t width = std::max<size_t>(session_.terminal.width(), 2) - 1;
    std::string line = text;
    if (line.size() > width && step_) {
      const std::string place = Place(*step_);
      const std::string rest = line.size() > place.size() ? line.substr(place.size()) : "";
      if (rest.size() < width) line = Cut(place, width - rest.size()) + rest;
    }
    session_.out << "\r\x1b[K" << Cut(line, width);
    drawn_ = true;
  }

  void Clear() {
    if (drawn_) session_.out << "\r\x1b[K";
    drawn_ = false;
  }

  void Line(const std::string& text) {
    Clear();
    session_.out << text << '\n';
  }

  std::string Colour(const char* code, const std::string& text) const {
    if (!session_.terminal.colour) return text;
    return absl::StrCat("\x1b[", code, "m", text, "\x1b[0m");
  }

  Session& session_;
  const SteadyClock now_;
  std::string job_;
  std::string work_;
  pb::JobState state_ = pb::JOB_STATE_UNSPECIFIED;
  std::optional<pb::StepState> step_;
  std::string started_boot_;
  uint64_t started_nanos_ = 0;
  uint64_t bytes_ = 0;
  std::chrono::steady_clock::time_point last_plain_;
  bool drawn_ = false;
};

class YamlRenderer : public Renderer {
 public:
  explicit YamlRenderer(Session& session) : session_(session) {}
  void Show(const pb::HostStatusState& message) override {
    session_.out << "---\n" << message.status();
    if (!message.status().ends_with('\n')) session_.out << '\n';
    session_.out.flush();
  }
  void Note(const std::string& text) override { session_.err << text << std::endl; }
  void End(const pb::Outcome& outcome) override {
    Note(outcome.message().empty() ? outcome.result()
                                   : outcome.result() + ": " + Printable(outcome.message()));
  }

 private:
  Session& session_;
};

class JsonRenderer : public Renderer {
 public:
  explicit JsonRenderer(Session& session) : session_(session) {}
  void Show(const pb::HostStatusState& message) override {
    session_.out << ToJson(message, false) << std::endl;
  }
  void Note(const std::string& text) override { session_.err << text << std::endl; }
  void End(const pb::Outcome& /*outcome*/) override {}  // it is in the last message

 private:
  Session& session_;
};

}  // namespace

std::unique_ptr<Renderer> MakeRenderer(Session& session, SteadyClock now) {
  switch (session.format) {
    case OutputFormat::kYaml:
      return std::make_unique<YamlRenderer>(session);
    case OutputFormat::kJson:
      return std::make_unique<JsonRenderer>(session);
    case OutputFormat::kText:
      break;
  }
  return std::make_unique<TextRenderer>(session, std::move(now));
}

}  // namespace trident::client
