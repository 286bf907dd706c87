// A folder of one test, removed with it.
#ifndef TRIDENT_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_
#define TRIDENT_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_

#include <string>

namespace trident::test {

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& content);

}  // namespace trident::test

#endif  // TRIDENT_TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_
