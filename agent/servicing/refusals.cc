#include "agent/servicing/refusals.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace trident {

void Refusals::Add(absl::StatusCode code, ErrorDetail detail, Finding finding) {
  // A wrong world weighs more than a feature that is missing: it is what the operator can mend.
  const bool heavier = code_ == absl::StatusCode::kOk ||
                       (code_ == absl::StatusCode::kUnimplemented && code != code_);
  if (heavier) {
    code_ = code;
    first_ = std::move(detail);
    first_.message =
        finding.path.empty() ? finding.reason : absl::StrCat(finding.path, ": ", finding.reason);
    first_.remedy = finding.remedy;
  }
  findings_.push_back(std::move(finding));
}

void Refusals::Unsupported(std::string path, std::string reason, std::string remedy) {
  ErrorDetail detail;
  detail.kind = "unsupported";
  detail.subkind = "not-in-this-version";
  Add(absl::StatusCode::kUnimplemented, std::move(detail),
      {std::move(path), 0, 0, std::move(reason), std::move(remedy)});
}

void Refusals::Precondition(std::string_view kind, std::string_view subkind, std::string path,
                            std::string reason, std::string remedy) {
  ErrorDetail detail;
  detail.kind = kind;
  detail.subkind = subkind;
  Add(absl::StatusCode::kFailedPrecondition, std::move(detail),
      {std::move(path), 0, 0, std::move(reason), std::move(remedy)});
}

void Refusals::Failed(std::string path, const absl::Status& status) {
  ErrorDetail detail = GetErrorDetail(status);
  Finding finding{std::move(path), 0, 0, detail.message, detail.remedy};
  Add(absl::StatusCode::kFailedPrecondition, std::move(detail), std::move(finding));
}

absl::Status Refusals::ToStatus() const {
  if (findings_.empty()) return absl::OkStatus();
  ErrorDetail detail = first_;
  detail.findings = findings_;
  if (findings_.size() > 1) {
    detail.message = absl::StrCat(detail.message, " (and ", findings_.size() - 1, " more)");
  }
  return MakeError(code_, std::move(detail));
}

}  // namespace trident
