// Images in local files.
#ifndef TRIDENT_AGENT_IMAGING_FILE_SOURCE_H_
#define TRIDENT_AGENT_IMAGING_FILE_SOURCE_H_

#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/imaging/image_source.h"

namespace trident {

// An open regular file.
class ImageFile {
 public:
  // NOT_FOUND, PERMISSION_DENIED, INVALID_ARGUMENT (not a regular file).
  static absl::StatusOr<ImageFile> Open(const ImageUrl& url);
  ~ImageFile();
  ImageFile(ImageFile&& other) noexcept;
  ImageFile& operator=(ImageFile&&) = delete;
  ImageFile(const ImageFile&) = delete;
  ImageFile& operator=(const ImageFile&) = delete;

  int descriptor() const { return descriptor_; }
  uint64_t size() const { return size_; }
  // Changes whenever the file is written: modification time and size as text.
  const std::string& validator() const { return validator_; }
  // Reads until `data` is full or the file ends; returns how much.
  absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<uint8_t> data) const;

 private:
  ImageFile() = default;

  int descriptor_ = -1;
  uint64_t size_ = 0;
  std::string validator_;
  std::string printable_;
};

class FileSource : public ImageSource {
 public:
  explicit FileSource(ImageUrl url) : url_(std::move(url)) {}

  absl::Status Run(ChunkFeeder& feeder, StreamState& state) override;

 private:
  ImageUrl url_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_FILE_SOURCE_H_
