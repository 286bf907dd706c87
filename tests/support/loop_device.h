// A loop device over a sparse file. Needs root.
#ifndef TRIDENT_TESTS_SUPPORT_LOOP_DEVICE_H_
#define TRIDENT_TESTS_SUPPORT_LOOP_DEVICE_H_

#include <cstdint>
#include <string>

namespace trident::test {

class LoopDevice {
 public:
  // Makes the file `path` with `size` bytes. Throws std::runtime_error, also when not root.
  LoopDevice(const std::string& path, uint64_t size, uint32_t sector_size = 512);
  // Detached when nothing uses it any more.
  ~LoopDevice();
  LoopDevice(const LoopDevice&) = delete;
  LoopDevice& operator=(const LoopDevice&) = delete;

  const std::string& path() const { return path_; }  // /dev/loop3

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace trident::test

#endif  // TRIDENT_TESTS_SUPPORT_LOOP_DEVICE_H_
