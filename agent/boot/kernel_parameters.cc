#include "agent/boot/kernel_parameters.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace trident {
namespace {

constexpr std::string_view kEndOfParameters = "--";

// Words as lib/cmdline.c of Linux takes them: a double quote keeps blanks together.
std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  size_t at = 0;
  while (at < line.size()) {
    if (absl::ascii_isspace(static_cast<unsigned char>(line[at]))) {
      ++at;
      continue;
    }
    const size_t begin = at;
    bool quoted = false;
    while (at < line.size() &&
           (quoted || !absl::ascii_isspace(static_cast<unsigned char>(line[at])))) {
      if (line[at] == '"') quoted = !quoted;
      ++at;
    }
    words.push_back(line.substr(begin, at - begin));
  }
  return words;
}

std::string_view NameOf(std::string_view word) {
  if (!word.empty() && word[0] == '"') word.remove_prefix(1);
  return word.substr(0, word.find('='));
}

bool IsNamed(std::string_view word, const KernelParameters& parameters) {
  const std::string_view name = NameOf(word);
  return std::any_of(parameters.set.begin(), parameters.set.end(),
                     [&](const auto& parameter) { return parameter.first == name; }) ||
         std::find(parameters.removed.begin(), parameters.removed.end(), name) !=
             parameters.removed.end();
}

std::string Join(const std::vector<std::string_view>& words) {
  std::string line;
  for (const std::string_view word : words) {
    if (!line.empty()) line += ' ';
    line += word;
  }
  return line;
}

}  // namespace

bool HasKernelParameter(std::string_view line, std::string_view name) {
  for (const std::string_view word : Words(line)) {
    if (word == kEndOfParameters) return false;
    if (NameOf(word) == name) return true;
  }
  return false;
}

bool HasKernelParameter(std::string_view line, std::string_view name, std::string_view value) {
  std::string wanted(name);
  wanted += '=';
  wanted += value;
  for (const std::string_view word : Words(line)) {
    if (word == kEndOfParameters) return false;
    if (word == wanted) return true;
  }
  return false;
}

std::string WithoutKernelParameters(std::string_view line, const KernelParameters& parameters) {
  std::vector<std::string_view> kept;
  bool changed = false;
  bool of_the_kernel = true;
  for (const std::string_view word : Words(line)) {
    if (word == kEndOfParameters) of_the_kernel = false;
    if (of_the_kernel && IsNamed(word, parameters)) {
      changed = true;
    } else {
      kept.push_back(word);
    }
  }
  return changed ? Join(kept) : std::string(line);
}

std::string WithKernelParameters(std::string_view line, const KernelParameters& parameters,
                                 const std::vector<std::pair<std::string, std::string>>& defaults) {
  std::vector<std::string> added;
  // What is set goes last: it stays where it is when all this is done once more.
  for (const auto* list : {&defaults, &parameters.set}) {
    for (const auto& [name, value] : *list) added.push_back(absl::StrCat(name, "=", value));
  }
  if (added.empty()) return std::string(line);
  std::vector<std::string_view> words = Words(line);
  const auto end = std::find(words.begin(), words.end(), kEndOfParameters);
  words.insert(end, added.begin(), added.end());
  return Join(words);
}

}  // namespace trident
