// An array for random reading: on huge pages where the system has them, so that addresses are found
// quickly.
#pragma once

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace penchant {

template <class T>
class Huge {
 public:
  Huge() = default;
  explicit Huge(std::size_t size) { resize(size); }  // zeros
  Huge(Huge&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Huge(const Huge&) = delete;
  Huge& operator=(const Huge&) = delete;
  ~Huge() { std::free(data_); }

  void resize(std::size_t size) {
    renew(size);
    if (size) std::memset(static_cast<void*>(data_), 0, size * sizeof(T));
  }

  void renew(std::size_t size) {  // holds anything
    constexpr std::size_t PAGE = std::size_t{2} << 20;
    const std::size_t bytes = (size * sizeof(T) + PAGE - 1) / PAGE * PAGE;
    std::free(data_);
    size_ = size;
    data_ = size ? static_cast<T*>(std::aligned_alloc(PAGE, bytes)) : nullptr;
    if (size && data_ == nullptr) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
    if (size) madvise(data_, bytes, MADV_HUGEPAGE);
#endif
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t at) { return data_[at]; }
  const T& operator[](std::size_t at) const { return data_[at]; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace penchant
