// Bindings of draw_pairs, bpr_sgd and pair_taste.
#include "arrays.hpp"

namespace penchant {
namespace {

// A plan of likes that `rows` holds.
PairPlan plan_of(const RowsArg& rows, const In<i64>& people, i64 n_items, std::uint64_t seed) {
  return {rows.rows(), people.data(), static_cast<i64>(people.size()) - 1, n_items, seed};
}

}  // namespace

void bind_pairs(nb::module_& m) {
  m.def("pair_blocks", &pair_blocks);
  m.def("pair_ranges", [](nb::tuple likes, i64 blocks, Out<i64> people) {
    pair_ranges(rows_arg(likes).rows(), blocks, people.data());
  });

  m.def("draw_pairs", [](nb::tuple likes, In<i64> people, i64 n_items, std::uint64_t seed,
                         std::uint64_t epoch, Out<i32> pairs, Out<i64> bounds, int threads) {
    const RowsArg rows = rows_arg(likes);
    const PairPlan plan = plan_of(rows, people, n_items, seed);
    without_gil(threads,
                [&](const Run& run) { draw_pairs(plan, epoch, pairs.data(), bounds.data(), run); });
  });

  m.def("bpr_sgd", [](nb::tuple likes, In<i64> people, i64 n_items, std::uint64_t seed,
                      std::uint64_t epoch, Out<float> P, Out<float> Q, Out<float> bias, float rate,
                      float reg, float reg_bias, int threads) {
    const RowsArg rows = rows_arg(likes);
    const PairPlan plan = plan_of(rows, people, n_items, seed);
    const PairSides sides{P.data(), Q.data(), bias.data(), static_cast<int>(P.shape(1))};
    PairCount count{0, 0};
    without_gil(threads, [&](const Run& run) {
      bpr_sgd(plan, epoch, sides, {rate, reg, reg_bias}, count, run);
    });
    return nb::make_tuple(count.ordered, count.all);
  });

  m.def("pair_taste",
        [](nb::tuple histories, In<float> items, In<float> bias, In<float> panel,
           In<float> panel_bias, In<float> weights, In<float> ridge, Out<float> out, int threads) {
          const RowsArg rows = rows_arg(histories);
          const PairModel model{items.data(),
                                bias.data(),
                                panel.data(),
                                panel_bias.data(),
                                weights.data(),
                                static_cast<i64>(panel.shape(0)),
                                static_cast<int>(items.shape(1))};
          i64 singular = -1;
          without_gil(threads, [&](const Run& run) {
            singular = pair_taste(rows.rows(), model, ridge.data(), out.data(), run);
          });
          return singular;
        });
}

}  // namespace penchant
