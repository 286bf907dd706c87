#include "common/base/error.h"

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace trident {
namespace {

constexpr char kPayloadType[] = "trident/ErrorDetail";

absl::StatusCode CodeOfErrno(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return absl::StatusCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return absl::StatusCode::kResourceExhausted;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case EBUSY:
    case ETXTBSY:
      return absl::StatusCode::kFailedPrecondition;
    case EINVAL:
    case ENAMETOOLONG:
      return absl::StatusCode::kInvalidArgument;
    case ETIMEDOUT:
      return absl::StatusCode::kDeadlineExceeded;
    case ECONNREFUSED:
    case ECONNRESET:
    case ENETUNREACH:
    case EHOSTUNREACH:
      return absl::StatusCode::kUnavailable;
    case EIO:
      return absl::StatusCode::kDataLoss;
    case ENOSYS:
    case EOPNOTSUPP:
      return absl::StatusCode::kUnimplemented;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, ErrorDetail detail) {
  absl::Status status(code, detail.message);
  status.SetPayload(kPayloadType, absl::Cord(ErrorDetailToJson(detail)));
  return status;
}

absl::Status MakeError(absl::StatusCode code, std::string_view kind, std::string_view subkind,
                       std::string message, std::string remedy) {
  ErrorDetail detail;
  detail.kind = kind;
  detail.subkind = subkind;
  detail.message = std::move(message);
  detail.remedy = std::move(remedy);
  return MakeError(code, std::move(detail));
}

ErrorDetail GetErrorDetail(const absl::Status& status) {
  if (status.ok()) return {};
  if (const auto payload = status.GetPayload(kPayloadType)) {
    if (auto detail = ErrorDetailFromJson(std::string(*payload)); detail.ok()) {
      return *std::move(detail);
    }
  }
  ErrorDetail detail;
  detail.kind = "internal";
  detail.subkind = "unclassified";
  detail.message = std::string(status.message());
  return detail;
}

absl::Status Annotate(const absl::Status& status, std::string_view attempt) {
  if (status.ok()) return status;
  ErrorDetail detail = GetErrorDetail(status);
  detail.causes.insert(detail.causes.begin(), detail.message);
  detail.message = absl::StrCat(std::string(attempt), ": ", detail.message);
  return MakeError(status.code(), std::move(detail));
}

absl::Status ErrnoError(int error_number, std::string_view kind, std::string_view subkind,
                        std::string_view attempt) {
  ErrorDetail detail;
  detail.kind = kind;
  detail.subkind = subkind;
  const std::string reason = std::system_category().message(error_number);
  detail.message = absl::StrCat(std::string(attempt), ": ", reason);
  detail.causes.push_back(reason);
  return MakeError(CodeOfErrno(error_number), std::move(detail));
}

std::string ErrorDetailToJson(const ErrorDetail& detail) {
  nlohmann::json json = {{"kind", detail.kind},       {"subkind", detail.subkind},
                         {"message", detail.message}, {"causes", detail.causes},
                         {"remedy", detail.remedy},   {"retryable", detail.retryable}};
  auto& findings = json["findings"] = nlohmann::json::array();
  for (const Finding& finding : detail.findings) {
    findings.push_back({{"path", finding.path},
                        {"line", finding.line},
                        {"column", finding.column},
                        {"reason", finding.reason},
                        {"remedy", finding.remedy}});
  }
  // Messages may quote bytes of a document or of a tool's output that are not UTF-8.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

absl::StatusOr<ErrorDetail> ErrorDetailFromJson(std::string_view text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::InvalidArgumentError("not an error detail");
  const auto text_of = [](const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const auto number_of = [](const nlohmann::json& object, const char* key) -> uint32_t {
    const auto found = object.find(key);
    return found != object.end() && found->is_number_unsigned() ? found->get<uint32_t>() : 0;
  };
  ErrorDetail detail;
  detail.kind = text_of(json, "kind");
  detail.subkind = text_of(json, "subkind");
  detail.message = text_of(json, "message");
  detail.remedy = text_of(json, "remedy");
  const auto retryable = json.find("retryable");
  detail.retryable = retryable != json.end() && retryable->is_boolean() && retryable->get<bool>();
  if (const auto causes = json.find("causes"); causes != json.end() && causes->is_array()) {
    for (const auto& cause : *causes) {
      if (cause.is_string()) detail.causes.push_back(cause.get<std::string>());
    }
  }
  if (const auto findings = json.find("findings"); findings != json.end() && findings->is_array()) {
    for (const auto& item : *findings) {
      if (!item.is_object()) continue;
      detail.findings.push_back({text_of(item, "path"), number_of(item, "line"),
                                 number_of(item, "column"), text_of(item, "reason"),
                                 text_of(item, "remedy")});
    }
  }
  return detail;
}

}  // namespace trident
