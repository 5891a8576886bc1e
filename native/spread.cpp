// spread: a history times item-item weights, summed in float64 in the order of the history.
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

}  // namespace penchant
