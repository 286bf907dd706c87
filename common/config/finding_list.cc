#include "common/config/finding_list.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/base/strings.h"

namespace trident {
namespace {

// Nobody reads more, and a hostile document has one for each of its values.
constexpr size_t kMaxFindings = 500;

// storage.disks[0].id -> storage.disks[0] -> storage.disks -> storage -> ""
std::string_view ParentOf(std::string_view path) {
  const size_t end = path.find_last_of(".[");
  return path.substr(0, end == std::string_view::npos ? 0 : end);
}

}  // namespace

void FindingList::Push(Finding finding) {
  ++count_;
  if (findings_.size() < kMaxFindings) findings_.push_back(std::move(finding));
}

void FindingList::Append(std::vector<Finding> findings) {
  for (Finding& finding : findings) {
    Push(std::move(finding));
  }
}

void FindingList::Locate(const std::string& path, uint32_t line, uint32_t column) {
  positions_[path] = {line, column};
}

void FindingList::Fail(const std::string& path, uint32_t line, uint32_t column, std::string reason,
                       std::string remedy) {
  failed_.insert(path);
  Push({path, line, column, std::move(reason), std::move(remedy)});
}

void FindingList::FailKey(const std::string& path, uint32_t line, uint32_t column,
                          std::string reason, std::string remedy) {
  Push({path, line, column, std::move(reason), std::move(remedy)});
}

void FindingList::Add(const std::string& path, std::string reason, std::string remedy) {
  if (HasAtOrAbove(failed_, path)) return;
  Finding finding{path, 0, 0, std::move(reason), std::move(remedy)};
  for (std::string_view place = path;; place = ParentOf(place)) {
    if (const auto found = positions_.find(place); found != positions_.end()) {
      finding.line = found->second.line;
      finding.column = found->second.column;
      break;
    }
    if (place.empty()) break;
  }
  Push(std::move(finding));
}

bool FindingList::Failed(std::string_view path) const {
  return HasAtOrAbove(failed_, path) || HasBelow(failed_, path);
}

bool FindingList::IsIncomplete(std::string_view path) const {
  return HasAtOrAbove(unread_, path) || HasBelow(unread_, path);
}

bool FindingList::KnowsAll(const std::string& list, size_t count, std::string_view field) const {
  if (IsIncomplete(list)) return false;
  for (size_t i = 0; i < count; ++i) {
    if (Failed(StrCat(list, "[", i, "].", field))) return false;
  }
  return true;
}

bool FindingList::HasAtOrAbove(const Places& places, std::string_view path) {
  // The document as a whole has its own way to fail: without a model there is no validation.
  for (std::string_view place = path; !place.empty(); place = ParentOf(place)) {
    if (places.contains(place)) return true;
  }
  return false;
}

bool FindingList::HasBelow(const Places& places, std::string_view path) {
  const auto below = places.lower_bound(path);
  for (auto next = below; next != places.end() && next->starts_with(path); ++next) {
    if (next->size() > path.size() &&
        ((*next)[path.size()] == '.' || (*next)[path.size()] == '[')) {
      return true;
    }
  }
  return false;
}

std::vector<Finding> FindingList::Sorted() const {
  std::vector<Finding> sorted = findings_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  return sorted;
}

absl::Status FindingList::ToStatus(std::string_view subkind, std::string_view document) const {
  if (empty()) return absl::OkStatus();
  ErrorDetail detail;
  detail.kind = "invalid-input";
  detail.subkind = subkind;
  detail.findings = Sorted();
  const Finding& first = detail.findings.front();
  detail.message = StrCat("The ", document, " is refused: ");
  if (first.line != 0) {
    StrAppend(&detail.message, "line ", first.line, ", column ", first.column, ": ");
  }
  if (!first.path.empty()) StrAppend(&detail.message, first.path, ": ");
  StrAppend(&detail.message, first.reason);
  if (count_ > 1) {
    StrAppend(&detail.message, " (and ", count_ - 1,
              count_ == 2 ? " more finding)" : " more findings)");
  }
  detail.remedy = first.remedy;
  return MakeError(absl::StatusCode::kInvalidArgument, std::move(detail));
}

}  // namespace trident
