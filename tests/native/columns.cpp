// Item-item models: co-counts, inverses, and sparse regressions.
#include "check.hpp"

namespace penchant {
namespace {

using Dense = std::vector<std::vector<double>>;

// XᵀX in double precision.
Dense products(const Sparse& x) {
  Dense out(x.n_columns, std::vector<double>(x.n_columns));
  for (i64 r = 0; r < x.rows().n_rows; ++r)
    for (i64 a = x.indptr[r]; a < x.indptr[r + 1]; ++a)
      for (i64 b = x.indptr[r]; b < x.indptr[r + 1]; ++b)
        out[x.indices[a]][x.indices[b]] +=
            static_cast<double>(x.rows().value(a)) * x.rows().value(b);
  return out;
}

void counted(const Sparse& x) {
  const i64 n = x.n_columns;
  const auto G = on_any_threads<std::vector<float>>([&](const Run& run) {
    std::vector<float> out(n * n);
    CHECK(co_counts(x.rows(), n, out.data(), run) == -1);
    return out;
  });
  const Dense expected = products(x);
  for (i64 at = 0; at < n * n; ++at) CHECK(near(G[at], expected[at / n][at % n], 1e-5));
}

void doubled() {
  const std::vector<i64> indptr{0, 2, 2, 5};
  const std::vector<i32> indices{0, 1, 2, 0, 2};
  std::vector<float> out(9);
  CHECK(co_counts({indptr.data(), indices.data(), nullptr, 3}, 3, out.data(), {}) == 2);
}

template <class Real>
void inverted(i64 n) {
  const Dense G = products(Sparse(n + 30, n, 9, true, 31));
  std::vector<Real> A;
  for (const auto& row : G) A.insert(A.end(), row.begin(), row.end());
  for (i64 i = 0; i < n; ++i) A[i * n + i] += 3;
  const auto inverse = on_any_threads<std::vector<Real>>([&](const Run& run) {
    std::vector<Real> out = A;
    for (i64 i = 0; i < n; ++i)
      for (i64 j = i + 1; j < n; ++j) out[i * n + j] = 7;  // the upper half is not asked
    CHECK(spd_inverse(out.data(), n, run) == -1);
    return out;
  });
  for (i64 i = 0; i < n; i += 13)
    for (i64 j = 0; j < n; j += 7) {
      double sum = 0;
      for (i64 k = 0; k < n; ++k) sum += static_cast<double>(A[i * n + k]) * inverse[k * n + j];
      CHECK(near(sum, i == j) && inverse[i * n + j] == inverse[j * n + i]);
    }
}

void indefinite(i64 n, i64 row) {
  for (const int threads : {1, 2, 7}) {
    Run run;
    run.threads = threads;
    std::vector<float> A(n * n);
    for (i64 i = 0; i < n; ++i) A[i * n + i] = i < row ? 2 : -1;
    CHECK(spd_inverse(A.data(), n, run) == row);
  }
}

OwnedRows regressed(const Sparse& x, const Slim& how, const Run& run) {
  OwnedRows out;
  CHECK(slim_columns(x.rows(), x.n_columns, how, out, run));
  CHECK(static_cast<i64>(out.indptr.size()) == x.n_columns + 1);
  return out;
}

// What pulls at a weight is what its damping holds, and nothing outside would move.
void check_column(const Dense& G, i64 j, const Slim& how, const std::vector<double>& w) {
  for (std::size_t i = 0; i < w.size(); ++i) {
    if (static_cast<i64>(i) == j) {
      CHECK(w[i] == 0);
      continue;
    }
    double z = G[i][j];
    for (std::size_t k = 0; k < w.size(); ++k) z -= G[i][k] * w[k];
    if (w[i] != 0)
      CHECK(std::abs(z - how.l2 * w[i] - (w[i] > 0 ? how.l1 : -how.l1)) < 2e-2);
    else
      CHECK(z < how.l1 + 2e-2 && (how.positive || z > -how.l1 - 2e-2));
    CHECK(!how.positive || w[i] >= 0);
  }
}

void regresses(const Sparse& x, const Slim& how) {
  using Found = std::pair<std::vector<i32>, std::vector<float>>;
  std::vector<i64> indptr;
  const auto [ids, values] = on_any_threads<Found>([&](const Run& run) {
    OwnedRows out = regressed(x, how, run);
    indptr = out.indptr;
    return Found{out.indices, out.values};
  });
  const Dense G = products(x);
  for (i64 j = 0; j < x.n_columns; ++j) {
    std::vector<double> w(x.n_columns);
    for (i64 e = indptr[j]; e < indptr[j + 1]; ++e) {
      CHECK(e == indptr[j] || values[e - 1] >= values[e]);
      w[ids[e]] = values[e];
    }
    CHECK(indptr[j + 1] - indptr[j] <= how.k);
    if (how.candidates < 0 && how.k >= x.n_columns)
      check_column(G, j, how, w);
    else if (how.candidates >= 0)
      CHECK(indptr[j + 1] - indptr[j] <= how.candidates);
  }
}

}  // namespace

// More items than are kept as a square of products.
void test_large_catalogue() {
  const Sparse x(60, 8200, 6, false, 39);
  Run two;
  two.threads = 2;
  const Slim how{0.1f, 2.0f, 10, -1, true, 20, 1e-4f};
  const OwnedRows one = regressed(x, how, {}), other = regressed(x, how, two);
  CHECK(one.indices == other.indices && one.values == other.values && !one.values.empty());
}

void test_columns() {
  for (const bool weighted : {false, true}) {
    for (const i64 n : {0, 1, 30, 150}) {
      const Sparse x(80, n, 15, weighted, 33);
      counted(x);
      for (const bool positive : {false, true})
        regresses(x, {0.5f, 2.0f, n + 1, -1, positive, 200, 1e-6f});
      regresses(x, {0.5f, 2.0f, 3, -1, true, 100, 1e-5f});
      regresses(x, {0.5f, 2.0f, 10, 4, true, 100, 1e-5f});
      regresses(x, {0.0f, 0.5f, 10, 0, false, 100, 1e-5f});
    }
    counted(Sparse(0, 5, 3, weighted, 33));
    regresses(Sparse(0, 5, 3, weighted, 33), {0.5f, 0.0f, 3, -1, true, 100, 1e-5f});
  }
  doubled();
  for (const i64 n : {0, 1, 30, 200, 400}) inverted<float>(n);
  for (const i64 n : {0, 1, 200}) inverted<double>(n);
  indefinite(1, 0);
  indefinite(300, 5);
  indefinite(300, 250);
}

}  // namespace penchant
