// fold_draws: what a history says of a person under each of many draws of a factorisation.
//
// Given a draw, targets are t_j = [v_j, 1] · x + drift(time_j) + noise_j, x ~ N(0, 1/ridge). A Kalman
// filter over the entries takes the drift out: what it leaves of the vectors and targets is
// independent, so x is one ridge regression. Going back gives the duals g = Cov(t)⁻¹ t, from which
// the drift at any moment, shares and variances follow (Durbin and Koopman, *Time series analysis
// by state space methods*, 2012, sections 4.4 and 4.5).
#include "gibbs.hpp"

namespace penchant {
namespace {

constexpr i64 DRAWS = 8;  // of one piece of work

std::size_t at(i64 n) { return static_cast<std::size_t>(n); }

class Fold {
 public:
  Fold(const FoldDraws& model, const FoldHistories& h)
      : m_(model), h_(h), d_(model.d + 1), width_((d_ + LANES - 1) / LANES * LANES),
        normal_(at(width_ * width_)), system_(at(d_ * width_)), right_(at(width_)), x_(at(width_)),
        mean_(at(width_)) {}

  // Returns false where the matrix is not positive definite.
  bool run(i64 row, i64 draw, const FoldAnswers& out) {
    first_ = h_.rows.indptr[row];
    n_ = h_.rows.indptr[row + 1] - first_;
    filter(h_.alpha[row] * m_.tau[draw], draw);
    if (!solve(draw)) return false;
    for (i64 k = 0; k < d_; ++k)
      out.taste[(row * m_.draws + draw) * d_ + k] = static_cast<float>(x_[at(k)]);
    back(draw, out.duals);
    out.evidence[row * m_.draws + draw] = -0.5 * logs_ - 0.5 * squares_;
    return true;
  }

 private:
  // Vectors and targets less what the drift makes expected of them.
  void filter(double tau, i64 draw) {
    rows_.resize(at(n_ * width_));
    weighted_.resize(rows_.size());
    seen_.resize(at(n_));
    std::fill(mean_.begin(), mean_.end(), 0.0f);
    std::fill(right_.begin(), right_.end(), 0.0);
    logs_ = squares_ = 0;
    const bool drifts = h_.gaps != nullptr;
    const Drift drift = drifts ? Drift{m_.drift[2 * draw], m_.drift[2 * draw + 1]} : Drift{0, 1};
    double mean = 0, variance = 0;
    for (i64 j = 0; j < n_; ++j) {
      const i64 item = h_.rows.indices[first_ + j];
      const double noise = 1 / (tau * m_.noise[item * m_.draws + draw]);
      const double kept = drifts ? drift.kept(h_.gaps[first_ + j]) : 0;
      const double before = drift.before(kept, variance), spread = before + noise;
      const double gain = before / spread;
      const double rest = h_.targets[(first_ + j) * m_.draws + draw] - kept * mean;
      mean = kept * mean + gain * rest;
      variance = gain * noise;
      seen_[at(j)] = {kept, gain, spread, rest};
      logs_ += std::log(spread);
      squares_ += rest * rest / spread;
      entry(j, m_.vectors + (item * m_.draws + draw) * m_.d);
    }
  }

  // One row of the regression; mean_ is what the filter expects of the vectors.
  void entry(i64 j, const float* vector) {
    const Seen& seen = seen_[at(j)];
    float* row = rows_.data() + j * width_;
    float* weighted = weighted_.data() + j * width_;
    const auto kept = static_cast<float>(seen.kept), gain = static_cast<float>(seen.gain);
    const auto weight = static_cast<float>(1 / seen.spread);
    for (i64 k = 0; k < d_; ++k) row[k] = k < m_.d ? vector[k] : 1.0f;
    for (i64 k = d_; k < width_; ++k) row[k] = 0;
    for (i64 k = 0; k < width_; ++k) {
      const float expected = kept * mean_[at(k)];
      row[k] -= expected;
      mean_[at(k)] = expected + gain * row[k];
      weighted[k] = weight * row[k];
      right_[at(k)] += weighted[k] * seen.rest;
    }
  }

  bool solve(i64 draw) {
    std::fill(normal_.begin(), normal_.end(), 0.0f);
    const int width = static_cast<int>(width_);
    level().normal(rows_.data(), weighted_.data(), static_cast<int>(n_), width, width,
                   normal_.data(), normal_.data(), {});
    const float* ridge = m_.ridge + draw * d_;
    for (i64 i = 0; i < d_; ++i) {
      for (i64 k = 0; k < width_; ++k) system_[at(i * width_ + k)] = normal_[at(i * width_ + k)];
      system_[at(i * width_ + i)] += ridge[i];
      logs_ -= std::log(static_cast<double>(ridge[i]));
    }
    const std::vector<double> right(right_.begin(), right_.begin() + d_);
    if (!level().solve(system_.data(), static_cast<int>(d_), width, right_.data(), x_.data()))
      return false;
    for (i64 i = 0; i < d_; ++i) {
      logs_ += 2 * std::log(system_[at(i * width_ + i)]);
      squares_ -= right[at(i)] * x_[at(i)];
    }
    return true;
  }

  void back(i64 draw, float* duals) {
    double later = 0, kept = 0;
    for (i64 j = n_ - 1; j >= 0; --j) {
      const Seen& seen = seen_[at(j)];
      double rest = seen.rest;
      for (i64 k = 0; k < d_; ++k) rest -= rows_[at(j * width_ + k)] * x_[at(k)];
      const double dual = rest / seen.spread - kept * seen.gain * later;
      later = dual + kept * later;
      kept = seen.kept;
      duals[(first_ + j) * m_.draws + draw] = static_cast<float>(dual);
    }
  }

  struct Seen {  // one entry as the filter saw it
    double kept, gain, spread, rest;
  };

  const FoldDraws& m_;
  const FoldHistories& h_;
  i64 d_, width_, first_ = 0, n_ = 0;
  double logs_ = 0, squares_ = 0;
  Aligned<float> rows_, weighted_, normal_;
  Aligned<double> system_, right_, x_;
  std::vector<float> mean_;
  std::vector<Seen> seen_;
};

}  // namespace

i64 fold_draws(const FoldDraws& model, const FoldHistories& h, const FoldAnswers& out,
               const Run& run) {
  const i64 parts = (model.draws + DRAWS - 1) / DRAWS;
  std::atomic<i64> singular{-1};
  const bool finished = parallel(h.rows.n_rows * parts, run, [&](i64 piece, int) {
    const i64 row = piece / parts, from = piece % parts * DRAWS;
    Fold fold(model, h);
    for (i64 draw = from; draw < std::min(model.draws, from + DRAWS); ++draw)
      if (!fold.run(row, draw, out)) singular = row;
  });
  return finished ? singular.load() : -2;
}

bool drift_likeness(const Rows& rows, const double* gaps, const double* drift, i64 draws,
                    float* out, const Run& run) {
  return parallel(rows.n_rows, run, [&](i64 row, int) {
    const i64 first = rows.indptr[row], last = rows.indptr[row + 1];
    for (i64 draw = 0; draw < draws; ++draw) {
      const Drift process{drift[2 * draw], drift[2 * draw + 1]};
      const double each = process.size / static_cast<double>(last - first);
      double sum = 0, kept = 0;
      for (i64 j = first; j < last; ++j) {  // with itself and what came before
        sum = 1 + process.kept(gaps[j]) * sum;
        out[j * draws + draw] = static_cast<float>(each * sum);
      }
      sum = 0;
      for (i64 j = last - 1; j >= first; --j) {  // with what came after
        sum *= kept;
        out[j * draws + draw] += static_cast<float>(each * sum);
        sum += 1;
        kept = process.kept(gaps[j]);
      }
    }
  });
}

}  // namespace penchant
