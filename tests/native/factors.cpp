// Learning vectors: rows solved three ways, gradient descents, and a person's vector.
#include "check.hpp"

namespace penchant {
namespace {

// Σ w (t − v·x)² + xᵀ(G + c ridge) x of one row, and whether x is where its gradient vanishes.
struct Twin {
  const Sparse& rows;
  const std::vector<float>&targets, &items, &ridge, &scale, &gram;
  int d;

  double loss(i64 r, const float* x, double& gradient) const {
    std::vector<double> pull(static_cast<std::size_t>(d));
    double sum = 0;
    for (int i = 0; i < d; ++i) {
      double all = static_cast<double>(scale[static_cast<std::size_t>(r)]) *
                   ridge[static_cast<std::size_t>(i)] * x[i];
      for (int k = 0; k < d; ++k)
        all += static_cast<double>(gram[static_cast<std::size_t>(i * d + k)]) * x[k];
      pull[static_cast<std::size_t>(i)] = all;
      sum += x[i] * all;
    }
    for (i64 e = rows.indptr[static_cast<std::size_t>(r)];
         e < rows.indptr[static_cast<std::size_t>(r) + 1]; ++e) {
      const float* v =
          items.data() + static_cast<i64>(rows.indices[static_cast<std::size_t>(e)]) * d;
      double error = targets[static_cast<std::size_t>(e)];
      for (int k = 0; k < d; ++k) error -= static_cast<double>(v[k]) * x[k];
      const double w = rows.rows().value(e);
      sum += w * error * error;
      for (int k = 0; k < d; ++k) pull[static_cast<std::size_t>(k)] -= w * error * v[k];
    }
    gradient = 0;
    for (const double one : pull) gradient += one * one;
    return sum;
  }
};

void solved(int d, bool weighted) {
  constexpr i64 ROWS_ASKED = 45, ITEMS = 60;
  const Sparse rows(ROWS_ASKED, ITEMS, 60, weighted, 11);
  const auto items = reals(ITEMS * d, 12), targets = reals(rows.indptr.back(), 13);
  const auto ridge = reals(d, 14, 0.5f), scale = reals(ROWS_ASKED, 15, 0.5f),
             start = reals(ROWS_ASKED * d, 16);
  std::vector<float> gram_of(static_cast<std::size_t>(d * d));
  CHECK(gram(items.data(), ITEMS, d, nullptr, gram_of.data(), {}));
  const Twin twin{rows, targets, items, ridge, scale, gram_of, d};
  const Ridge problem{rows.rows(), targets.data(), items.data(), ITEMS,
                      d,           ridge.data(),   scale.data(), gram_of.data()};
  for (const Method method : {Method::exact, Method::conjugate, Method::blocks}) {
    const Descent how{method, method == Method::exact ? nullptr : start.data(), 60, 16};
    std::vector<double> reached(ROWS_ASKED);
    const auto x = on_any_threads<std::vector<float>>([&](const Run& run) {
      std::vector<float> out(static_cast<std::size_t>(ROWS_ASKED * d));
      CHECK(solve_rows(problem, how, out.data(), reached.data(), run) == -1);
      return out;
    });
    for (i64 r = 0; r < ROWS_ASKED; ++r) {
      double gradient = 0;
      const double loss = twin.loss(r, x.data() + r * d, gradient);
      CHECK(near(reached[static_cast<std::size_t>(r)], loss, 5e-3));
      if (method == Method::exact &&
          rows.indptr[static_cast<std::size_t>(r)] < rows.indptr[static_cast<std::size_t>(r) + 1])
        CHECK(gradient < 1e-4);
    }
  }
}

void descended(int d) {
  constexpr i64 USERS = 50, ITEMS = 40;
  const Sparse likes(USERS, ITEMS, 25, false, 21);
  const i64 n = likes.indptr.back(), blocks = schedule_size(n, false);
  std::vector<i32> users;
  for (i64 u = 0; u < USERS; ++u)
    users.insert(users.end(),
                 static_cast<std::size_t>(likes.indptr[static_cast<std::size_t>(u) + 1] -
                                          likes.indptr[static_cast<std::size_t>(u)]),
                 static_cast<i32>(u));
  std::vector<i64> order(static_cast<std::size_t>(n)),
      bounds(static_cast<std::size_t>(blocks * blocks) + 1);
  schedule(users.data(), likes.indices.data(), n, USERS, ITEMS, 3, blocks, order.data(),
           bounds.data());
  const auto targets = reals(n, 22);
  const std::vector<float> damping(USERS, 0.01f);
  on_any_threads<std::vector<float>>([&](const Run& run) {
    std::vector<float> P = reals(USERS * d, 23), Q = reals(ITEMS * d, 24), bu(USERS), bi(ITEMS);
    double before = 0, after = 0;
    for (int epoch = 0; epoch < 5; ++epoch)
      CHECK(rating_sgd(
          {order.data(), bounds.data(), blocks, blocks}, users.data(), likes.indices.data(),
          targets.data(), {P.data(), Q.data(), bu.data(), bi.data(), d},
          {0.05f, 0.0f, damping.data(), damping.data(), damping.data(), damping.data(), true, true},
          epoch == 0 ? before : after, run));
    CHECK(after < before);
    P.insert(P.end(), Q.begin(), Q.end());
    return P;
  });
}

}  // namespace

void test_factors() {
  for (const int d : {1, 15, 16, 17, 64, 130}) {
    solved(d, false);
    solved(d, true);
  }
  for (const int d : {1, 17, 64}) descended(d);
}

}  // namespace penchant
