// What a kickstart says, as a Host Configuration.
#ifndef TRIDENT_COMMON_KICKSTART_TRANSLATOR_H_
#define TRIDENT_COMMON_KICKSTART_TRANSLATOR_H_

#include <string>

#include "common/config/host_configuration.h"
#include "common/kickstart/model.h"
#include "common/kickstart/problem.h"

namespace trident::kickstart {

// `whole`: the kickstart as a whole, for problems that have no line. When the list gets errors,
// what is returned is incomplete.
HostConfiguration TranslateModel(const Kickstart& kickstart, const Line& whole,
                                 ProblemList& problems);

}  // namespace trident::kickstart

#endif  // TRIDENT_COMMON_KICKSTART_TRANSLATOR_H_
