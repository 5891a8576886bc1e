// The inner loops of BPR that exist once per instruction-set level; the level is the one in
// isa.hpp.
#pragma once

#include <cstdint>

#include "isa.hpp"

namespace penchant {

struct PairSides {
  float *P, *Q, *bias;
  int d;
};

struct PairRates {
  float rate, reg, reg_bias;
};

struct PairCount {
  std::int64_t ordered, all;  // pairs whose liked item was ahead before its step, and all pairs
};

struct PairLevel {
  // One pass over n pairs (user, liked, other; other -1 is passed over), in place.
  PairCount (*sgd)(const std::int32_t* pairs, std::int64_t n, PairSides sides, PairRates rates);

  // out[r] = start[r] + rows[r] · p; width is a multiple of 16.
  void (*dots)(const double* rows, int n, int width, const double* p, const double* start,
               double* out);

  // With g_j = σ(-sign (above - scores[j])) and w_j = share[j] g_j (1 - g_j): pull[j] += sign
  // share[j] g_j, bends[j] += w_j; the sums of both into pulled and bent. m is a multiple of 8.
  void (*margins)(double above, double sign, const double* scores, const double* share, int m,
                  double* pull, double* bends, double* pulled, double* bent);

  // A[i][j] += Σ_r left[r][i] · right[r][j] for all j from the 16 that hold i; A is [width, width].
  void (*outer)(const double* left, const double* right, int n, int width, double* A);
};

extern const PairLevel pairs_baseline;
#if defined(__x86_64__)
extern const PairLevel pairs_avx2;
extern const PairLevel pairs_avx512;
#endif

inline const PairLevel& pair_level() {
#if defined(__x86_64__)
  if (&level() == &level_avx512) return pairs_avx512;
  if (&level() == &level_avx2) return pairs_avx2;
#endif
  return pairs_baseline;
}

}  // namespace penchant
