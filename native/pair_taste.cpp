// pair_taste: the vector of one person under BPR, solved from their history.
//
// Maximises Σ_i Σ_j a_j log σ(y_i (s_i - s_j)) - ½ pᵀ R p over p, with s = p · q + b, j over a
// panel of typical items whose weights a sum to 1, and y_i = 1 for a like, -1 for a dislike (which
// stands below the panel as a like stands above it). Concave; solved in float64 by iteratively
// reweighted least squares. The gradient is that of all pairs. The Hessian Σ_ij w_ij (q_i -
// q_j)(q_i - q_j)ᵀ + R needs every w_ij only for its cross terms Σ_ij w_ij q_i q_jᵀ; there w_ij is
// taken for the product of its margins, which leaves the solution as it is and halves the time.
// Steps that overshoot are halved, until steps vanish. Histories pass 32 rows at a time; rows are
// independent, so their bytes depend on nothing but themselves.
#include <algorithm>
#include <atomic>
#include <numeric>

#include "kernels.hpp"

namespace penchant {
namespace {

constexpr i64 CHUNK = 4;         // people
constexpr int MOST = 60;         // looks at the likelihood; 5 or 6 are usual
constexpr double ENOUGH = 1e-9;  // a last step's squared length against the vector's

using Vector = std::vector<double>;

// What histories are held against, widened once for all.
struct Panel {
  int padded;
  Vector rows, bias, share;

  Panel(const PairModel& model, int width)
      : padded(static_cast<int>(model.m + LANES - 1) / LANES * LANES),
        rows(static_cast<std::size_t>(padded) * static_cast<std::size_t>(width)),
        bias(static_cast<std::size_t>(padded)),
        share(bias.size()) {
    const double all = std::accumulate(model.weights, model.weights + model.m, 0.0);
    for (i64 j = 0; j < model.m; ++j) {
      std::copy(model.panel + j * model.d, model.panel + (j + 1) * model.d,
                rows.begin() + j * width);
      bias[static_cast<std::size_t>(j)] = model.panel_bias[j];
      share[static_cast<std::size_t>(j)] = model.weights[j] / all;
    }
  }
};

struct Scratch {
  Vector rows, left, bias, scores;   // of 32 history items
  Vector panel_scores, pull, bends;  // of the panel
  Vector weighted, bent, mean, p, next, gradient, hessian;

  void reserve(int width, int padded) {
    if (!rows.empty()) return;
    const auto w = static_cast<std::size_t>(width), m = static_cast<std::size_t>(padded);
    for (Vector* one : {&rows, &left}) one->resize(ROWS * w);
    for (Vector* one : {&bias, &scores}) one->resize(ROWS);
    for (Vector* one : {&panel_scores, &pull, &bends}) one->resize(m);
    for (Vector* one : {&bent, &mean, &p, &next, &gradient}) one->resize(w);
    weighted.resize(m * w);
    hessian.resize(w * w);
  }
};

// One person's likelihood.
struct Likelihood {
  const Rows& histories;
  const PairModel& model;
  const Panel& panel;
  const float* ridge;
  int width;

  // Gradient and (nearly) Hessian of what is minimised, at s.p.
  void look(i64 row, Scratch& s) const {
    for (Vector* one : {&s.pull, &s.bends, &s.hessian, &s.gradient, &s.bent, &s.mean})
      std::fill(one->begin(), one->end(), 0.0);
    pair_level().dots(panel.rows.data(), panel.padded, width, s.p.data(), panel.bias.data(),
                      s.panel_scores.data());
    for (i64 from = histories.indptr[row]; from < histories.indptr[row + 1]; from += ROWS)
      add(from, static_cast<int>(std::min<i64>(ROWS, histories.indptr[row + 1] - from)), s);
    double all = 0;
    for (int j = 0; j < panel.padded; ++j) {
      all += s.bends[static_cast<std::size_t>(j)];
      const double* q = panel.rows.data() + static_cast<i64>(j) * width;
      double* to = s.weighted.data() + static_cast<i64>(j) * width;
      const double pull = s.pull[static_cast<std::size_t>(j)],
                   bends = s.bends[static_cast<std::size_t>(j)];
      for (int k = 0; k < width; ++k) {
        s.gradient[static_cast<std::size_t>(k)] += pull * q[k];
        to[k] = bends * q[k];
        s.mean[static_cast<std::size_t>(k)] += to[k];
      }
    }
    for (double& one : s.mean) one /= all > 0 ? all : 1;
    pair_level().outer(s.weighted.data(), panel.rows.data(), panel.padded, width, s.hessian.data());
    double* line = s.hessian.data();
    for (int i = 0; i < width; ++i, line += width)
      for (int k = 0; k < width; ++k)
        line[k] -= s.bent[static_cast<std::size_t>(i)] * s.mean[static_cast<std::size_t>(k)] +
                   s.mean[static_cast<std::size_t>(i)] * s.bent[static_cast<std::size_t>(k)];
    for (int k = 0; k < model.d; ++k) {
      const auto at = static_cast<std::size_t>(k);
      s.gradient[at] += ridge[k] * s.p[at];
      s.hessian[at * static_cast<std::size_t>(width) + at] += ridge[k];
    }
  }

  // What n entries of the history add; pulls and bends of the panel are collected.
  void add(i64 from, int n, Scratch& s) const {
    for (int e = 0; e < n; ++e) {
      const i64 item = histories.indices[from + e];
      const float* from_item = model.items + item * model.d;
      std::copy(from_item, from_item + model.d, s.rows.begin() + static_cast<i64>(e) * width);
      s.bias[static_cast<std::size_t>(e)] = model.bias[item];
    }
    const PairLevel& inner = pair_level();
    inner.dots(s.rows.data(), n, width, s.p.data(), s.bias.data(), s.scores.data());
    for (int e = 0; e < n; ++e) {
      const i64 start = static_cast<i64>(e) * width;
      const double *q = s.rows.data() + start, sign = histories.value(from + e) < 0 ? -1.0 : 1.0;
      double *left = s.left.data() + start, pulled, bent;
      inner.margins(s.scores[static_cast<std::size_t>(e)], sign, s.panel_scores.data(),
                    panel.share.data(), panel.padded, s.pull.data(), s.bends.data(), &pulled,
                    &bent);
      for (int k = 0; k < width; ++k) {
        s.gradient[static_cast<std::size_t>(k)] -= pulled * q[k];
        left[k] = bent * q[k];
        s.bent[static_cast<std::size_t>(k)] += left[k];
      }
    }
    inner.outer(s.left.data(), s.rows.data(), n, width, s.hessian.data());
  }
};

double product(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

// False if a Hessian is not positive definite.
bool solve(const Likelihood& of, i64 row, Scratch& s, float* out) {
  const int d = of.model.d;
  std::fill(s.p.begin(), s.p.end(), 0.0);
  std::fill(s.next.begin(), s.next.end(), 0.0);
  double fall = 0;  // how steeply the last step went down where it began
  for (int look = 0; look < MOST; ++look) {
    of.look(row, s);
    if (product(s.gradient, s.next) >
        fall) {  // behind the lowest point, and steeper: half of the step
      fall /= 2;
      for (std::size_t k = 0; k < s.p.size(); ++k) s.p[k] -= s.next[k] /= 2;
      continue;
    }
    for (double& one : s.gradient) one = -one;
    Vector& down = s.gradient;
    std::copy(down.begin(), down.end(), s.weighted.begin());
    std::fill(s.next.begin(), s.next.end(), 0.0);
    if (!level().solve(s.hessian.data(), d, of.width, down.data(), s.next.data())) return false;
    fall = 0;
    for (std::size_t k = 0; k < s.p.size(); ++k) {
      fall += s.weighted[k] * s.next[k];
      s.p[k] += s.next[k];
    }
    if (product(s.next, s.next) <= ENOUGH * product(s.p, s.p)) break;
  }
  for (int k = 0; k < d; ++k) out[k] = static_cast<float>(s.p[static_cast<std::size_t>(k)]);
  return true;
}

void lower(std::atomic<i64>& least, i64 value) {
  i64 now = least.load();
  while (value < now && !least.compare_exchange_weak(now, value)) {
  }
}

}  // namespace

i64 pair_taste(const Rows& histories, const PairModel& model, const float* ridge, float* out,
               const Run& run) {
  const int width = (model.d + LANES - 1) / LANES * LANES;
  const Panel panel(model, width);
  std::vector<Scratch> scratch(static_cast<std::size_t>(std::max(run.threads, 1)));
  std::atomic<i64> singular{histories.n_rows};
  const bool finished =
      parallel((histories.n_rows + CHUNK - 1) / CHUNK, run, [&](i64 chunk, int worker) {
        Scratch& s = scratch[static_cast<std::size_t>(worker)];
        s.reserve(width, panel.padded);
        for (i64 r = chunk * CHUNK; r < std::min((chunk + 1) * CHUNK, histories.n_rows); ++r) {
          std::fill(out + r * model.d, out + (r + 1) * model.d, 0.0f);
          if (histories.indptr[r] == histories.indptr[r + 1]) continue;
          const Likelihood likelihood{histories, model, panel, ridge + r * model.d, width};
          if (!solve(likelihood, r, s, out + r * model.d)) lower(singular, r);
        }
      });
  if (!finished) return -2;
  return singular.load() < histories.n_rows ? singular.load() : -1;
}

}  // namespace penchant
