// Draws of a factorisation: chains that stay whole, and people folded in.
#include <limits>
#include <numeric>

#include "check.hpp"

namespace penchant {
namespace {

constexpr i64 USERS = 30, ITEMS = 25;
constexpr int FACTORS = 3, CHAINS = 3;

std::vector<double> gaps_of(const Sparse& x) {
  std::vector<double> gaps(x.indices.size());
  Random random(41);
  for (double& gap : gaps) gap = 30.0 * (1 + random.real());
  for (const i64 first : x.indptr)
    if (first < static_cast<i64>(gaps.size()))
      gaps[first] = std::numeric_limits<double>::infinity();
  return gaps;
}

// One feature per person and item, and the bag of each person.
struct Features {
  std::vector<i64> indptr{0};
  std::vector<i32> indices;
  std::vector<float> values;

  explicit Features(const Sparse& x) {
    for (i32 row = 0; row < USERS; ++row) add({row}, 1);
    for (i32 item = 0; item < ITEMS; ++item) {
      std::vector<i32> people;
      for (i64 r = 0; r < USERS; ++r)
        for (i64 e = x.indptr[r]; e < x.indptr[r + 1]; ++e)
          if (x.indices[e] == item) people.push_back(static_cast<i32>(r));
      add(people, 0.5f);
    }
    for (i32 item = 0; item < ITEMS; ++item) add({static_cast<i32>(USERS) + item}, 1);
  }
  void add(const std::vector<i32>& rows, float value) {
    indices.insert(indices.end(), rows.begin(), rows.end());
    values.insert(values.end(), rows.size(), value);
    indptr.push_back(static_cast<i64>(indices.size()));
  }
  i64 size() const { return static_cast<i64>(indptr.size()) - 1; }
};

struct Chains {
  std::vector<double> level, means, precisions;
  std::vector<float> weights, sums, errors, drift, noise;

  Chains(i64 n, i64 features, i64 groups) {
    const i64 high = CHAINS * (1 + FACTORS);
    for (int c = 0; c < CHAINS; ++c)
      for (const double start : {0.0, 1.0, 10.0, 10.0, 0.05, 60.0, 0.3, 0.3, 60.0})
        level.push_back(start);
    means.assign(high * groups, 0);
    precisions.assign(high * groups, 1);
    weights = reals(high * features, 43);
    sums.assign(high * (USERS + ITEMS), 0);
    errors.assign(CHAINS * n, 0);
    drift.assign(CHAINS * n, 0);
    noise.assign(CHAINS * (USERS + ITEMS), 1);
  }
  std::vector<GibbsChain> all(i64 n, i64 features, i64 groups) {
    std::vector<GibbsChain> out;
    for (i64 c = 0; c < CHAINS; ++c) {
      const i64 high = c * (1 + FACTORS), rows = USERS + ITEMS;
      out.push_back({FACTORS, &level[c * 9], &weights[high * features], &means[high * groups],
                     &precisions[high * groups], &sums[high * rows], &errors[c * n], &drift[c * n],
                     &noise[c * rows]});
    }
    return out;
  }
};

// Errors stay those of the weights, whatever the number of threads.
void sampled(const Sparse& x, bool drifts) {
  const auto gaps = gaps_of(x);
  const Features features(x);
  const std::vector<i64> first{0, USERS, USERS + ITEMS, features.size()};
  const std::vector<unsigned char> side{0, 0, 1};
  const i64 n = x.indptr.back();
  const GibbsRatings ratings{x.rows(), ITEMS, drifts ? gaps.data() : nullptr};
  const GibbsFeatures having{
      {features.indptr.data(), features.indices.data(), features.values.data(), features.size()},
      first.data(),
      side.data(),
      3};
  const auto weights = on_any_threads<std::vector<float>>([&](const Run& run) {
    Chains chains(n, features.size(), 3);
    for (i64 sweep = 0; sweep < 6; ++sweep)
      CHECK(gibbs_sweep(ratings, having, chains.all(n, features.size(), 3), 7, sweep, sweep < 3,
                        run));
    for (i64 r = 0; r < USERS; ++r)
      for (i64 e = x.indptr[r]; e < x.indptr[r + 1]; ++e) {
        const auto sum = [&](int k, i64 row) { return chains.sums[k * (USERS + ITEMS) + row]; };
        double f = chains.level[0] + chains.drift[e] + sum(0, r) + sum(0, USERS + x.indices[e]);
        for (int k = 1; k <= FACTORS; ++k) f += sum(k, r) * sum(k, USERS + x.indices[e]);
        CHECK(near(chains.errors[e], f - x.values[e]));
      }
    return chains.weights;
  });
  for (const float weight : weights) CHECK(std::isfinite(weight));
}

// The normal equations hold: without a drift, ridge · x = Σ v g.
void folded(i64 draws, int d, bool drifts) {
  const Sparse x(USERS, ITEMS, 12, true, 44);
  const auto gaps = gaps_of(x);
  const i64 n = x.indptr.back();
  const auto vectors = reals(ITEMS * draws * d, 45), targets = reals(n * draws, 46);
  const auto ridge = reals(draws * (d + 1), 47, 0.5f), noise = reals(ITEMS * draws, 48, 0.5f);
  const auto alpha = reals(USERS, 49, 0.5f);
  const std::vector<double> tau(draws, 1.5);
  std::vector<double> drift;
  for (i64 draw = 0; draw < draws; ++draw) drift.insert(drift.end(), {0.2, 50.0});
  const FoldDraws model{draws,        d,          vectors.data(), ridge.data(),
                        noise.data(), tau.data(), drift.data()};
  const FoldHistories h{x.rows(), drifts ? gaps.data() : nullptr, targets.data(), alpha.data()};
  std::vector<double> evidence(USERS * draws);
  const auto taste = on_any_threads<std::vector<float>>([&](const Run& run) {
    std::vector<float> out(USERS * draws * (d + 1)), duals(n * draws);
    CHECK(fold_draws(model, h, {out.data(), duals.data(), evidence.data()}, run) == -1);
    for (i64 r = 0; r < USERS; ++r)
      for (i64 draw = 0; draw < draws; ++draw)
        for (int k = 0; k <= d; ++k) {
          double pull = 0;
          for (i64 e = x.indptr[r]; e < x.indptr[r + 1]; ++e)
            pull += duals[e * draws + draw] *
                    (k < d ? vectors[(x.indices[e] * draws + draw) * d + k] : 1.0f);
          CHECK(near(out[(r * draws + draw) * (d + 1) + k], pull / ridge[draw * (d + 1) + k]));
        }
    return out;
  });
  std::vector<float> likeness(n * draws);
  CHECK(drift_likeness(x.rows(), gaps.data(), drift.data(), draws, likeness.data(), {}));
  for (const float one : likeness) CHECK(one > 0 && one <= 0.2f * 1.001f);
}

}  // namespace

void test_gibbs() {
  const Sparse x(USERS, ITEMS, 12, true, 40);
  sampled(x, false);
  sampled(x, true);
  for (const bool drifts : {false, true})
    for (const int d : {0, 3, 20}) folded(11, d, drifts);
}

}  // namespace penchant
