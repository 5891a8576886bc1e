// solve_rows: one ridge regression per row, x = (G + Σ w v vᵀ + diag ridge)⁻¹ Σ w t v.
//
// Item vectors are copied 32 at a time into scratch whose width is a multiple of 16; the normal
// matrix is summed in float32 tiles on and above the diagonal, and solved by Cholesky in float64.
// Rows are independent, so their bytes do not depend on threads.
#include <algorithm>
#include <atomic>

#include "kernels.hpp"

namespace penchant {
namespace {

constexpr i64 CHUNK = 16;  // rows

struct Scratch {
  std::vector<float> rows, weighted, normal;
  std::vector<double> matrix, right, x;

  void reserve(std::size_t d, std::size_t width) {
    if (!x.empty()) return;
    rows.resize(ROWS * width);
    weighted.resize(rows.size());
    normal.resize(width * width);
    matrix.resize(d * width);
    right.resize(width);
    x.resize(width);
  }
};

// What all rows share.
struct Problem {
  const Rows& rows;
  const float *targets, *items, *ridge;
  bool ridge_per_row;
  const float* gram;
  int d, width;

  void sum(i64 r, Scratch& s) const {
    std::fill(s.normal.begin(), s.normal.end(), 0.0f);
    std::fill(s.right.begin(), s.right.end(), 0.0);
    for (i64 start = rows.indptr[r]; start < rows.indptr[r + 1]; start += ROWS) {
      const int n = static_cast<int>(std::min<i64>(ROWS, rows.indptr[r + 1] - start));
      level().gather(items, d, width, rows.indices + start, rows.values ? rows.values + start : nullptr,
                     targets + start, n, s.rows.data(), s.weighted.data(), s.right.data());
      level().normal(s.rows.data(), (rows.values ? s.weighted : s.rows).data(), n, width,
                     s.normal.data());
    }
  }

  void widen(i64 r, Scratch& s) const {
    const float* damping = ridge + (ridge_per_row ? r * d : 0);
    for (int i = 0; i < d; ++i) {
      const float* from = s.normal.data() + static_cast<i64>(i) * width;
      double* to = s.matrix.data() + static_cast<i64>(i) * width;
      for (int j = i / LANES * LANES; j < width; ++j) to[j] = from[j];
      if (gram != nullptr)
        for (int j = i; j < d; ++j) to[j] += gram[static_cast<i64>(i) * d + j];
      to[i] += damping[i];
    }
  }

  // False if the row's matrix is not positive definite.
  bool solve(i64 r, Scratch& s, float* x) const {
    std::fill(x, x + d, 0.0f);
    if (rows.indptr[r] == rows.indptr[r + 1]) return true;
    sum(r, s);
    widen(r, s);
    if (!level().solve(s.matrix.data(), d, width, s.right.data(), s.x.data())) return false;
    for (int k = 0; k < d; ++k) x[k] = static_cast<float>(s.x[static_cast<std::size_t>(k)]);
    return true;
  }
};

void lower(std::atomic<i64>& least, i64 value) {
  i64 now = least.load();
  while (value < now && !least.compare_exchange_weak(now, value)) {
  }
}

}  // namespace

i64 solve_rows(const Rows& rows, const float* targets, const float* items, int d,
               const float* ridge, bool ridge_per_row, const float* gram, float* out,
               const Run& run) {
  const int width = (d + LANES - 1) / LANES * LANES;
  const Problem problem{rows, targets, items, ridge, ridge_per_row, gram, d, width};
  std::vector<Scratch> scratch(static_cast<std::size_t>(std::max(run.threads, 1)));
  std::atomic<i64> singular{rows.n_rows};
  const bool finished = parallel((rows.n_rows + CHUNK - 1) / CHUNK, run, [&](i64 chunk, int worker) {
    Scratch& s = scratch[static_cast<std::size_t>(worker)];
    s.reserve(static_cast<std::size_t>(d), static_cast<std::size_t>(width));
    for (i64 r = chunk * CHUNK; r < std::min((chunk + 1) * CHUNK, rows.n_rows); ++r)
      if (!problem.solve(r, s, out + r * d)) lower(singular, r);
  });
  if (!finished) return -2;
  return singular.load() < rows.n_rows ? singular.load() : -1;
}

}  // namespace penchant
