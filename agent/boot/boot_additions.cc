#include "agent/boot/boot_additions.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/boot/loader_entry.h"
#include "agent/boot/text.h"

namespace trident {
namespace {

constexpr std::string_view kInitrd = "initrd";
constexpr std::string_view kOptions = "options";

// Key and value of a line; an empty key for blank lines and comments.
std::pair<std::string_view, std::string_view> SplitLine(std::string_view line) {
  line = Trim(line);
  if (line.empty() || line[0] == '#') return {};
  const size_t blank = line.find_first_of(" \t");
  if (blank == std::string_view::npos) return {line, {}};
  return {line.substr(0, blank), TrimLeft(line.substr(blank))};
}

std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : Split(text, '\n')) lines.emplace_back(line);
  return lines;
}

std::string Line(std::string_view key, std::string_view value) {
  std::string line(key);
  line += ' ';
  line += value;
  return line;
}

// Where a new line can be put: before the line breaks at the end.
std::vector<std::string>::iterator End(std::vector<std::string>& lines) {
  auto end = lines.end();
  while (end != lines.begin() && std::prev(end)->empty()) --end;
  return end;
}

// All of it is there: what stands behind it, such as options of the document, is not overtaken.
bool HasParameters(const std::vector<std::string>& lines, const KernelParameters& parameters) {
  std::string all;
  for (const std::string& line : lines) {
    const auto [key, value] = SplitLine(line);
    if (key == kOptions) all = Line(all, value);
  }
  const auto has = [&](const std::string& name) { return HasKernelParameter(all, name); };
  return std::all_of(parameters.set.begin(), parameters.set.end(),
                     [&](const auto& parameter) {
                       return HasKernelParameter(all, parameter.first, parameter.second);
                     }) &&
         std::all_of(parameters.defaults.begin(), parameters.defaults.end(),
                     [&](const auto& parameter) { return has(parameter.first); }) &&
         std::none_of(parameters.removed.begin(), parameters.removed.end(), has);
}

void AddParameters(std::vector<std::string>& lines, const KernelParameters& parameters) {
  if (HasParameters(lines, parameters)) return;
  std::vector<std::pair<std::string, std::string>> defaults = parameters.defaults;
  size_t last = lines.size();
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto [key, value] = SplitLine(lines[i]);
    if (key != kOptions) continue;
    last = i;
    std::erase_if(defaults, [&, line = value](const auto& parameter) {
      return HasKernelParameter(line, parameter.first);
    });
    const std::string without = WithoutKernelParameters(value, parameters);
    if (without != value) lines[i] = Line(kOptions, without);
  }
  if (last == lines.size()) {
    last = static_cast<size_t>(std::distance(lines.begin(), lines.insert(End(lines), "options ")));
  }
  const std::string with =
      WithKernelParameters(SplitLine(lines[last]).second, parameters, defaults);
  if (with != SplitLine(lines[last]).second) lines[last] = Line(kOptions, with);
}

void AddInitrd(std::vector<std::string>& lines, const std::string& path) {
  const std::string line = Line(kInitrd, path);
  const auto is_initrd = [](const std::string& one) { return SplitLine(one).first == kInitrd; };
  const auto first = std::find_if(lines.begin(), lines.end(), is_initrd);
  if (first != lines.end() && *first == line) return;
  const auto place = first == lines.end() ? End(lines) : first;
  lines.insert(place, line);
}

}  // namespace

std::string AddToLoaderEntry(std::string_view text, const BootAdditions& additions) {
  if (additions.empty() || ReadLoaderEntry(text).linux_path.empty()) return std::string(text);
  std::vector<std::string> lines = Lines(text);
  if (!additions.parameters.empty()) AddParameters(lines, additions.parameters);
  if (!additions.first_initrd.empty()) AddInitrd(lines, additions.first_initrd);
  std::string joined;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) joined += '\n';
    joined += lines[i];
  }
  return joined;
}

}  // namespace trident
