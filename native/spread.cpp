// spread: a history times item-item weights, in the order of the history: sparse ones summed in
// float64, dense ones (which would not be read twice as fast as they are) in float32.
#include <algorithm>
#include <cmath>

#include "kernels.hpp"

namespace penchant {
namespace {

// sum[i] += Σ_j weigh(x_j, W_ji) over the entries of one history.
template <class Weigh>
void add(const Rows& history, const Rows& weights, i64 b, double* sum, Weigh weigh) {
  for (i64 h = history.indptr[b]; h < history.indptr[b + 1]; ++h) {
    const i64 j = history.indices[h];
    const double x = history.value(h);
    for (i64 w = weights.indptr[j]; w < weights.indptr[j + 1]; ++w)
      sum[weights.indices[w]] += weigh(x, static_cast<double>(weights.value(w)));
  }
}

void round(const std::vector<double>& sum, float* out) {
  std::transform(sum.begin(), sum.end(), out, [](double x) { return static_cast<float>(x); });
}

}  // namespace

bool spread(const Rows& history, const Rows& weights, i64 n_columns, float* out, float* norm,
            const Run& run) {
  std::vector<std::vector<double>> sums(static_cast<std::size_t>(std::max(run.threads, 1)));
  return parallel(history.n_rows, run, [&](i64 b, int worker) {
    std::vector<double>& sum = sums[static_cast<std::size_t>(worker)];
    sum.assign(static_cast<std::size_t>(n_columns), 0.0);
    add(history, weights, b, sum.data(), [](double x, double w) { return x * w; });
    round(sum, out + b * n_columns);
    if (norm == nullptr) return;
    std::fill(sum.begin(), sum.end(), 0.0);
    add(history, weights, b, sum.data(), [](double, double w) { return std::abs(w); });
    round(sum, norm + b * n_columns);
  });
}

bool spread(const Rows& history, const float* weights, i64 n_columns, float* out, const Run& run) {
  constexpr i64 TOGETHER = 16,
                TILE = 2048;  // histories of one chunk; columns whose sums fit the nearest cache
  constexpr int FOUR = 4;
  return parallel((history.n_rows + TOGETHER - 1) / TOGETHER, run, [&](i64 chunk, int) {
    const i64 first = chunk * TOGETHER, last = std::min(first + TOGETHER, history.n_rows);
    std::fill(out + first * n_columns, out + last * n_columns, 0.0f);
    for (i64 from = 0; from < n_columns; from += TILE)
      for (i64 b = first; b < last; ++b)
        for (i64 h = history.indptr[b]; h < history.indptr[b + 1]; h += FOUR) {
          const int n = static_cast<int>(std::min<i64>(FOUR, history.indptr[b + 1] - h));
          const float* rows[FOUR];
          float factors[FOUR];
          for (int e = 0; e < n; ++e) {
            rows[e] = weights + history.indices[h + e] * n_columns;
            factors[e] = history.value(h + e);
          }
          level().add_scaled(rows, factors, n, from, std::min(TILE, n_columns - from),
                             out + b * n_columns + from);
        }
  });
}

}  // namespace penchant
