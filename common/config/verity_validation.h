// The rules of verity devices and of overlays. Private to common/.
#ifndef TRIDENT_COMMON_CONFIG_VERITY_VALIDATION_H_
#define TRIDENT_COMMON_CONFIG_VERITY_VALIDATION_H_

#include <string>

#include "common/config/finding_list.h"
#include "common/config/host_configuration.h"
#include "common/config/storage_index.h"

namespace trident {

// `path` is the place of `storage` in the document, `index` was made from it.
void ValidateVerity(const Storage& storage, const std::string& path, const StorageIndex& index,
                    FindingList& findings);

void ValidateOverlays(const Storage& storage, const std::string& path, const StorageIndex& index,
                      FindingList& findings);

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_VERITY_VALIDATION_H_
