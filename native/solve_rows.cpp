// solve_rows: one ridge regression per row, x = (G + Σ w v vᵀ + diag ridge)⁻¹ Σ w t v.
//
// Item vectors are copied 32 at a time into scratch whose width is a multiple of 16; the normal
// matrix is summed in float32 tiles of 16 × 16 on and below the diagonal, and solved by Cholesky in
// float64. Rows are independent, so their bytes do not depend on threads.
#include <algorithm>
#include <atomic>

#include "kernels.hpp"

namespace penchant {
namespace {

constexpr i64 CHUNK = 16;  // rows

struct Scratch {
  std::vector<float> rows, weighted, normal;
  std::vector<double> matrix, right;

  void reserve(int d, int width) {
    if (!rows.empty()) return;
    rows.resize(static_cast<std::size_t>(ROWS * width));
    weighted.resize(rows.size());
    normal.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(width));
    matrix.resize(static_cast<std::size_t>(d) * static_cast<std::size_t>(d));
    right.resize(static_cast<std::size_t>(d));
  }
};

}  // namespace

i64 solve_rows(const Rows& rows, const float* targets, const float* items, int d,
               const float* ridge, bool ridge_per_row, const float* gram, float* out,
               const Run& run) {
  const int width = (d + LANES - 1) / LANES * LANES;
  std::vector<Scratch> scratch(static_cast<std::size_t>(std::max(run.threads, 1)));
  std::atomic<i64> singular{rows.n_rows};

  const auto one = [&](i64 r, Scratch& s) {
    float* x = out + r * d;
    const i64 first = rows.indptr[r], last = rows.indptr[r + 1];
    if (first == last) {
      std::fill(x, x + d, 0.0f);
      return;
    }
    std::fill(s.normal.begin(), s.normal.end(), 0.0f);
    std::fill(s.right.begin(), s.right.end(), 0.0);
    for (i64 start = first; start < last; start += ROWS) {
      const int n = static_cast<int>(std::min<i64>(ROWS, last - start));
      for (int e = 0; e < n; ++e) {
        const float* v = items + static_cast<i64>(rows.indices[start + e]) * d;
        const float w = rows.value(start + e);
        for (int k = 0; k < d; ++k) {
          s.rows[static_cast<std::size_t>(e * width + k)] = v[k];
          s.weighted[static_cast<std::size_t>(e * width + k)] = w * v[k];
          s.right[static_cast<std::size_t>(k)] += static_cast<double>(w * v[k]) * targets[start + e];
        }
      }
      level().normal(s.rows.data(), s.weighted.data(), n, width, s.normal.data());
    }
    const float* damping = ridge + (ridge_per_row ? r * d : 0);
    for (int i = 0; i < d; ++i) {
      for (int j = 0; j <= i; ++j)
        s.matrix[static_cast<std::size_t>(i * d + j)] =
            static_cast<double>(s.normal[static_cast<std::size_t>(i * width + j)]) + (gram ? gram[i * d + j] : 0.0f);
      s.matrix[static_cast<std::size_t>(i * d + i)] += damping[i];
    }
    if (!level().solve(s.matrix.data(), d, s.right.data())) {
      i64 lowest = singular.load();
      while (r < lowest && !singular.compare_exchange_weak(lowest, r)) {}
      return;
    }
    for (int k = 0; k < d; ++k) x[k] = static_cast<float>(s.right[static_cast<std::size_t>(k)]);
  };

  const bool finished = parallel((rows.n_rows + CHUNK - 1) / CHUNK, run, [&](i64 chunk, int worker) {
    Scratch& s = scratch[static_cast<std::size_t>(worker)];
    s.reserve(d, width);
    for (i64 r = chunk * CHUNK; r < std::min((chunk + 1) * CHUNK, rows.n_rows); ++r) one(r, s);
  });
  if (!finished) return -2;
  return singular.load() < rows.n_rows ? singular.load() : -1;
}

}  // namespace penchant
