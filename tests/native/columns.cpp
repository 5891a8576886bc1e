// Item-item models: co-counts, their inverse, and sparse regressions; and pairs of BPR.
#include "check.hpp"

namespace penchant {
namespace {

std::vector<float> counted(const Sparse& x, const Run& run) {
  std::vector<float> out(static_cast<std::size_t>(x.n_columns * x.n_columns));
  CHECK(co_counts(x.rows(), x.n_columns, out.data(), run) == -1);
  return out;
}

template <class Real>
void inverted(i64 n) {
  const Sparse x(n + 30, n, 12, true, 31);
  const auto G = counted(x, {});
  std::vector<Real> A(G.begin(), G.end());
  for (i64 i = 0; i < n; ++i) A[static_cast<std::size_t>(i * n + i)] += 3;
  const auto inverse = on_any_threads<std::vector<Real>>([&](const Run& run) {
    std::vector<Real> out = A;
    CHECK(spd_inverse(out.data(), n, run) == -1);
    return out;
  });
  for (i64 i = 0; i < n; i += 13)
    for (i64 j = 0; j < n; j += 7) {
      double sum = 0;
      for (i64 k = 0; k < n; ++k)
        sum += static_cast<double>(A[static_cast<std::size_t>(i * n + k)]) *
               static_cast<double>(inverse[static_cast<std::size_t>(k * n + j)]);
      CHECK(near(sum, i == j));
    }
}

void regressed(i64 n) {
  const Sparse x(80, n, 15, false, 33);
  const auto G =
      on_any_threads<std::vector<float>>([&](const Run& run) { return counted(x, run); });
  for (i64 i = 0; i < n; i += 5)
    for (i64 j = 0; j < n; j += 3) {
      double sum = 0;
      for (i64 r = 0; r < 80; ++r) sum += x.at(r, i) * x.at(r, j);
      CHECK(G[static_cast<std::size_t>(i * n + j)] == static_cast<float>(sum));
    }
  on_any_threads<std::vector<float>>([&](const Run& run) {
    OwnedRows out;
    CHECK(slim_columns(x.rows(), n, {0.5f, 2.0f, 10, -1, true, 100, 1e-5f}, out, run));
    for (const float w : out.values) CHECK(w > 0);
    return out.values;
  });
}

void paired(int d) {
  constexpr i64 USERS = 70, ITEMS = 90;
  const Sparse likes(USERS, ITEMS, 30, false, 35);
  const i64 n = likes.indptr.back(), blocks = pair_blocks(n, ITEMS);
  std::vector<i32> users(static_cast<std::size_t>(n)), items(users.size());
  std::vector<i64> starts(static_cast<std::size_t>(blocks) + 1);
  pair_plan(likes.rows(), 1, blocks, users.data(), items.data(), starts.data());
  const PairPlan plan{users.data(), items.data(), starts.data(), blocks, n, ITEMS, 1};
  const auto Q = on_any_threads<std::vector<float>>([&](const Run& run) {
    std::vector<i32> pairs(static_cast<std::size_t>(3 * n));
    std::vector<i64> bounds(static_cast<std::size_t>(blocks * blocks) + 1);
    CHECK(draw_pairs(plan, 2, pairs.data(), bounds.data(), run));
    std::vector<float> P = reals(USERS * d, 36), V = reals(ITEMS * d, 37), bias(ITEMS);
    PairCount count{};
    CHECK(bpr_sgd(pairs.data(), bounds.data(), blocks, {P.data(), V.data(), bias.data(), d},
                  {0.05f, 0.01f, 0.01f}, count, run));
    return V;
  });
  const std::vector<float> bias(ITEMS), weights(10, 9.0f),
      ridge(static_cast<std::size_t>(USERS * d), 0.1f);
  on_any_threads<std::vector<float>>([&](const Run& run) {
    std::vector<float> out(static_cast<std::size_t>(USERS * d));
    const PairModel model{Q.data(), bias.data(), Q.data(), bias.data(), weights.data(), 10, d};
    CHECK(pair_taste(likes.rows(), model, ridge.data(), out.data(), run) == -1);
    return out;
  });
}

}  // namespace

void test_columns() {
  for (const i64 n : {1, 30, 200}) {
    inverted<float>(n);
    inverted<double>(n);
    regressed(n);
  }
  for (const int d : {1, 17, 64}) paired(d);
}

}  // namespace penchant
