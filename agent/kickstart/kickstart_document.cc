#include "agent/kickstart/kickstart_document.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/kickstart/port_files.h"
#include "common/base/error.h"
#include "common/config/document.h"

namespace trident {

absl::StatusOr<std::string> KickstartDocument(const std::optional<std::string>& text,
                                              const std::string& file, const Files& files,
                                              const kickstart::Options& options) {
  const PortFiles port(files);
  std::string content;
  if (text) {
    content = *text;
  } else {
    auto read = port.Read(file);
    TRIDENT_RETURN_IF_ERROR(Annotate(read.status(), absl::StrCat("read the kickstart ", file)));
    content = *std::move(read);
  }
  const kickstart::Translation translation = kickstart::Translate(content, file, port, options);
  if (translation.configuration) {
    for (const kickstart::Problem& warning : translation.problems) {
      spdlog::warn("{}", kickstart::FormatProblem(warning));
    }
    return WriteHostConfiguration(*translation.configuration);
  }
  ErrorDetail detail;
  detail.kind = "invalid-input";
  detail.subkind = "kickstart";
  detail.message = kickstart::ProblemsToJson(translation.problems);
  for (const kickstart::Problem& problem : translation.problems) {
    detail.causes.push_back(kickstart::FormatProblem(problem));
  }
  return MakeError(absl::StatusCode::kInvalidArgument, std::move(detail));
}

}  // namespace trident
