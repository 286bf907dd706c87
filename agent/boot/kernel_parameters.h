// Parameters that a kernel command line is to have. Linux, kernel-parameters.rst.
#ifndef TRIDENT_AGENT_BOOT_KERNEL_PARAMETERS_H_
#define TRIDENT_AGENT_BOOT_KERNEL_PARAMETERS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trident {

struct KernelParameters {
  std::vector<std::pair<std::string, std::string>> set;       // whatever else has the name goes
  std::vector<std::pair<std::string, std::string>> defaults;  // only where nothing has the name
  std::vector<std::string> removed;                           // names

  bool empty() const { return set.empty() && defaults.empty() && removed.empty(); }
};

// A parameter with this name is on the line, with or without a value.
bool HasKernelParameter(std::string_view line, std::string_view name);
// One with this name has this value.
bool HasKernelParameter(std::string_view line, std::string_view name, std::string_view value);

// The line without what is set or removed. Quotes are kept; the words stand one blank apart when
// something went. What follows "--" belongs to the first process and is left.
std::string WithoutKernelParameters(std::string_view line, const KernelParameters& parameters);

// The line with `defaults` and what is set at its end, or before "--". `defaults` are taken as
// given: the caller knows whether another line has them.
std::string WithKernelParameters(std::string_view line, const KernelParameters& parameters,
                                 const std::vector<std::pair<std::string, std::string>>& defaults);

}  // namespace trident

#endif  // TRIDENT_AGENT_BOOT_KERNEL_PARAMETERS_H_
