// The inner loops that exist once per instruction-set level, and which level is in use.
#pragma once

#include <cstdint>

namespace penchant {

constexpr int PANEL = 64;  // items scored at once
constexpr int GROUP = 6;   // queries scored at once
constexpr int LANES = 16;  // floats of one vector at every level: one order of summation everywhere
constexpr int EARLY = 32;  // vectors on their way from memory while others are in work
constexpr int ROWS = 64;   // item vectors of a normal matrix summed at once
constexpr int MOST_WIDE = 1024;  // components of a vector at most

struct SgdRates {
  float rate, mean;
  const float *user_factors, *item_factors, *user_bias, *item_bias;  // damping per row
  bool factors, biases;                                              // what is trained
};

struct SgdSides {
  float *P, *Q, *user_bias, *item_bias;
  int d;
};

// Vectors items[ids[0 .. n)] of d components that are wanted next: they are asked for from memory
// while others are in work.
struct Soon {
  const float* items;
  int d;
  const std::int32_t* ids;
  int n;
};

// The vectors of one row, v = items[ids[e]], each as wide as a multiple of 16. Behind the n ids
// stand others up to a multiple of 16, and EARLY more that are wanted next.
struct Vectors {
  const float* items;
  const std::int32_t* ids;
  const float *weights, *targets;  // null: all ones
  std::int64_t n;
  float* copies;  // room for n rounded up to 16
};

// (G + Σ w v vᵀ + diag damping) x = Σ w t v of one row.
struct Equations {
  Vectors v;
  const float* damping;  // [width]
  float* x;              // [width], a start and then the answer
  float* scratch;        // [3, width]
  double loss;           // of the answer: Σ w (t − v · x)² + xᵀ(G + diag damping) x
};

struct Level {
  const char* name;

  // out[q][0..64) = start[0..64) + Σ_k queries[q][k] · panel[k][0..64), k in order.
  void (*score)(const float* queries, int n_queries, int d, const float* panel, const float* start,
                float* out);

  // The same, but only of queries with a score of an eligible column that reaches their threshold:
  // those columns' bits are left in `eligible` [n_queries], 0 elsewhere; out of other queries is
  // not written. True if any bit is left.
  bool (*score_above)(const float* queries, int n_queries, int d, const float* panel,
                      const float* start, const float* thresholds, std::uint64_t* eligible,
                      float* out);

  // Bits of the scores that are at least the threshold.
  std::uint64_t (*at_least)(const float* scores, float threshold);

  // rows[e] = items[ids[e]] (d of width components, the others stay 0), weighted[e] = w_e rows[e]
  // unless weights is null, right += Σ_e w_e t_e rows[e] (t = 1 where targets is null); width is a
  // multiple of 16. `ahead` more ids follow, whose vectors are asked for early.
  void (*gather)(const float* items, int d, int width, const std::int32_t* ids,
                 const float* weights, const float* targets, int n, std::int64_t ahead, float* rows,
                 float* weighted, double* right);

  // normal[i][j] = before[i][j] + Σ_r weighted[r][i] · rows[r][j] for j from the eight that hold i;
  // rows lie `stride` apart, both matrices are [width, width] and may be one. Of `soon`, which are
  // n at most, some are asked for with each row.
  void (*normal)(const float* rows, const float* weighted, int n, int stride, int width,
                 const float* before, float* normal, const Soon& soon);

  // Solves A x = b for symmetric positive A [d, width], upper half given; A and b are used up.
  // False if a pivot is not positive.
  bool (*solve)(double* A, int d, int width, double* b, double* x);

  // The same in float32, x holds b at first. False if a pivot lost most of its digits: A is too
  // badly conditioned for float32.
  bool (*solve_one)(float* A, int d, int width, float* x);

  // The same for 16 systems side by side, A lower half by rows [d(d+1)/2][16], x [d][16]: the bytes
  // of each answer are those of solve_one. Bits of the systems for which that is false.
  std::uint32_t (*solve_sixteen)(float* A, int d, float* x);

  // The upper halves of 16 normal matrices [16, width, width] into the lanes of A.
  void (*to_lanes)(const float* normals, int d, int width, float* A);

  // `steps` steps of conjugate gradient for one or two rows.
  void (*conjugate)(Equations* rows, int count, int width, const float* gram, int steps);

  // out[e] -= rows[e][0..width) · x, rows `stride` apart.
  void (*subtract_products)(const float* rows, std::int64_t n, int stride, int width,
                            const float* x, float* out);

  // to[k] += Σ_e factors[e] · rows[e][from + k] for k below size, in the order of e.
  void (*add_scaled)(const float* const* rows, const float* factors, int n, std::int64_t from,
                     std::int64_t size, float* to);

  // counts[c] = how many of n rows of bits have column c, for the first `strips` (16 at most)
  // strips of 512 columns; a row is `words` long, `nothing` a row of zeros.
  void (*count_columns)(const std::uint64_t* bits, std::int64_t words, const std::int32_t* rows,
                        std::int64_t n, int strips, const std::uint64_t* nothing,
                        std::int32_t* counts);

  // The columns j whose count c is above 0 and may reach min(mine, theirs[j]) · (plus + scale ·
  // sizes[j] − less · c); returns how many were found. What float32 might have rounded away is
  // found too.
  std::int64_t (*near_enough)(const std::int32_t* counts, std::int64_t n, const float* sizes,
                              float plus, float scale, float less, float mine, const float* theirs,
                              std::int32_t* found);

  // sums[columns[e]][0..8) += values[e] · weights[0..8), values 1 where null.
  void (*add_eight)(const std::int32_t* columns, const float* values, std::int64_t n,
                    const float* weights, float* sums);

  // One pass over n ratings in place; returns the sum of squared errors before each step.
  double (*sgd)(const std::int32_t* users, const std::int32_t* items, const float* targets,
                std::int64_t n, SgdSides sides, SgdRates rates);
};

extern const Level level_baseline;
#if defined(__x86_64__)
extern const Level level_avx2;
extern const Level level_avx512;
#endif

const Level& level();                 // the one in use
bool choose_level(const char* name);  // false: unknown here or not supported by this processor
}  // namespace penchant
