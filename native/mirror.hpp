// The lower half of a square matrix into both halves.
#pragma once

#include <algorithm>

#include "kernels.hpp"

namespace penchant {

// A[i][j] and A[j][i] become finish(A[i][j]) for j <= i, by blocks that stay in cache.
template <class T, class Finish>
bool mirror(T* A, i64 n, const Run& run, Finish finish) {
  constexpr i64 SIDE = 32;
  return parallel((n + SIDE - 1) / SIDE, run, [&](i64 chunk, int) {
    const i64 first = chunk * SIDE, last = std::min(n, first + SIDE);
    for (i64 start = 0; start < last; start += SIDE)
      for (i64 i = first; i < last; ++i)
        for (i64 j = start; j < std::min(start + SIDE, i + 1); ++j)
          A[j * n + i] = A[i * n + j] = finish(A[i * n + j]);
  });
}

}  // namespace penchant
