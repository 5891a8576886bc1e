// The inner loop of dense products, once per instruction-set level and dtype.
#pragma once

#include <cstdint>

#include "isa.hpp"

namespace penchant {

template <class T>
struct DenseTile {
  int rows, columns;  // of a tile that is summed in registers

  // c[i][j] -= Σ_k a[k][i] · b[k][j] over k = 0 .. n - 1 in order; rows of a, b and c are a_step,
  // b_step and c_step apart.
  void (*subtract)(std::int64_t n, const T* a, std::int64_t a_step, const T* b, std::int64_t b_step,
                   T* c, std::int64_t c_step);
};

struct Dense {
  DenseTile<float> floats;
  DenseTile<double> doubles;
};

extern const Dense dense_baseline;
#if defined(__x86_64__)
extern const Dense dense_avx2;
extern const Dense dense_avx512;
#endif

const Dense& dense();  // of the level in use
}  // namespace penchant
