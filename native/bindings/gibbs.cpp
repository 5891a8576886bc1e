// Bindings of gibbs_sweep, fold_draws and drift_likeness.
#include "arrays.hpp"

#include <nanobind/stl/optional.h>

namespace penchant {

void bind_gibbs(nb::module_& m) {
  m.def(
      "gibbs_sweep",
      [](nb::tuple ratings, i64 n_items, std::optional<In<double>> gaps, nb::tuple features,
         In<i64> first, In<std::uint8_t> side, Out<double> level, Out<float> weights,
         Out<double> means, Out<double> precisions, Out<float> sums, Out<float> errors,
         Out<float> drift, Out<float> noise, std::uint64_t seed, i64 sweep, bool adapt,
         int threads) {
        const RowsArg rows = rows_arg(ratings), having = rows_arg(features);
        const GibbsRatings what{rows.rows(), n_items, pointer(gaps)};
        const GibbsFeatures which{having.rows(), first.data(), side.data(),
                                  static_cast<i64>(side.size())};
        std::vector<GibbsChain> chains;
        for (std::size_t c = 0; c < level.shape(0); ++c)
          chains.push_back({static_cast<int>(weights.shape(1)) - 1,
                            level.data() + c * level.shape(1),
                            weights.data() + c * weights.shape(1) * weights.shape(2),
                            means.data() + c * means.shape(1) * means.shape(2),
                            precisions.data() + c * means.shape(1) * means.shape(2),
                            sums.data() + c * sums.shape(1) * sums.shape(2),
                            errors.data() + c * errors.shape(1), drift.data() + c * drift.shape(1),
                            noise.data() + c * noise.shape(1)});
        without_gil(threads, [&](const Run& run) {
          gibbs_sweep(what, which, chains, seed, sweep, adapt, run);
        });
      },
      nb::arg("ratings"), nb::arg("n_items"), nb::arg("gaps").none(), nb::arg("features"),
      nb::arg("first"), nb::arg("side"), nb::arg("level"), nb::arg("weights"), nb::arg("means"),
      nb::arg("precisions"), nb::arg("sums"), nb::arg("errors"), nb::arg("drift"),
      nb::arg("noise"), nb::arg("seed"), nb::arg("sweep"), nb::arg("adapt"), nb::arg("threads"));

  m.def(
      "fold_draws",
      [](nb::tuple histories, std::optional<In<double>> gaps, In<float> targets, In<float> alpha,
         In<float> vectors, In<float> ridge, In<float> noise, In<double> tau, In<double> drift,
         Out<float> taste, Out<float> duals, Out<double> evidence, int threads) {
        const RowsArg rows = rows_arg(histories);
        const FoldDraws model{static_cast<i64>(vectors.shape(1)),
                              static_cast<int>(vectors.shape(2)),
                              vectors.data(),
                              ridge.data(),
                              noise.data(),
                              tau.data(),
                              drift.data()};
        const FoldHistories h{rows.rows(), pointer(gaps), targets.data(), alpha.data()};
        i64 singular = -1;
        without_gil(threads, [&](const Run& run) {
          singular = fold_draws(model, h, {taste.data(), duals.data(), evidence.data()}, run);
        });
        return singular;
      },
      nb::arg("histories"), nb::arg("gaps").none(), nb::arg("targets"), nb::arg("alpha"),
      nb::arg("vectors"), nb::arg("ridge"), nb::arg("noise"), nb::arg("tau"), nb::arg("drift"),
      nb::arg("taste"), nb::arg("duals"), nb::arg("evidence"), nb::arg("threads"));

  m.def("drift_likeness",
        [](nb::tuple source, In<double> gaps, In<double> drift, Out<float> out, int threads) {
          const RowsArg rows = rows_arg(source);
          without_gil(threads, [&](const Run& run) {
            drift_likeness(rows.rows(), gaps.data(), drift.data(),
                           static_cast<i64>(drift.shape(0)), out.data(), run);
          });
        });
}

}  // namespace penchant
