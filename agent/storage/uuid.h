// UUIDs that come out the same every time.
#ifndef TRIDENT_AGENT_STORAGE_UUID_H_
#define TRIDENT_AGENT_STORAGE_UUID_H_

#include <string>

namespace trident {

// RFC 4122 version 5 (SHA-1 of namespace and name), lower-case text. A `space` that is not the text
// of a UUID is first made into one, so that any text, such as a job's id, can be a namespace. A
// step that runs twice thus gives its partitions the same ids.
std::string DeriveUuid(const std::string& space, const std::string& name);

// Text of a UUID: 8-4-4-4-12 hex digits, any case.
bool IsUuid(const std::string& text);

// Serial number of a FAT volume that stands for `uuid`: its first eight hex digits in upper case,
// as `mkfs.vfat -i` wants it. libblkid shows "12345678" as "1234-5678": see FatSerialAsShown.
std::string FatSerialOf(const std::string& uuid);
std::string FatSerialAsShown(const std::string& serial);

}  // namespace trident

#endif  // TRIDENT_AGENT_STORAGE_UUID_H_
