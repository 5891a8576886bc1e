// gibbs: one sweep of Gibbs sampling through a factorisation machine of two sides.
//
// f = w0 + p_u + p_i + q_u · q_i + x_u(t): p and q sum what the features of a person or an item
// weigh, x is a person's drift. Rows are few beside ratings, so all that a feature needs to know of
// the ratings is summed by row first: S1 = Σ ω a e and S2 = Σ ω a², e = f − y, a the other side's
// q. A feature that moves by δ takes S1 along by x δ S2; errors follow in the next pass over the
// ratings (Rendle, *Scaling factorization machines to relational data*, VLDB 2013).
#include "gibbs.hpp"

namespace penchant {
namespace {

// log Γ(x) for x > 0 by Stirling's series, after steps of Γ(x + 1) = x Γ(x) up to where it is exact to
// the last digits. The library's writes the sign of Γ to a global, which threads must not share.
double log_gamma(double x) {
  double steps = 1;
  for (; x < 10; x += 1) steps *= x;
  const double r = 1 / x, r2 = r * r;
  const double series =
      r * (1.0 / 12 - r2 * (1.0 / 360 - r2 * (1.0 / 1260 - r2 * (1.0 / 1680 - r2 / 1188))));
  return (x - 0.5) * std::log(x) - x + 0.91893853320467274178 + series - std::log(steps);
}

constexpr i64 REFRESH = 16;  // sweeps after which sums are made anew
constexpr int AT_ONCE = 4;

struct Cell {  // what the features of a row need to know, and what they sum to
  float s1, s2, sum, before;
};

struct Item {  // how far its sum moved in the last factor, and what multiplies people in this one
  float moved, next;
};

std::size_t at(i64 n) { return static_cast<std::size_t>(n); }

class Sweep {
 public:
  Sweep(const GibbsRatings& ratings, const GibbsFeatures& features, const GibbsChain& chain,
        const GibbsStep& step)
      : r_(ratings), f_(features), c_(chain), step_(step), stream_(step.key),
        n_users_(r_.rows.n_rows), n_rows_(n_users_ + r_.n_items), n_(r_.rows.indptr[n_users_]),
        cells_(at(n_rows_)), items_(at(r_.n_items)), omega_(at(n_)) {}

  void run() {
    if (step_.sweep % REFRESH == 0) refresh();
    for (int side = 0; side < 2; ++side) noise(side);
    level();
    if (r_.gaps != nullptr) drift();
    for (int k = 0; k <= c_.factors; ++k) {
      for (i64 g = 0; g < f_.groups; ++g) spread(g, k);
      people(k);
      side(0, k);
      things(k);
      side(1, k);
    }
    settle();
  }

 private:
  double& mean(i64 g, int k) { return c_.means[k * f_.groups + g]; }
  double& precision(i64 g, int k) { return c_.precisions[k * f_.groups + g]; }
  float* weights(int k) { return c_.weights + k * f_.rows.n_rows; }
  float* sums(int k) { return c_.sums + k * n_rows_; }
  double tau() const { return c_.level[1]; }
  i64 start(i64 user) const { return r_.rows.indptr[user]; }
  i64 item(i64 n) const { return r_.rows.indices[n]; }
  float* item_noise() { return c_.noise + n_users_; }

  // What multiplies side 0 or 1 in a factor: the other's sums; a 1 in the linear part.
  float by_user(i64 user, int k) { return k == 0 ? 1.0f : sums(k)[user]; }
  float by_item(i64 item, int k) { return k == 0 ? 1.0f : sums(k)[n_users_ + item]; }

  // Sums and errors from the weights alone: steps leave rounding behind.
  void refresh() {
    std::fill(c_.sums, c_.sums + (c_.factors + 1) * n_rows_, 0.0f);
    for (int k = 0; k <= c_.factors; ++k)
      for (i64 f = 0; f < f_.rows.n_rows; ++f)
        for (i64 e = f_.rows.indptr[f]; e < f_.rows.indptr[f + 1]; ++e)
          sums(k)[f_.rows.indices[e]] += f_.rows.values[e] * weights(k)[f];
    for (i64 user = 0; user < n_users_; ++user)
      for (i64 n = start(user); n < start(user + 1); ++n) {
        float f = static_cast<float>(c_.level[0]) + sums(0)[user] + sums(0)[n_users_ + item(n)];
        for (int k = 1; k <= c_.factors; ++k) f += sums(k)[user] * by_item(item(n), k);
        c_.errors[n] = f + c_.drift[n] - r_.rows.values[n];
      }
  }

  // ω: the product of what person and item say.
  void weigh() {
    for (i64 user = 0; user < n_users_; ++user)
      for (i64 n = start(user); n < start(user + 1); ++n)
        omega_[at(n)] = c_.noise[user] * item_noise()[item(n)];
  }

  // How sure the ratings of each row of a side are: α ~ Gamma(ν/2, ν/2) a priori.
  void noise(int side) {
    weigh();
    const i64 first = side ? n_users_ : 0, size = side ? r_.n_items : n_users_;
    std::vector<double> squares(at(size)), counts(at(size));
    for (i64 user = 0; user < n_users_; ++user)
      for (i64 n = start(user); n < start(user + 1); ++n) {
        const double e = c_.errors[n];
        squares[at(side ? item(n) : user)] += omega_[at(n)] * e * e;
        counts[at(side ? item(n) : user)] += 1;
      }
    double& nu = c_.level[2 + side];
    double logs = 0, total = 0;
    for (i64 row = 0; row < size; ++row) {
      float& alpha = c_.noise[first + row];
      const double below = nu + tau() * squares[at(row)] / alpha;
      alpha = static_cast<float>(2 * stream_.gamma(0.5 * (nu + counts[at(row)])) / below);
      logs += std::log(alpha);
      total += alpha;
    }
    nu = evenness(nu, logs - total, static_cast<double>(size));
  }

  // ν by one step of a random walk on its logarithm; its prior falls as exp(−ν/20).
  double evenness(double nu, double known, double size) {
    const auto density = [&](double v) {
      const double half = 0.5 * v;
      return size * (half * std::log(half) - log_gamma(half)) + half * known + std::log(v) -
             0.05 * v;
    };
    const double next = nu * std::exp(stream_.normal() * 2.4 / std::sqrt(0.5 * size + 1));
    const bool taken = std::log(stream_.uniform()) < density(next) - density(nu);
    return taken && next > 1 ? next : nu;
  }

  // The precision τ of the noise, then w0.
  void level() {
    weigh();
    double squares = 0, errors = 0, total = 0;
    for (i64 n = 0; n < n_; ++n) {
      const double e = c_.errors[n], omega = omega_[at(n)];
      squares += omega * e * e;
      errors += omega * e;
      total += omega;
    }
    double& w0 = c_.level[0];
    c_.level[1] = stream_.gamma(0.5 * (1 + static_cast<double>(n_))) / (0.5 * (1 + squares));
    const double certain = 1 + tau() * total;
    const double next =
        tau() * (w0 * total - errors) / certain + stream_.normal() / std::sqrt(certain);
    const auto step = static_cast<float>(next - w0);
    for (i64 n = 0; n < n_; ++n) c_.errors[n] += step;
    w0 = next;
  }

  struct Seen {  // one look at a drift: how much was kept, mean and variance afterwards
    double kept, mean, variance;
  };

  // Forward through the ratings; returns the logarithm of their density, up to a constant.
  double filter(const Drift& drift, std::vector<Seen>& seen) {
    double total = 0, mean = 0, variance = 0;
    for (i64 n = 0; n < n_; ++n) {
      const double kept = drift.kept(r_.gaps[n]), sure = tau() * omega_[at(n)];
      const double before = drift.before(kept, variance);
      const double rest = static_cast<double>(c_.drift[n]) - c_.errors[n] - kept * mean;
      const double spread = 1 + before * sure, gain = before * sure / spread;
      total -= 0.5 * (std::log(spread) + rest * rest * sure / spread);
      mean = kept * mean + gain * rest;
      variance = before / spread;
      seen[at(n)] = {kept, mean, variance};
    }
    return total;
  }

  // Of a drift before anything was seen: logarithms are normal, wide about 0.05 and a usual length.
  double expected(const double* drift) const {
    const double size = std::log(drift[0] / 0.05) / 2, length = std::log(drift[1] / c_.level[8]) / 3;
    return -0.5 * (size * size + length * length);
  }

  // Size or length of the drift by a Metropolis step with the drift integrated out, then the drift
  // itself from the last rating to the first.
  void drift() {
    std::vector<Seen> seen(at(n_)), other(at(n_));
    double* now = c_.level + 4;
    double& width = c_.level[6 + step_.sweep % 2];
    double next[2] = {now[0], now[1]};
    next[step_.sweep % 2] *= std::exp(width * stream_.normal());
    const double gain = filter({next[0], next[1]}, other) - filter({now[0], now[1]}, seen) +
                        expected(next) - expected(now);
    const bool taken = std::log(stream_.uniform()) < gain;
    if (step_.adapt) width = std::min(1.0, width * (taken ? 1.3 : 0.9));
    if (taken) now[0] = next[0], now[1] = next[1], seen.swap(other);
    const Drift drift{now[0], now[1]};
    double later = 0, kept = 0;
    for (i64 n = n_ - 1; n >= 0; --n) {
      const Seen& here = seen[at(n)];
      const double gain = kept * here.variance / drift.before(kept, here.variance);
      const double mean = here.mean + gain * (later - kept * here.mean);
      const double variance = here.variance * std::max(0.0, 1 - gain * kept);
      later = mean + std::sqrt(variance) * stream_.normal();
      kept = here.kept;
      c_.errors[n] += static_cast<float>(later) - c_.drift[n];
      c_.drift[n] = static_cast<float>(later);
    }
  }

  // Mean and precision of a group given its weights: normal-gamma, prior (0, 1, ½, ½).
  void spread(i64 g, int k) {
    const float* w = weights(k);
    const i64 first = f_.first[g], last = f_.first[g + 1];
    const auto size = static_cast<double>(last - first);
    double sum = 0, squares = 0;
    for (i64 f = first; f < last; ++f) {
      sum += w[f];
      squares += static_cast<double>(w[f]) * w[f];
    }
    const double below = 0.5 * (1 + squares - sum * sum / (1 + size));
    precision(g, k) = stream_.gamma(0.5 * (1 + size)) / below;
    mean(g, k) = sum / (1 + size) + stream_.normal() / std::sqrt(precision(g, k) * (1 + size));
  }

  // Errors follow the items' move in the last factor, and the cells of people are summed.
  void people(int k) {
    for (i64 i = 0; i < r_.n_items; ++i) items_[at(i)].next = by_item(i, k);
    for (i64 user = 0; user < n_users_; ++user) {
      const float by = k == 0 ? 0.0f : by_user(user, k - 1);
      float s1[AT_ONCE] = {}, s2[AT_ONCE] = {};
      const i64 last = start(user + 1);
      i64 n = start(user);
      const auto take = [&](i64 n, int lane) {
        const Item& other = items_[at(item(n))];
        const float e = c_.errors[n] + by * other.moved, pull = omega_[at(n)] * other.next;
        c_.errors[n] = e;
        s1[lane] += pull * e;
        s2[lane] += pull * other.next;
      };
      for (; n + AT_ONCE <= last; n += AT_ONCE)
        for (int lane = 0; lane < AT_ONCE; ++lane) take(n + lane, lane);
      for (; n < last; ++n) take(n, 0);
      const float sum = sums(k)[user];
      cells_[at(user)] = {(s1[0] + s1[1]) + (s1[2] + s1[3]), (s2[0] + s2[1]) + (s2[2] + s2[3]), sum,
                          sum};
    }
  }

  // Errors follow the people's move, and the cells of items are summed.
  void things(int k) {
    Cell* cells = cells_.data() + n_users_;
    for (i64 i = 0; i < r_.n_items; ++i) {
      const float sum = sums(k)[n_users_ + i];
      cells[i] = {0, 0, sum, sum};
    }
    for (i64 user = 0; user < n_users_; ++user) {
      const float moved = cells_[at(user)].sum - cells_[at(user)].before, by = by_user(user, k);
      for (i64 n = start(user); n < start(user + 1); ++n) {
        const float e = c_.errors[n] + moved * items_[at(item(n))].next;
        const float pull = omega_[at(n)] * by;
        Cell& cell = cells[item(n)];
        c_.errors[n] = e;
        cell.s1 += pull * e;
        cell.s2 += pull * by;
      }
    }
  }

  // Every weight of a side given all others.
  void side(int side, int k) {
    for (i64 g = 0; g < f_.groups; ++g)
      if (f_.side[g] == side) features(g, k);
    const i64 first = side ? n_users_ : 0, last = side ? n_rows_ : n_users_;
    for (i64 row = first; row < last; ++row) {
      const Cell& cell = cells_[at(row)];
      sums(k)[row] = cell.sum;
      if (side) items_[at(row - first)].moved = cell.sum - cell.before;
    }
  }

  void features(i64 g, int k) {
    const double certain = precision(g, k), pulled = certain * mean(g, k);
    float* w = weights(k);
    for (i64 f = f_.first[g]; f < f_.first[g + 1]; ++f) {
      const i64 begin = f_.rows.indptr[f], end = f_.rows.indptr[f + 1];
      double s1 = 0, s2 = 0;
      for (i64 e = begin; e < end; ++e) {
        const Cell& cell = cells_[at(f_.rows.indices[e])];
        const float x = f_.rows.values[e];
        s1 += x * cell.s1;
        s2 += x * x * cell.s2;
      }
      const double below = certain + tau() * s2;
      const auto next = static_cast<float>((pulled + tau() * (w[f] * s2 - s1)) / below +
                                           stream_.normal() / std::sqrt(below));
      const float step = next - w[f];
      w[f] = next;
      for (i64 e = begin; e < end; ++e) {
        Cell& cell = cells_[at(f_.rows.indices[e])];
        const float by = f_.rows.values[e] * step;
        cell.s1 += by * cell.s2;
        cell.sum += by;
      }
    }
  }

  // Errors follow the last move of the items.
  void settle() {
    for (i64 user = 0; user < n_users_; ++user)
      for (i64 n = start(user); n < start(user + 1); ++n)
        c_.errors[n] += by_user(user, c_.factors) * items_[at(item(n))].moved;
  }

  const GibbsRatings& r_;
  const GibbsFeatures& f_;
  const GibbsChain& c_;
  const GibbsStep& step_;
  Stream stream_;
  i64 n_users_, n_rows_, n_;
  std::vector<Cell> cells_;
  std::vector<Item> items_;
  std::vector<float> omega_;
};

}  // namespace

bool gibbs_sweep(const GibbsRatings& ratings, const GibbsFeatures& features,
                 const std::vector<GibbsChain>& chains, std::uint64_t seed, i64 sweep, bool adapt,
                 const Run& run) {
  return parallel(static_cast<i64>(chains.size()), run, [&](i64 chain, int) {
    const std::uint64_t key = drawn(drawn(seed, static_cast<std::uint64_t>(chain)),
                                    static_cast<std::uint64_t>(sweep));
    Sweep(ratings, features, chains[at(chain)], {key, sweep, adapt}).run();
  });
}

}  // namespace penchant
