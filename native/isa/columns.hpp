// Coordinate descent on a small symmetric system, once per instruction-set level.
#pragma once

#include "isa.hpp"

namespace penchant {

// Minimises ½ wᵀMw − cᵀw + l1 |w|₁ + ½ l2 |w|², where the residual is r = c − Mw.
struct System {
  const float* M;        // [n, width], columns beyond n are 0
  const float* inverse;  // 1 / (M_ii + l2), 0 where that is 0
  int n, width;          // width is a multiple of 16
  float l1;
  bool positive;  // only w >= 0
};

struct ColumnLoops {
  // Rounds over all coordinates in order, w and r in place; true once one moves none by more than
  // the tolerance, false after `most`.
  bool (*descend)(const System& system, float tolerance, int most, float* w, float* r);

  // to[0..width) -= factor · from[0..width); width is a multiple of 16. Both give the same bytes.
  void (*subtract)(float* to, const float* from, float factor, std::int64_t width);
  void (*subtract_counts)(float* to, const std::uint16_t* from, float factor, std::int64_t width);
};

extern const ColumnLoops columns_baseline;
#if defined(__x86_64__)
extern const ColumnLoops columns_avx2;
extern const ColumnLoops columns_avx512;
#endif

inline const ColumnLoops& column_loops() {  // of the level in use
#if defined(__x86_64__)
  if (&level() == &level_avx512) return columns_avx512;
  if (&level() == &level_avx2) return columns_avx2;
#endif
  return columns_baseline;
}

}  // namespace penchant
