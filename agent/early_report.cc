#include "agent/early_report.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "agent/host/files.h"
#include "agent/reporting/reporting.h"
#include "common/base/error.h"

namespace trident {
namespace {

// Two messages to a server that lets each wait as long as it may.
constexpr auto kLimit = std::chrono::seconds(30);

}  // namespace

absl::StatusOr<AgentConfiguration> LoadAndReport(const AgentOptions& options) {
  absl::StatusOr<AgentConfiguration> configuration = LoadAgentConfiguration(options);
  if (configuration.ok()) return configuration;
  const absl::StatusOr<std::string> text = MakeLinuxFiles()->Read(options.config_path);
  if (!text.ok()) return configuration;
  if (const std::optional<std::string> url = PhonehomeUrlIn(*text)) {
    const std::unique_ptr<Phonehome> phonehome = MakePhonehome(*url);
    phonehome->Started("");
    phonehome->Failed(GetErrorDetail(configuration.status()), "");
    phonehome->Flush(kLimit);
  }
  return configuration;
}

void ReportWithoutJob(const AgentConfiguration& configuration, const absl::Status& outcome) {
  if (!configuration.phonehome) return;
  const std::unique_ptr<Phonehome> phonehome = MakePhonehome(*configuration.phonehome);
  if (outcome.ok()) {
    phonehome->Succeeded("");
  } else {
    phonehome->Failed(GetErrorDetail(outcome), "");
  }
  phonehome->Flush(kLimit);
}

}  // namespace trident
