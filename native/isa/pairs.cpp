// Inner loops of BPR as static functions on raw pointers, compiled once per level; see level.cpp
// for what is allowed here, and why.
#include "pairs.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace penchant {
namespace {

#include "vectors.inl"

constexpr int PARTS = LANES / WIDTH;  // registers of sixteen interleaved sums
typedef std::int32_t EightInts __attribute__((vector_size(32), aligned(4), may_alias));

INLINE double total(Doubles s) {
  return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
}

// e^x for |x| ≤ 80 to about 1e-7 of itself: 2^n times a polynomial in the rest. For a float, or for
// a vector with its whole numbers.
#define EXPONENTIAL(Value, Whole, name)                                                        \
  INLINE Value name(Value x) {                                                                 \
    const Value shifted = x * 1.44269504f + 12582912.0f; /* rounds to a whole number */        \
    const Value n = shifted - 12582912.0f;                                                     \
    const Value r = x - n * 0.693359375f + n * 2.12194440e-4f;                                 \
    const Value square = r * r;                                                                \
    const Value low = (1.0f + r) + square * (0.5f + r * 0.166666667f);                         \
    const Value high =                                                                         \
        (0.0416666667f + r * 0.00833333333f) + square * (0.00138888889f + r * 1.98412698e-4f); \
    union {                                                                                    \
      Value value;                                                                             \
      Whole whole;                                                                             \
    } scale = {shifted};                                                                       \
    scale.whole = (scale.whole - 0x4b400000 + 127) << 23;                                      \
    return (low + square * square * high) * scale.value;                                       \
  }
EXPONENTIAL(float, std::int32_t, exponential)
EXPONENTIAL(EightFloats, EightInts, exponentials)

INLINE float sigmoid(float x) {
  const float bounded = x < -80.0f ? -80.0f : (x > 80.0f ? 80.0f : x);
  return 1.0f / (1.0f + exponential(-bounded));
}

INLINE float folded(const Register* sums) {
  union {
    Register part[PARTS];
    EightFloats eight[2];
  } all;
  for (int v = 0; v < PARTS; ++v) all.part[v] = sums[v];
  union {
    EightFloats whole;
    FourFloats half[2];
  } eight = {all.eight[0] + all.eight[1]};
  const FourFloats four = eight.half[0] + eight.half[1];
  return (four[0] + four[2]) + (four[1] + four[3]);
}

// p · (a - b) in sixteen interleaved sums, added in a fixed order.
INLINE float advantage(const float* p, const float* a, const float* b, const int d) {
  Register sums[PARTS];
  for (int v = 0; v < PARTS; ++v) sums[v] = Register{};
  int k = 0;
  for (; k + LANES <= d; k += LANES)
    for (int v = 0; v < PARTS; ++v) {
      const int at = k + v * WIDTH;
      sums[v] += load_register(p + at) * (load_register(a + at) - load_register(b + at));
    }
  float rest = 0;
  for (; k < d; ++k) rest += p[k] * (a[k] - b[k]);
  return folded(sums) + rest;
}

// All three vectors one step up the likelihood, from their old values.
INLINE void step(float* p, float* a, float* b, const int d, float push, float keep) {
  int k = 0;
  for (; k + WIDTH <= d; k += WIDTH) {
    const Register old_p = load_register(p + k), old_a = load_register(a + k),
                   old_b = load_register(b + k);
    store_register(p + k, keep * old_p + push * (old_a - old_b));
    store_register(a + k, keep * old_a + push * old_p);
    store_register(b + k, keep * old_b - push * old_p);
  }
  for (; k < d; ++k) {
    const float old_p = p[k], old_a = a[k], old_b = b[k];
    p[k] = keep * old_p + push * (old_a - old_b);
    a[k] = keep * old_a + push * old_p;
    b[k] = keep * old_b - push * old_p;
  }
}

INLINE void fetch(const float* row, const int d) {
  for (int k = 0; k < d; k += LANES) __builtin_prefetch(row + k, 1);
}

INLINE PairCount walk(const std::int32_t* pairs, std::int64_t n, PairSides sides, PairRates rates,
                      const int d) {
  constexpr std::int64_t AHEAD = 6;  // pairs whose vectors are on the way
  const float keep = 1 - rates.rate * rates.reg, keep_bias = 1 - rates.rate * rates.reg_bias;
  PairCount count = {0, 0};
  for (std::int64_t at = 0; at < n; ++at) {
    const std::int32_t* pair = pairs + 3 * at;
    if (at + AHEAD < n) {
      const std::int32_t* later = pair + 3 * AHEAD;
      fetch(sides.P + static_cast<std::int64_t>(later[0]) * d, d);
      fetch(sides.Q + static_cast<std::int64_t>(later[1]) * d, d);
      if (later[2] >= 0) fetch(sides.Q + static_cast<std::int64_t>(later[2]) * d, d);
    }
    if (pair[2] < 0) continue;
    const std::int64_t u = pair[0], i = pair[1], j = pair[2];
    float *p = sides.P + u * d, *a = sides.Q + i * d, *b = sides.Q + j * d;
    float *of_a = sides.bias + i, *of_b = sides.bias + j;
    const float x = advantage(p, a, b, d) + (*of_a - *of_b);
    const float push = rates.rate * sigmoid(-x);
    count.ordered += x > 0;
    ++count.all;
    *of_a = keep_bias * *of_a + push;
    *of_b = keep_bias * *of_b - push;
    step(p, a, b, d, push, keep);
  }
  return count;
}

PairCount sgd(const std::int32_t* pairs, std::int64_t n, PairSides sides, PairRates rates) {
  switch (sides.d) {  // a constant width keeps the loops without counters
    case 32:
      return walk(pairs, n, sides, rates, 32);
    case 64:
      return walk(pairs, n, sides, rates, 64);
    case 128:
      return walk(pairs, n, sides, rates, 128);
    default:
      return walk(pairs, n, sides, rates, sides.d);
  }
}

void dots(const double* rows, int n, int width, const double* p, const double* start, double* out) {
  for (int r = 0; r < n; ++r) {
    Doubles sums = {};
    const double* row = rows + static_cast<std::int64_t>(r) * width;
    for (int k = 0; k < width; k += EIGHT) sums += load(row + k) * load(p + k);
    out[r] = start[r] + total(sums);
  }
}

void margins(double above, double sign, const double* scores, const double* share, int m,
             double* pull, double* bends, double* pulled, double* bent) {
  const EightFloats most = EightFloats{} + 80.0f;
  Doubles sum_pull = {}, sum_bend = {};
  for (int j = 0; j < m; j += EIGHT) {
    EightFloats x = __builtin_convertvector(sign * (above - load(scores + j)), EightFloats);
    x = x < -most ? -most : x;
    x = x > most ? most : x;
    const EightFloats g = 1.0f / (1.0f + exponentials(x));
    const Doubles wide = __builtin_convertvector(g, Doubles), here = load(share + j) * wide;
    const Doubles curve = here * (1.0 - wide);
    store(pull + j, load(pull + j) + sign * here);
    store(bends + j, load(bends + j) + curve);
    sum_pull += sign * here;
    sum_bend += curve;
  }
  *pulled = total(sum_pull);
  *bent = total(sum_bend);
}

void outer(const double* left, const double* right, int n, int width, double* A) {
  constexpr int TALL = 4, WIDE = 2;
  for (int top = 0; top < width; top += TALL)
    for (int from = top / LANES * LANES; from < width; from += WIDE * EIGHT) {
      Doubles tile[TALL][WIDE];
      for (int i = 0; i < TALL; ++i)
        for (int v = 0; v < WIDE; ++v) tile[i][v] = load(A + (top + i) * width + from + EIGHT * v);
      for (int r = 0; r < n; ++r) {
        const double *a = left + r * width + top, *b = right + r * width + from;
        for (int i = 0; i < TALL; ++i)
          for (int v = 0; v < WIDE; ++v) tile[i][v] += a[i] * load(b + EIGHT * v);
      }
      for (int i = 0; i < TALL; ++i)
        for (int v = 0; v < WIDE; ++v) store(A + (top + i) * width + from + EIGHT * v, tile[i][v]);
    }
}

}  // namespace

#define JOINED(a, b) a##b
#define LEVEL_NAME(level) JOINED(pairs_, level)
extern const PairLevel LEVEL_NAME(PENCHANT_LEVEL);
const PairLevel LEVEL_NAME(PENCHANT_LEVEL) = {sgd, dots, margins, outer};

}  // namespace penchant
