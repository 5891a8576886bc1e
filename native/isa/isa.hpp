// The inner loops that exist once per instruction-set level, and which level is in use.
#pragma once

#include <cstdint>

namespace penchant {

constexpr int PANEL = 64;    // items scored at once
constexpr int GROUP = 6;     // queries scored at once
constexpr int LANES = 16;    // floats of one vector at every level: one order of summation everywhere
constexpr int ROWS = 32;     // item vectors of a normal matrix summed at once

struct SgdRates {
  float rate, mean;
  const float *user_factors, *item_factors, *user_bias, *item_bias;  // damping per row
  bool factors, biases;                                              // what is trained
};

struct SgdSides {
  float *P, *Q, *user_bias, *item_bias;
  int d;
};

struct Level {
  const char* name;

  // out[q][0..64) = start[0..64) + Σ_k queries[q][k] · panel[k][0..64), k in order.
  void (*score)(const float* queries, int n_queries, int d, const float* panel, const float* start,
                float* out);

  // Bits of the scores that are at least the threshold.
  std::uint64_t (*at_least)(const float* scores, float threshold);

  // rows[e] = items[ids[e]] (d of width components, the others stay 0), weighted[e] = w_e rows[e] unless
  // weights is null, right += Σ_e w_e t_e rows[e]; width is a multiple of 16.
  void (*gather)(const float* items, int d, int width, const std::int32_t* ids, const float* weights,
                 const float* targets, int n, float* rows, float* weighted, double* right);

  // normal[i][j] += Σ_r weighted[r][i] · rows[r][j] for j from the tile of 16 that holds i.
  void (*normal)(const float* rows, const float* weighted, int n, int width, float* normal);

  // Solves A x = b for symmetric positive A [d, width], upper half given; A and b are used up. False if
  // a pivot is not positive.
  bool (*solve)(double* A, int d, int width, double* b, double* x);

  // One pass over ratings (positions in order) in place; returns the sum of squared errors before each step.
  double (*sgd)(const std::int64_t* order, std::int64_t n, const std::int32_t* users,
                const std::int32_t* items, const float* targets, SgdSides sides, SgdRates rates);
};

extern const Level level_baseline;
#if defined(__x86_64__)
extern const Level level_avx2;
extern const Level level_avx512;
#endif

const Level& level();                    // the one in use
bool choose_level(const char* name);     // false: unknown here or not supported by this processor
}  // namespace penchant
