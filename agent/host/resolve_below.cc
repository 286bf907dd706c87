#include <deque>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/host/files.h"
#include "common/base/error.h"

namespace trident {
namespace {

// As the kernel, path_resolution(7).
constexpr int kMostLinks = 40;

std::deque<std::string> Components(const std::string& path) {
  return absl::StrSplit(path, '/', absl::SkipEmpty());
}

}  // namespace

absl::StatusOr<std::string> ResolveBelow(const Files& files, const std::string& root,
                                         const std::string& path) {
  std::string prefix = root;
  while (!prefix.empty() && prefix.back() == '/') prefix.pop_back();
  std::deque<std::string> todo = Components(path);
  std::string inner;  // what is resolved, without the root: "" or "/a/b"
  int links = 0;
  bool missing = false;  // nothing below something that is not there can be a link
  while (!todo.empty()) {
    const std::string component = todo.front();
    todo.pop_front();
    if (component == ".") continue;
    if (component == "..") {
      inner.erase(inner.empty() ? 0 : inner.rfind('/'));
      // Back on ground where there may be links again.
      missing = false;
      continue;
    }
    const std::string next = absl::StrCat(inner, "/", component);
    if (!missing) {
      const auto target = files.ReadLink(prefix + next);
      if (target.ok()) {
        if (++links > kMostLinks) {
          return MakeError(
              absl::StatusCode::kInvalidArgument, "environment", "too-many-links",
              absl::StrCat("cannot resolve ", path, " below ", root, ": too many symbolic links"));
        }
        const std::deque<std::string> components = Components(*target);
        todo.insert(todo.begin(), components.begin(), components.end());
        if (target->starts_with("/")) inner.clear();
        continue;
      }
      if (absl::IsNotFound(target.status())) {
        missing = true;
      } else if (!absl::IsInvalidArgument(target.status())) {
        return Annotate(target.status(), absl::StrCat("cannot resolve ", path, " below ", root));
      }
    }
    inner = next;
  }
  if (inner.empty()) return prefix.empty() ? "/" : prefix;
  return prefix + inner;
}

}  // namespace trident
