// rating_sgd: parallel stochastic gradient descent whose bytes do not depend on threads.
//
// Ratings are dealt into B × B blocks: people cut into ranges of equal counts of ratings, items
// dealt to the lightest bin by descending popularity. Step s runs the blocks (b, (b + s) mod B),
// which share neither people nor items, in parallel; then the next step. Within a block ratings
// stand in an order drawn by a counter-based hash.
#include <algorithm>
#include <numeric>

#include "blocks.hpp"

namespace penchant {
namespace {

constexpr i64 FEW = 200'000;  // ratings below which a coarser grid is quicker

// Items by descending popularity, each to the bin that has least.
std::vector<i64> dealt(const std::vector<i64>& ratings, i64 blocks) {
  std::vector<i64> order(ratings.size()), bin(ratings.size()),
      load(static_cast<std::size_t>(blocks));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](i64 a, i64 b) {
    return ratings[static_cast<std::size_t>(a)] > ratings[static_cast<std::size_t>(b)];
  });
  for (const i64 item : order) {
    const auto lightest = std::min_element(load.begin(), load.end()) - load.begin();
    bin[static_cast<std::size_t>(item)] = lightest;
    load[static_cast<std::size_t>(lightest)] += ratings[static_cast<std::size_t>(item)] + 1;
  }
  return bin;
}

}  // namespace

i64 schedule_size(i64 n, bool serial) { return serial ? 1 : (n < FEW ? 8 : 32); }

void schedule(const i32* users, const i32* items, i64 n, i64 n_users, i64 n_items,
              std::uint64_t seed, i64 blocks, i64* order, i64* bounds) {
  if (blocks == 1) {  // the order they came in
    std::iota(order, order + n, i64{0});
    bounds[0] = 0;
    bounds[1] = n;
    return;
  }
  const std::vector<i64> user_bin = ranges(counts(users, n, n_users), n, blocks);
  const std::vector<i64> item_bin = dealt(counts(items, n, n_items), blocks);
  const auto cell = [&](i64 r) {  // step, block
    const i64 row = user_bin[static_cast<std::size_t>(users[r])];
    const i64 column = item_bin[static_cast<std::size_t>(items[r])];
    return (column - row + blocks) % blocks * blocks + row;
  };
  const i64 cells = blocks * blocks;
  std::fill(bounds, bounds + cells + 1, 0);
  for (i64 r = 0; r < n; ++r) ++bounds[cell(r) + 1];
  std::partial_sum(bounds, bounds + cells + 1, bounds);
  std::vector<i64> next(bounds, bounds + cells);
  for (i64 r = 0; r < n; ++r) order[next[static_cast<std::size_t>(cell(r))]++] = r;
  for (i64 c = 0; c < cells; ++c) shuffle(seed, order + bounds[c], bounds[c + 1] - bounds[c]);
}

bool rating_sgd(const Schedule& plan, SgdSides sides, SgdRates rates, double& squared_error,
                const Run& run) {
  std::vector<double> errors(static_cast<std::size_t>(plan.blocks * plan.blocks));
  for (i64 step = 0; step < plan.blocks; ++step) {
    Blocks blocks(plan.blocks, run.threads);
    const bool finished = parallel(plan.blocks, run, [&](i64, int worker) {
      const i64 cell = step * plan.blocks + blocks.take(worker), first = plan.bounds[cell];
      errors[static_cast<std::size_t>(cell)] =
          level().sgd(plan.users + first, plan.items + first, plan.targets + first,
                      plan.bounds[cell + 1] - first, sides, rates);
    });
    if (!finished) return false;
  }
  squared_error = std::accumulate(errors.begin(), errors.end(), 0.0);
  return true;
}

}  // namespace penchant
