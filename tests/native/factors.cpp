// Vectors as solutions: rows solved three ways, and Σ w v vᵀ.
#include <limits>

#include "check.hpp"

namespace penchant {
namespace {

// A problem with or without each of its parts; what is left out stands as ones or zeros for the
// twin.
struct Problem {
  static constexpr i64 N_ROWS = 37, N_ITEMS = 260;  // rows of up to some 160
  int d;
  bool full;
  Sparse rows;
  std::vector<float> targets, items, ridge, scale, gram_of, start;

  Problem(int width, bool weighted, bool with_all)
      : d(width),
        full(with_all),
        rows(N_ROWS, N_ITEMS, N_ITEMS, weighted, 11),
        targets(full ? reals(rows.indptr.back(), 13) : std::vector<float>(rows.indptr.back(), 1)),
        items(reals(N_ITEMS * d, 12)),
        ridge(reals(d, 14, 0.5f)),
        scale(full ? reals(N_ROWS, 15, 0.5f) : std::vector<float>(N_ROWS, 1)),
        gram_of(d * d),
        start(reals(N_ROWS * d, 16)) {
    if (full) CHECK(gram(items.data(), N_ITEMS, d, nullptr, gram_of.data(), {}));
  }

  Ridge ridge_of(i64 first, i64 n) const {
    Rows some = rows.rows();
    some.indptr += first;
    some.n_rows = n;
    return {some,
            full ? targets.data() : nullptr,
            items.data(),
            N_ITEMS,
            d,
            ridge.data(),
            full ? scale.data() + first : nullptr,
            full ? gram_of.data() : nullptr};
  }

  // Σ w (t − v·x)² + xᵀ(G + c ridge) x of one row, and the squared length of half its gradient.
  double loss(i64 r, const float* x, double& gradient) const {
    std::vector<double> pull(d);
    double sum = 0;
    for (int i = 0; i < d; ++i) {
      pull[i] = static_cast<double>(scale[r]) * ridge[i] * x[i];
      for (int k = 0; k < d; ++k) pull[i] += static_cast<double>(gram_of[i * d + k]) * x[k];
      sum += x[i] * pull[i];
    }
    for (i64 e = rows.indptr[r]; e < rows.indptr[r + 1]; ++e) {
      const float* v = items.data() + static_cast<i64>(rows.indices[e]) * d;
      double error = targets[e];
      for (int k = 0; k < d; ++k) error -= static_cast<double>(v[k]) * x[k];
      const double w = rows.rows().value(e);
      sum += w * error * error;
      for (int k = 0; k < d; ++k) pull[k] -= w * error * v[k];
    }
    gradient = 0;
    for (const double one : pull) gradient += one * one;
    return sum;
  }
};

using Solved = std::pair<std::vector<float>, std::vector<double>>;

Solved solved(const Problem& p, Method method, int steps, const Run& run) {
  Solved out{std::vector<float>(Problem::N_ROWS * p.d), std::vector<double>(Problem::N_ROWS)};
  const Descent how{method, method == Method::exact ? nullptr : p.start.data(), steps, 16};
  CHECK(solve_rows(p.ridge_of(0, Problem::N_ROWS), how, out.first.data(), out.second.data(), run) ==
        -1);
  return out;
}

void check_rows(const Problem& p, Method method) {
  const auto [x, reached] = on_any_threads<Solved>(
      [&](const Run& run) { return solved(p, method, p.d < 130 ? 4 : 1, run); });
  for (i64 r = 0; r < Problem::N_ROWS; ++r) {
    double gradient = 0, slope = 0;
    const double loss = p.loss(r, x.data() + r * p.d, gradient),
                 before = p.loss(r, p.start.data() + r * p.d, slope);
    CHECK(near(reached[r], loss, 5e-3) && loss < before * 1.0001);
    if (p.rows.indptr[r] == p.rows.indptr[r + 1])
      CHECK(std::all_of(x.data() + r * p.d, x.data() + (r + 1) * p.d,
                        [](float one) { return one == 0; }));
    else if (method == Method::exact)
      CHECK(gradient < 1e-4);
  }
}

// Descents arrive where the exact solution is.
void arrives(const Problem& p, Method method) {
  const Solved exact = solved(p, Method::exact, 0, {}), x = solved(p, method, 60, {});
  for (std::size_t at = 0; at < x.first.size(); ++at)
    CHECK(near(x.first[at], exact.first[at], 1e-2));
}

// Folding in is solving with a scale by length, and ranking what comes of it.
void folds_in(const Problem& p) {
  const Panels panels(p.items.data(), Problem::N_ITEMS, p.d, nullptr, {});
  const FoldIn model{
      panels, p.items.data(), p.ridge.data(), p.full ? p.gram_of.data() : nullptr, 0.5, 4.0};
  std::vector<float> scale;
  for (i64 r = 0; r < Problem::N_ROWS; ++r)
    scale.push_back(std::sqrt(static_cast<float>(p.rows.indptr[r + 1] - p.rows.indptr[r] + 4)));
  Ridge same = p.ridge_of(0, Problem::N_ROWS);
  same.scale = scale.data();
  std::vector<float> expected(Problem::N_ROWS * p.d), x(expected);
  CHECK(solve_rows(same, {Method::exact, nullptr, 1, 16}, expected.data(), nullptr, {}) == -1);
  CHECK(fold_in(model, p.rows.rows(), same.targets, x.data(), {}) == -1);
  CHECK(x == expected);
  using Lists = std::pair<std::vector<i32>, std::vector<float>>;
  const Rows met = p.rows.rows();
  const Filter filter{&met, nullptr, nullptr, true};
  const Lists wanted = on_any_threads<Lists>([&](const Run& run) {
    Lists out{std::vector<i32>(Problem::N_ROWS * 7), std::vector<float>(Problem::N_ROWS * 7)};
    CHECK(fold_in_best(model, met, same.targets, 7, filter, out.first.data(), out.second.data(),
                       run) == -1);
    return out;
  });
  Lists got = wanted;
  top_k(panels, x.data(), Problem::N_ROWS, 7, filter, got.first.data(), got.second.data(), {});
  CHECK(got == wanted);
  for (std::size_t at = 0; at < got.first.size(); ++at)
    CHECK((got.first[at] >= 0) == (got.second[at] > 0));
}

// A row alone has the bytes it has in a crowd.
void alone(const Problem& p, Method method) {
  const auto together = solved(p, method, 2, {}).first;
  for (i64 r = 0; r < Problem::N_ROWS; r += 6) {
    std::vector<float> x(p.d);
    const Descent how{method, p.start.data() + r * p.d, 2, 16};
    CHECK(solve_rows(p.ridge_of(r, 1), how, x.data(), nullptr, {}) == -1);
    CHECK(std::equal(x.begin(), x.end(), together.begin() + r * p.d));
  }
}

void solves(int d) {
  for (const bool weighted : {false, true})
    for (const bool full : {false, true}) {
      if (d > 100 && weighted != full) continue;
      const Problem p(d, weighted, full);
      folds_in(p);
      for (const Method method : {Method::exact, Method::conjugate, Method::blocks}) {
        check_rows(p, method);
        alone(p, method);
        if (method != Method::exact && d < 16) arrives(p, method);
        CHECK(solve_rows(p.ridge_of(0, 0), {method, p.start.data(), 2, 16}, nullptr, nullptr, {}) ==
              -1);
      }
    }
}

// Rows without a ridge: the first with too few items is named, one of enough is solved in float64.
void singular(Method method) {
  constexpr int D = 17;
  constexpr i64 LENGTHS[] = {40, 40, 3, 40, 2};
  const auto items = reals(40 * D, 18);
  const std::vector<float> ridge(D), start(5 * D);
  std::vector<i64> indptr{0};
  std::vector<i32> indices;
  for (const i64 n : LENGTHS) {
    for (i64 i = 0; i < n; ++i) indices.push_back(static_cast<i32>(i));
    indptr.push_back(static_cast<i64>(indices.size()));
  }
  for (const int threads : {1, 2, 7}) {
    Run run;
    run.threads = threads;
    std::vector<float> x(5 * D), targets(indices.size(), 1);
    Ridge p{{indptr.data(), indices.data(), nullptr, 2},
            targets.data(),
            items.data(),
            40,
            D,
            ridge.data(),
            nullptr,
            nullptr};
    CHECK(solve_rows(p, {method, start.data(), 5, 16}, x.data(), nullptr, run) == -1);
    targets[1] = std::numeric_limits<float>::infinity();
    CHECK(solve_rows(p, {method, start.data(), 5, 16}, x.data(), nullptr, run) == -3);
    const std::vector<float> zeros(40 * D);
    p.items = zeros.data();
    p.rows.n_rows = 5;
    if (method == Method::exact)
      CHECK(solve_rows(p, {method, nullptr, 0, 0}, x.data(), nullptr, run) == 0);
  }
}

void summed(i64 n_items, int d, bool weighted) {
  const auto items = reals(n_items * d, 61), weights = reals(n_items, 62, 0.0f);
  const auto out = on_any_threads<std::vector<float>>([&](const Run& run) {
    std::vector<float> to(d * d);
    CHECK(gram(items.data(), n_items, d, weighted ? weights.data() : nullptr, to.data(), run));
    return to;
  });
  for (int i = 0; i < d; ++i)
    for (int j = 0; j < d; j += 3) {
      double sum = 0;
      for (i64 r = 0; r < n_items; ++r)
        sum += static_cast<double>(weighted ? weights[r] : 1) * items[r * d + i] * items[r * d + j];
      CHECK(near(out[i * d + j], sum, 1e-4) && out[i * d + j] == out[j * d + i]);
    }
}

}  // namespace

void test_factors() {
  for (const int d : {1, 15, 16, 17, 64, 112, 128, 130}) {
    solves(d);
    for (const bool weighted : {false, true})
      for (const i64 n_items : {0, 1, 150}) summed(n_items, d, weighted);
  }
  singular(Method::exact);
  singular(Method::blocks);
}

}  // namespace penchant
