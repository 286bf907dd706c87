// Collects why there is no plan, so that all reasons are told and not just the first.
#ifndef TRIDENT_AGENT_SERVICING_REFUSALS_H_
#define TRIDENT_AGENT_SERVICING_REFUSALS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/base/error.h"

namespace trident {

class Refusals {
 public:
  // Something that this version does not do: UNIMPLEMENTED, kind "unsupported".
  void Unsupported(std::string path, std::string reason, std::string remedy);
  // The world is not as it would have to be: FAILED_PRECONDITION, with this kind and subkind.
  void Precondition(std::string_view kind, std::string_view subkind, std::string path,
                    std::string reason, std::string remedy);
  // Something could not be observed. Keeps kind, subkind, causes and whether it may be retried.
  void Failed(std::string path, const absl::Status& status);

  bool empty() const { return findings_.empty(); }

  // One status of everything that was collected; its kind is that of the first refusal that is no
  // "unsupported", if any. OK when empty.
  absl::Status ToStatus() const;

 private:
  void Add(absl::StatusCode code, ErrorDetail detail, Finding finding);

  std::vector<Finding> findings_;
  absl::StatusCode code_ = absl::StatusCode::kOk;
  ErrorDetail first_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_REFUSALS_H_
