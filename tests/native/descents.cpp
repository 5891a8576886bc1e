// Vectors step by step: gradient descents on ratings and on pairs, against descents in double
// precision; and a person's vector under pairs.
#include <map>
#include <set>

#include "check.hpp"

namespace penchant {
namespace {

constexpr i64 USERS = 50, ITEMS = 90;
using Wide = std::vector<double>;

std::vector<i32> owners(const Sparse& x) {
  std::vector<i32> out;
  for (i64 r = 0; r < x.rows().n_rows; ++r)
    out.insert(out.end(), x.indptr[r + 1] - x.indptr[r], static_cast<i32>(r));
  return out;
}

// Blocks that run at the same time share neither people nor items.
template <class Pair>
void apart(const std::vector<std::vector<i64>>& blocks, Pair pair) {
  std::map<i64, std::size_t> people, things;
  for (std::size_t block = 0; block < blocks.size(); ++block)
    for (const i64 r : blocks[block]) {
      const auto [user, item] = pair(r);
      CHECK(people.emplace(user, block).first->second == block);
      CHECK(things.emplace(item, block).first->second == block);
    }
}

struct Planned {
  std::vector<i64> order, bounds;
};

Planned scheduled(const Sparse& x, const std::vector<i32>& users, i64 blocks) {
  const i64 n = x.indptr.back();
  Planned plan{std::vector<i64>(n), std::vector<i64>(blocks * blocks + 1)};
  schedule(users.data(), x.indices.data(), n, USERS, ITEMS, 3, blocks, plan.order.data(),
           plan.bounds.data());
  const std::set<i64> once(plan.order.begin(), plan.order.end());
  CHECK(static_cast<i64>(once.size()) == n && plan.bounds[0] == 0 && plan.bounds.back() == n);
  for (i64 step = 0; step < blocks; ++step) {
    std::vector<std::vector<i64>> together;
    for (i64 cell = step * blocks; cell < (step + 1) * blocks; ++cell)
      together.emplace_back(plan.order.begin() + plan.bounds[cell],
                            plan.order.begin() + plan.bounds[cell + 1]);
    apart(together, [&](i64 r) { return std::make_pair(users[r], x.indices[r]); });
  }
  return plan;
}

// All that is learned from ratings, end to end: P, Q, biases of people, of items.
template <class Real>
struct Sides {
  std::vector<Real> P, Q, of_user, of_item;
  explicit Sides(int d) : of_user(USERS), of_item(ITEMS) {
    const auto p = reals(USERS * d, 23), q = reals(ITEMS * d, 24);
    P.assign(p.begin(), p.end());
    Q.assign(q.begin(), q.end());
  }
  std::vector<Real> all() const {
    std::vector<Real> out = P;
    for (const auto* more : {&Q, &of_user, &of_item})
      out.insert(out.end(), more->begin(), more->end());
    return out;
  }
};

constexpr double RATE = 0.05, MEAN = 0.2, DAMPING = 0.03;

double step_on(Sides<double>& s, i64 u, i64 i, double target, int d, bool factors, bool biases) {
  double error = target - MEAN - s.of_user[u] - s.of_item[i];
  for (int k = 0; k < d; ++k) error -= s.P[u * d + k] * s.Q[i * d + k];
  if (biases) {
    s.of_user[u] += RATE * (error - DAMPING * s.of_user[u]);
    s.of_item[i] += RATE * (error - DAMPING * s.of_item[i]);
  }
  for (int k = 0; factors && k < d; ++k) {
    const double p = s.P[u * d + k], q = s.Q[i * d + k];
    s.P[u * d + k] += RATE * (error * q - DAMPING * p);
    s.Q[i * d + k] += RATE * (error * p - DAMPING * q);
  }
  return error * error;
}

void rated(const Sparse& x, int d, i64 blocks, bool factors, bool biases) {
  const auto users = owners(x);
  const auto targets = reals(x.indptr.back(), 22);
  const Planned plan = scheduled(x, users, blocks);
  const std::vector<float> damping(ITEMS, static_cast<float>(DAMPING));
  std::vector<i32> walked_users, walked_items;
  std::vector<float> walked_targets;
  for (const i64 r : plan.order) {
    walked_users.push_back(users[r]);
    walked_items.push_back(x.indices[r]);
    walked_targets.push_back(targets[r]);
  }
  double squared = 0;
  const auto out = on_any_threads<std::vector<float>>([&](const Run& run) {
    Sides<float> s(d);
    CHECK(rating_sgd({walked_users.data(), walked_items.data(), walked_targets.data(),
                      plan.bounds.data(), blocks},
                     {s.P.data(), s.Q.data(), s.of_user.data(), s.of_item.data(), d},
                     {static_cast<float>(RATE), static_cast<float>(MEAN), damping.data(),
                      damping.data(), damping.data(), damping.data(), factors, biases},
                     squared, run));
    return s.all();
  });
  Sides<double> twin(d);
  double expected = 0;
  for (const i64 r : plan.order)
    expected += step_on(twin, users[r], x.indices[r], targets[r], d, factors, biases);
  const auto wide = twin.all();
  for (std::size_t at = 0; at < out.size(); ++at) CHECK(near(out[at], wide[at], 1e-4));
  CHECK(near(squared, expected, 1e-4));
}

// The first person of each range.
std::vector<i64> people_of(const Sparse& likes, i64 blocks) {
  std::vector<i64> people(static_cast<std::size_t>(blocks + 1));
  pair_ranges(likes.rows(), blocks, people.data());
  return people;
}

constexpr std::uint64_t EPOCH = 2;

struct Drawn {
  std::vector<i32> pairs;
  std::vector<i64> bounds;
  bool operator==(const Drawn& other) const {
    return pairs == other.pairs && bounds == other.bounds;
  }
};

// Every like once, with an item of its block that the person does not like, or none.
void check_pairs(const Sparse& likes, i64 blocks, const Drawn& drawn) {
  const auto liked = likes.dense();
  std::set<std::pair<i32, i32>> once;
  for (std::size_t at = 0; at < drawn.pairs.size(); at += 3) {
    const i32 user = drawn.pairs[at], item = drawn.pairs[at + 1], other = drawn.pairs[at + 2];
    CHECK(once.emplace(user, item).second && liked[user][item] != 0);
    CHECK(other == -1 || liked[user][other] == 0);
  }
  CHECK(static_cast<i64>(once.size()) == likes.indptr.back());
  for (i64 step = 0; step < blocks; ++step) {
    std::vector<std::vector<i64>> together;
    for (i64 block = 0; block < blocks; ++block) {
      const i64 cell = block * blocks + (block + step) % blocks;
      together.emplace_back();
      for (i64 r = drawn.bounds[cell]; r < drawn.bounds[cell + 1]; ++r)
        together.back().push_back(3 * r);
    }
    apart(together, [&](i64 at) { return std::make_pair(drawn.pairs[at], drawn.pairs[at + 1]); });
    apart(together, [&](i64 at) {
      const i64 other = drawn.pairs[at + 2];
      return std::make_pair(drawn.pairs[at], other < 0 ? -1 - at : other);
    });
  }
}

Drawn drawn_from(const Sparse& likes, const PairPlan& plan) {
  const auto out = on_any_threads<Drawn>([&](const Run& run) {
    Drawn to{std::vector<i32>(3 * plan.n()), std::vector<i64>(plan.blocks * plan.blocks + 1)};
    CHECK(draw_pairs(plan, EPOCH, to.pairs.data(), to.bounds.data(), run));
    return to;
  });
  check_pairs(likes, plan.blocks, out);
  return out;
}

// Likes of one bin hundreds apart.
void far_apart() {
  Sparse likes(0, ITEMS, 0, false, 1);
  for (i64 u = 0; u < 700; ++u) {
    likes.indices.push_back(u % 300 == 0 ? static_cast<i32>(ITEMS) - 1 : 0);
    likes.indptr.push_back(u + 1);
  }
  const std::vector<i64> people = people_of(likes, 2);
  drawn_from(likes, {likes.rows(), people.data(), 2, ITEMS, 1});
}

// One pair's step; whether it was in order before.
bool step_on_pair(Sides<double>& s, const i32* pair, int d) {
  double *p = s.P.data() + pair[0] * d, *a = s.Q.data() + pair[1] * d,
         *b = s.Q.data() + pair[2] * d, &of_a = s.of_item[pair[1]], &of_b = s.of_item[pair[2]];
  double x = of_a - of_b;
  for (int k = 0; k < d; ++k) x += p[k] * (a[k] - b[k]);
  const double g = 1 / (1 + std::exp(x));
  of_a += RATE * (g - DAMPING * of_a);
  of_b += RATE * (-g - DAMPING * of_b);
  for (int k = 0; k < d; ++k) {
    const double old = p[k], difference = a[k] - b[k];
    p[k] += RATE * (g * difference - DAMPING * old);
    a[k] += RATE * (g * old - DAMPING * a[k]);
    b[k] += RATE * (-g * old - DAMPING * b[k]);
  }
  return x > 0;
}

void paired(const Sparse& likes, int d, i64 blocks) {
  const std::vector<i64> people = people_of(likes, blocks);
  const PairPlan plan{likes.rows(), people.data(), blocks, ITEMS, 1};
  const Drawn drawn = drawn_from(likes, plan);
  PairCount count{};
  const auto rate = static_cast<float>(RATE), damping = static_cast<float>(DAMPING);
  const auto out = on_any_threads<std::vector<float>>([&](const Run& run) {
    Sides<float> s(d);
    CHECK(bpr_sgd(plan, EPOCH, {s.P.data(), s.Q.data(), s.of_item.data(), d},
                  {rate, damping, damping}, count, run));
    return s.all();
  });
  Sides<double> twin(d);
  i64 ordered = 0, all = 0;
  for (i64 step = 0; step < blocks; ++step)
    for (i64 block = 0; block < blocks; ++block) {
      const i64 cell = block * blocks + (block + step) % blocks;
      for (i64 r = drawn.bounds[cell]; r < drawn.bounds[cell + 1]; ++r) {
        if (drawn.pairs[3 * r + 2] < 0) continue;
        ++all;
        ordered += step_on_pair(twin, drawn.pairs.data() + 3 * r, d);
      }
    }
  const auto wide = twin.all();
  for (std::size_t at = 0; at < out.size(); ++at) CHECK(near(out[at], wide[at], 1e-4));
  CHECK(count.all == all && std::abs(count.ordered - ordered) <= 1);
}

// What pulls at a person's vector: nothing, where their likelihood is highest.
Wide pull(const Sparse& x, i64 r, const std::vector<float>& Q, const std::vector<float>& bias,
          i64 panel, const std::vector<float>& weights, double ridge, const float* p, int d) {
  Wide out(d);
  double share = 0;
  for (i64 j = 0; j < panel; ++j) share += weights[j];
  for (int k = 0; k < d; ++k) out[k] = -ridge * p[k];
  for (i64 e = x.indptr[r]; e < x.indptr[r + 1]; ++e)
    for (i64 j = 0; j < panel; ++j) {
      const float *a = Q.data() + static_cast<i64>(x.indices[e]) * d, *b = Q.data() + j * d;
      const double sign = x.rows().value(e) < 0 ? -1 : 1;
      double ahead = bias[x.indices[e]] - bias[j];
      for (int k = 0; k < d; ++k) ahead += static_cast<double>(p[k]) * (a[k] - b[k]);
      const double g = weights[j] / share / (1 + std::exp(sign * ahead));
      for (int k = 0; k < d; ++k) out[k] += sign * g * (a[k] - b[k]);
    }
  return out;
}

void tasted(i64 users, int d, bool weighted) {
  constexpr i64 PANEL_OF = 13;
  constexpr double STIFF = 0.5;
  const Sparse x(users, ITEMS, 30, weighted, 71, true);
  const auto Q = reals(ITEMS * d, 72), bias = reals(ITEMS, 73), weights = reals(PANEL_OF, 74, 0.1f);
  const std::vector<float> ridge(users * d, static_cast<float>(STIFF));
  const PairModel model{Q.data(), bias.data(), Q.data(), bias.data(), weights.data(), PANEL_OF, d};
  const auto P = on_any_threads<std::vector<float>>([&](const Run& run) {
    std::vector<float> out(users * d);
    CHECK(pair_taste(x.rows(), model, ridge.data(), out.data(), run) == -1);
    return out;
  });
  for (i64 r = 0; r < users; r += 3)
    for (const double one : pull(x, r, Q, bias, PANEL_OF, weights, STIFF, P.data() + r * d, d))
      CHECK(std::abs(one) < 1e-3);
}

}  // namespace

void test_descents() {
  const Sparse nobody(USERS, ITEMS, 0, false, 21), one(USERS, ITEMS, 1, false, 21),
      x(USERS, ITEMS, 25, false, 21);
  CHECK(schedule_size(0, true) == 1 && pair_blocks(0, 0) == 1);
  for (const Sparse* some : {&nobody, &one, &x})
    for (const i64 blocks : {1, 5}) {
      rated(*some, 17, blocks, true, true);
      paired(*some, 17, blocks);
    }
  far_apart();
  rated(x, 17, 8, false, true);
  rated(x, 17, 8, true, false);
  for (const int d : {1, 32, 64, 130}) {
    rated(x, d, 8, true, true);
    paired(x, d, 5);
  }
  for (const bool weighted : {false, true}) {
    tasted(0, 5, weighted);
    for (const int d : {1, 17, 64}) tasted(20, d, weighted);
  }
}

}  // namespace penchant
