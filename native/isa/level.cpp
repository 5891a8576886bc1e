// Inner loops as static functions on raw pointers, compiled once per level.
//
// No templates and no inline functions of the standard library here: the linker keeps one copy of
// such a function for the whole program, and it might be the one compiled for AVX-512. Where lanes do
// not meet, vectors are as wide as the registers of the level; where they are summed, 16 floats or 8
// doubles everywhere, so that every level adds in one order.
#include "isa.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace penchant {
namespace {

#define INLINE inline __attribute__((always_inline))

typedef float Floats __attribute__((vector_size(64), aligned(4), may_alias));
typedef double Doubles __attribute__((vector_size(64), aligned(8), may_alias));
typedef float EightFloats __attribute__((vector_size(32), aligned(4), may_alias));
typedef float FourFloats __attribute__((vector_size(16), aligned(4), may_alias));
constexpr int EIGHT = 8;  // doubles of one vector

// A register's worth of floats, and how much is summed at once so that all sums stay in registers.
#if defined(__AVX512F__)
constexpr int WIDTH = 16, SCORE_VECTORS = 4, NORMAL_ROWS = 16, NORMAL_VECTORS = 1;
#elif defined(__AVX2__)
constexpr int WIDTH = 8, SCORE_VECTORS = 2, NORMAL_ROWS = 4, NORMAL_VECTORS = 2;
#else
constexpr int WIDTH = 4, SCORE_VECTORS = 2, NORMAL_ROWS = 4, NORMAL_VECTORS = 2;
#endif
typedef float Register __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

INLINE Register load_register(const float* at) { return *reinterpret_cast<const Register*>(at); }
INLINE void store_register(float* at, Register value) { *reinterpret_cast<Register*>(at) = value; }
INLINE Floats load(const float* at) { return *reinterpret_cast<const Floats*>(at); }
INLINE void store(float* at, Floats value) { *reinterpret_cast<Floats*>(at) = value; }
INLINE Doubles load(const double* at) { return *reinterpret_cast<const Doubles*>(at); }
INLINE void store(double* at, Doubles value) { *reinterpret_cast<Doubles*>(at) = value; }
INLINE EightFloats load_eight(const float* at) { return *reinterpret_cast<const EightFloats*>(at); }
INLINE Doubles widened(const float* at) { return __builtin_convertvector(load_eight(at), Doubles); }

INLINE void score_group(const float* queries, const int n, int d, const float* panel,
                        const float* start, float* out) {
  for (int left = 0; left < PANEL; left += SCORE_VECTORS * WIDTH) {
    Register sums[GROUP][SCORE_VECTORS];
    for (int q = 0; q < n; ++q)
      for (int v = 0; v < SCORE_VECTORS; ++v) sums[q][v] = load_register(start + left + WIDTH * v);
    for (int k = 0; k < d; ++k) {
      const float* row = panel + static_cast<std::int64_t>(k) * PANEL + left;
      Register items[SCORE_VECTORS];
      for (int v = 0; v < SCORE_VECTORS; ++v) items[v] = load_register(row + WIDTH * v);
      for (int q = 0; q < n; ++q) {
        const float weight = queries[static_cast<std::int64_t>(q) * d + k];
        for (int v = 0; v < SCORE_VECTORS; ++v) sums[q][v] += weight * items[v];
      }
    }
    for (int q = 0; q < n; ++q)
      for (int v = 0; v < SCORE_VECTORS; ++v)
        store_register(out + q * PANEL + left + WIDTH * v, sums[q][v]);
  }
}

void score(const float* queries, int n, int d, const float* panel, const float* start, float* out) {
  switch (n) {  // a constant count keeps all sums in registers
    case 1: return score_group(queries, 1, d, panel, start, out);
    case 2: return score_group(queries, 2, d, panel, start, out);
    case 3: return score_group(queries, 3, d, panel, start, out);
    case 4: return score_group(queries, 4, d, panel, start, out);
    case 5: return score_group(queries, 5, d, panel, start, out);
    default: return score_group(queries, 6, d, panel, start, out);
  }
}

std::uint64_t at_least(const float* scores, float threshold) {
  std::uint64_t bits = 0;
  for (int i = 0; i < PANEL; i += WIDTH) {
#if defined(__AVX512F__)
    const std::uint64_t some =
        _mm512_cmp_ps_mask(_mm512_loadu_ps(scores + i), _mm512_set1_ps(threshold), _CMP_GE_OQ);
#elif defined(__AVX2__)
    const std::uint64_t some = static_cast<unsigned>(_mm256_movemask_ps(
        _mm256_cmp_ps(_mm256_loadu_ps(scores + i), _mm256_set1_ps(threshold), _CMP_GE_OQ)));
#elif defined(__x86_64__)
    const std::uint64_t some = static_cast<unsigned>(
        _mm_movemask_ps(_mm_cmpge_ps(_mm_loadu_ps(scores + i), _mm_set1_ps(threshold))));
#else
    std::uint64_t some = 0;
    for (int lane = 0; lane < WIDTH; ++lane)
      some |= static_cast<std::uint64_t>(scores[i + lane] >= threshold) << lane;
#endif
    bits |= some << i;
  }
  return bits;
}

void gather(const float* items, int d, int width, const std::int32_t* ids, const float* weights,
            const float* targets, int n, float* rows, float* weighted, double* right) {
  for (int e = 0; e < n; ++e) {
    const float* v = items + static_cast<std::int64_t>(ids[e]) * d;
    float* row = rows + e * width;
    for (int k = 0; k < d; ++k) row[k] = v[k];
    if (weights != nullptr)
      for (int k = 0; k < width; ++k) weighted[e * width + k] = weights[e] * row[k];
    const double pull = static_cast<double>(weights != nullptr ? weights[e] : 1.0f) * targets[e];
    for (int k = 0; k < width; k += EIGHT) store(right + k, load(right + k) + pull * widened(row + k));
  }
}

void normal(const float* rows, const float* weighted, int n, int width, float* out) {
  constexpr int COLUMNS = NORMAL_VECTORS * WIDTH;
  for (int top = 0; top < width; top += NORMAL_ROWS)
    for (int left = top / LANES * LANES; left < width; left += COLUMNS) {
      Register tile[NORMAL_ROWS][NORMAL_VECTORS];
      for (int i = 0; i < NORMAL_ROWS; ++i)
        for (int v = 0; v < NORMAL_VECTORS; ++v)
          tile[i][v] = load_register(out + (top + i) * width + left + WIDTH * v);
      for (int r = 0; r < n; ++r) {
        const float* weight = weighted + r * width + top;
        Register row[NORMAL_VECTORS];
        for (int v = 0; v < NORMAL_VECTORS; ++v)
          row[v] = load_register(rows + r * width + left + WIDTH * v);
        for (int i = 0; i < NORMAL_ROWS; ++i)
          for (int v = 0; v < NORMAL_VECTORS; ++v) tile[i][v] += weight[i] * row[v];
      }
      for (int i = 0; i < NORMAL_ROWS; ++i)
        for (int v = 0; v < NORMAL_VECTORS; ++v)
          store_register(out + (top + i) * width + left + WIDTH * v, tile[i][v]);
    }
}

INLINE int vector_of(int k) { return k / EIGHT * EIGHT; }  // where the vector with element k begins

// to[j] -= factor · from[j] for j from the vector of `first`.
INLINE void subtract(double* to, const double* from, double factor, int first, int width) {
  for (int j = vector_of(first); j < width; j += EIGHT)
    store(to + j, load(to + j) - factor * load(from + j));
}

// Rows k to k + 3 of the factor, whose earlier rows have been subtracted.
bool factor_four(double* U, int k, int last, int width) {
  for (int i = k; i < last; ++i) {
    double* row = U + static_cast<std::int64_t>(i) * width;
    for (int m = k; m < i; ++m) {
      const double* above = U + static_cast<std::int64_t>(m) * width;
      subtract(row, above, above[i], i, width);
    }
    if (!(row[i] > 0)) return false;
    const double scale = 1 / __builtin_sqrt(row[i]);
    for (int j = vector_of(i); j < width; j += EIGHT) store(row + j, scale * load(row + j));
  }
  return true;
}

// Four finished rows subtracted from all rows below them.
void subtract_four(double* U, int k, int d, int width) {
  const double* a = U + static_cast<std::int64_t>(k) * width;
  const double *b = a + width, *c = b + width, *e = c + width;
  for (int i = k + 4; i < d; ++i) {
    double* row = U + static_cast<std::int64_t>(i) * width;
    const double at_a = a[i], at_b = b[i], at_c = c[i], at_e = e[i];
    for (int j = vector_of(i); j < width; j += EIGHT)
      store(row + j, load(row + j) - at_a * load(a + j) - at_b * load(b + j) - at_c * load(c + j) -
                         at_e * load(e + j));
  }
}

// Σ_j a[j] b[j] from the vector of `first` in eight interleaved sums, added in a fixed order.
INLINE double dot(const double* a, const double* b, int first, int width) {
  Doubles sums = {0, 0, 0, 0, 0, 0, 0, 0};
  for (int j = vector_of(first); j < width; j += EIGHT) sums += load(a + j) * load(b + j);
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

// Right-looking Cholesky A = UᵀU, four rows at a time: every inner loop runs along a row. A vector that
// holds the diagonal reaches into the lower half, which is finite and never used.
bool solve(double* A, int d, int width, double* b, double* x) {
  for (int k = 0; k < d; k += 4) {
    if (!factor_four(A, k, k + 4 < d ? k + 4 : d, width)) return false;
    if (k + 4 < d) subtract_four(A, k, d, width);
  }
  for (int k = 0; k < d; ++k) {  // Uᵀy = b; y into x, because the vector of k overwrites b[k]
    const double* row = A + static_cast<std::int64_t>(k) * width;
    const double y = b[k] / row[k];
    subtract(b, row, y, k, width);
    x[k] = y;
  }
  for (int k = 0; k < width; ++k) {
    b[k] = k < d ? x[k] : 0;
    x[k] = 0;
  }
  for (int k = d - 1; k >= 0; --k) {  // Ux = y; x is 0 up to k
    const double* row = A + static_cast<std::int64_t>(k) * width;
    x[k] = (b[k] - dot(row, x, k, width)) / row[k];
  }
  return true;
}

// Σ_k p[k] q[k] in sixteen interleaved sums, added in a fixed order.
INLINE float product(const float* p, const float* q, int d) {
  EightFloats low = {0, 0, 0, 0, 0, 0, 0, 0}, high = low;
  int k = 0;
  for (; k + LANES <= d; k += LANES) {
    low += load_eight(p + k) * load_eight(q + k);
    high += load_eight(p + k + EIGHT) * load_eight(q + k + EIGHT);
  }
  float rest = 0;
  for (; k < d; ++k) rest += p[k] * q[k];
  union {
    EightFloats whole;
    FourFloats half[2];
  } eight = {low + high};
  const FourFloats four = eight.half[0] + eight.half[1];
  return ((four[0] + four[2]) + (four[1] + four[3])) + rest;
}

// p and q one step along the gradient, both from their old values.
INLINE void step(float* p, float* q, int d, float error, float rate, float damp_p, float damp_q) {
  int k = 0;
  for (; k + WIDTH <= d; k += WIDTH) {
    const Register old_p = load_register(p + k), old_q = load_register(q + k);
    store_register(p + k, old_p + rate * (error * old_q - damp_p * old_p));
    store_register(q + k, old_q + rate * (error * old_p - damp_q * old_q));
  }
  for (; k < d; ++k) {
    const float old_p = p[k], old_q = q[k];
    p[k] = old_p + rate * (error * old_q - damp_p * old_p);
    q[k] = old_q + rate * (error * old_p - damp_q * old_q);
  }
}

INLINE void fetch(const float* row, int d) {
  for (int k = 0; k < d; k += LANES) __builtin_prefetch(row + k);
}

double sgd(const std::int64_t* order, std::int64_t n, const std::int32_t* users,
           const std::int32_t* items, const float* targets, SgdSides sides, SgdRates rates) {
  constexpr std::int64_t AHEAD = 6, FAR = 32;  // ratings whose vectors, and who themselves, are on the way
  double total = 0;
  const int d = sides.d;
  for (std::int64_t at = 0; at < n; ++at) {
    if (at + FAR < n) {
      __builtin_prefetch(users + order[at + FAR]);
      __builtin_prefetch(items + order[at + FAR]);
      __builtin_prefetch(targets + order[at + FAR]);
    }
    if (at + AHEAD < n) {
      fetch(sides.P + static_cast<std::int64_t>(users[order[at + AHEAD]]) * d, d);
      fetch(sides.Q + static_cast<std::int64_t>(items[order[at + AHEAD]]) * d, d);
    }
    const std::int64_t r = order[at], u = users[r], i = items[r];
    float *p = sides.P + u * d, *q = sides.Q + i * d;
    float *bu = sides.user_bias + u, *bi = sides.item_bias + i;
    const float error = targets[r] - rates.mean - *bu - *bi - product(p, q, d);
    total += static_cast<double>(error) * error;
    if (rates.biases) {
      *bu += rates.rate * (error - rates.user_bias[u] * *bu);
      *bi += rates.rate * (error - rates.item_bias[i] * *bi);
    }
    if (rates.factors) step(p, q, d, error, rates.rate, rates.user_factors[u], rates.item_factors[i]);
  }
  return total;
}

}  // namespace

#define JOINED(a, b) a##b
#define LEVEL_NAME(level) JOINED(level_, level)
#define TEXT(name) #name
#define NAME_OF(level) TEXT(level)
extern const Level LEVEL_NAME(PENCHANT_LEVEL);
const Level LEVEL_NAME(PENCHANT_LEVEL) = {NAME_OF(PENCHANT_LEVEL), score, at_least, gather, normal, solve, sgd};

}  // namespace penchant
