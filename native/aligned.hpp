// A vector that begins on a cache line, so that no load of a register touches two.
#pragma once

#include <cstdlib>
#include <new>
#include <vector>

namespace penchant {

template <class T>
struct OnLines {
  using value_type = T;
  static constexpr std::size_t LINE = 64;

  OnLines() = default;
  template <class U>
  OnLines(const OnLines<U>&) {}

  T* allocate(std::size_t n) {
    const std::size_t bytes = (n * sizeof(T) + LINE - 1) / LINE * LINE;
    if (void* at = std::aligned_alloc(LINE, bytes ? bytes : LINE)) return static_cast<T*>(at);
    throw std::bad_alloc();
  }
  void deallocate(T* at, std::size_t) { std::free(at); }

  bool operator==(const OnLines&) const { return true; }
  bool operator!=(const OnLines&) const { return false; }
};

template <class T>
using Aligned = std::vector<T, OnLines<T>>;

}  // namespace penchant
