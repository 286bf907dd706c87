// Collects what is wrong with a document, and knows where everything stood. Private to common/.
#ifndef TRIDENT_COMMON_CONFIG_FINDING_LIST_H_
#define TRIDENT_COMMON_CONFIG_FINDING_LIST_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/base/error.h"

namespace trident {

class FindingList {
 public:
  // Findings of the YAML loader.
  void Append(std::vector<Finding> findings);

  // The reader: the value at `path` stands here.
  void Locate(const std::string& path, uint32_t line, uint32_t column);

  // The reader: the value at `path` is absent or wrong, so that the model has a default there.
  void Fail(const std::string& path, uint32_t line, uint32_t column, std::string reason,
            std::string remedy);

  // The reader: an unknown key, which may be a misspelt one; or something that is wrong beside a
  // value which was read all the same.
  void FailKey(const std::string& path, uint32_t line, uint32_t column, std::string reason,
               std::string remedy);

  // The validation: the value at `path`, which the reader took, breaks a rule. Not reported when
  // the reader refused the path or something above it: it would only be a consequence.
  void Add(const std::string& path, std::string reason, std::string remedy);

  // The reader refused something at, above or below `path`.
  bool Failed(std::string_view path) const;

  // The reader: a mapping, a list or an id at `path` was refused, or it has an unknown key.
  void NoteUnread(const std::string& path) { unread_.insert(path); }

  // There is such a place at, above or below `path`: what seems to be missing there in the model
  // may be in the document.
  bool IsIncomplete(std::string_view path) const;

  // The reader took all `count` elements of the list at `list`, and what each says in `field`: what
  // none of them names there, the document does not name there.
  bool KnowsAll(const std::string& list, size_t count, std::string_view field) const;

  bool empty() const { return count_ == 0; }

  // Findings in the order of the document.
  std::vector<Finding> Sorted() const;

  // OK without findings; else INVALID_ARGUMENT of kind "invalid-input" and `subkind`, with all
  // findings. `document` names the document in the message.
  absl::Status ToStatus(std::string_view subkind, std::string_view document) const;

 private:
  struct Position {
    uint32_t line = 0;
    uint32_t column = 0;
  };

  using Places = std::set<std::string, std::less<>>;

  void Push(Finding finding);
  static bool HasAtOrAbove(const Places& places, std::string_view path);
  static bool HasBelow(const Places& places, std::string_view path);

  std::map<std::string, Position, std::less<>> positions_;
  Places failed_;
  Places unread_;
  size_t count_ = 0;  // also of those that were not kept
  std::vector<Finding> findings_;
};

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_FINDING_LIST_H_
