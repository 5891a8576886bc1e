// Inner loops as static functions on raw pointers, compiled once per level.
//
// No templates and no inline functions of the standard library here: the linker keeps one copy of
// such a function for the whole program, and it might be the one compiled for AVX-512.
#include "isa.hpp"

namespace penchant {
namespace {

typedef float Floats __attribute__((vector_size(64), aligned(4), may_alias));
typedef double Doubles __attribute__((vector_size(64), aligned(8), may_alias));

inline __attribute__((always_inline)) Floats load(const float* at) {
  return *reinterpret_cast<const Floats*>(at);
}
inline __attribute__((always_inline)) void store(float* at, Floats value) {
  *reinterpret_cast<Floats*>(at) = value;
}

inline __attribute__((always_inline)) void score_group(const float* queries, const int n, int d,
                                                       const float* panel, const float* start,
                                                       float* out) {
  Floats sums[GROUP][4];
  for (int q = 0; q < n; ++q)
    for (int v = 0; v < 4; ++v) sums[q][v] = load(start + LANES * v);
  for (int k = 0; k < d; ++k) {
    const float* row = panel + static_cast<std::int64_t>(k) * PANEL;
    const Floats items[4] = {load(row), load(row + 16), load(row + 32), load(row + 48)};
    for (int q = 0; q < n; ++q) {
      const float weight = queries[static_cast<std::int64_t>(q) * d + k];
      for (int v = 0; v < 4; ++v) sums[q][v] += weight * items[v];
    }
  }
  for (int q = 0; q < n; ++q)
    for (int v = 0; v < 4; ++v) store(out + q * PANEL + LANES * v, sums[q][v]);
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
  for (int i = 0; i < PANEL; ++i)
    bits |= static_cast<std::uint64_t>(scores[i] >= threshold) << i;
  return bits;
}

void normal(const float* rows, const float* weighted, int n, int width, float* out) {
  for (int top = 0; top < width; top += LANES)
    for (int left = 0; left <= top; left += LANES) {
      Floats tile[LANES];
      for (int i = 0; i < LANES; ++i) tile[i] = load(out + (top + i) * width + left);
      for (int r = 0; r < n; ++r) {
        const Floats row = load(rows + r * width + left);
        const float* weight = weighted + r * width + top;
        for (int i = 0; i < LANES; ++i) tile[i] += weight[i] * row;
      }
      for (int i = 0; i < LANES; ++i) store(out + (top + i) * width + left, tile[i]);
    }
}

// Σ a[k] b[k] in eight interleaved sums, added in a fixed order.
inline __attribute__((always_inline)) double dot(const double* a, const double* b, int n) {
  Doubles sums = {0, 0, 0, 0, 0, 0, 0, 0};
  int k = 0;
  for (; k + 8 <= n; k += 8)
    sums += *reinterpret_cast<const Doubles*>(a + k) * *reinterpret_cast<const Doubles*>(b + k);
  double rest = 0;
  for (; k < n; ++k) rest += a[k] * b[k];
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7])) + rest;
}

bool solve(double* A, int d, double* b) {
  for (int i = 0; i < d; ++i) {
    double* row = A + static_cast<std::int64_t>(i) * d;
    for (int j = 0; j < i; ++j) {
      const double* other = A + static_cast<std::int64_t>(j) * d;
      row[j] = (row[j] - dot(row, other, j)) / other[j];
    }
    const double pivot = row[i] - dot(row, row, i);
    if (!(pivot > 0)) return false;
    row[i] = __builtin_sqrt(pivot);
    b[i] = (b[i] - dot(row, b, i)) / row[i];
  }
  for (int i = d - 1; i >= 0; --i) {
    const double* row = A + static_cast<std::int64_t>(i) * d;
    b[i] /= row[i];
    for (int j = 0; j < i; ++j) b[j] -= row[j] * b[i];
  }
  return true;
}

inline __attribute__((always_inline)) float product(const float* p, const float* q, int d) {
  Floats sums = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  int k = 0;
  for (; k + LANES <= d; k += LANES) sums += load(p + k) * load(q + k);
  float rest = 0;
  for (; k < d; ++k) rest += p[k] * q[k];
  float eight[8], four[4];
  for (int i = 0; i < 8; ++i) eight[i] = sums[i] + sums[i + 8];
  for (int i = 0; i < 4; ++i) four[i] = eight[i] + eight[i + 4];
  return ((four[0] + four[2]) + (four[1] + four[3])) + rest;
}

double sgd(const std::int64_t* order, std::int64_t n, const std::int32_t* users,
           const std::int32_t* items, const float* targets, SgdSides sides, SgdRates rates) {
  double total = 0;
  const int d = sides.d;
  for (std::int64_t at = 0; at < n; ++at) {
    const std::int64_t r = order[at], u = users[r], i = items[r];
    float* p = sides.P + u * d;
    float* q = sides.Q + i * d;
    const float error = targets[r] - rates.mean - sides.user_bias[u] - sides.item_bias[i] - product(p, q, d);
    total += static_cast<double>(error) * error;
    if (rates.biases) {
      sides.user_bias[u] += rates.rate * (error - rates.user_bias[u] * sides.user_bias[u]);
      sides.item_bias[i] += rates.rate * (error - rates.item_bias[i] * sides.item_bias[i]);
    }
    if (!rates.factors) continue;
    const float damp_p = rates.user_factors[u], damp_q = rates.item_factors[i], rate = rates.rate;
    int k = 0;
    for (; k + LANES <= d; k += LANES) {
      const Floats old_p = load(p + k), old_q = load(q + k);
      store(p + k, old_p + rate * (error * old_q - damp_p * old_p));
      store(q + k, old_q + rate * (error * old_p - damp_q * old_q));
    }
    for (; k < d; ++k) {
      const float old_p = p[k], old_q = q[k];
      p[k] = old_p + rate * (error * old_q - damp_p * old_p);
      q[k] = old_q + rate * (error * old_p - damp_q * old_q);
    }
  }
  return total;
}

}  // namespace

#define JOINED(a, b) a##b
#define LEVEL_NAME(level) JOINED(level_, level)
#define TEXT(name) #name
#define NAME_OF(level) TEXT(level)
extern const Level LEVEL_NAME(PENCHANT_LEVEL);
const Level LEVEL_NAME(PENCHANT_LEVEL) = {NAME_OF(PENCHANT_LEVEL), score, at_least, normal, solve, sgd};

}  // namespace penchant
