#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/host/files.h"
#include "common/base/error.h"

namespace trident {

absl::Status RemoveTree(Files& files, const std::string& path) {
  const absl::StatusOr<FileFacts> facts = files.Facts(path);
  if (absl::IsNotFound(facts.status())) return absl::OkStatus();
  if (!facts.ok()) return facts.status();
  if (facts->type == FileFacts::Type::kDirectory) {
    TRIDENT_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(path));
    for (const std::string& name : names) {
      TRIDENT_RETURN_IF_ERROR(RemoveTree(files, absl::StrCat(path, "/", name)));
    }
  }
  return files.Remove(path);
}

}  // namespace trident
