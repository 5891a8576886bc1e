// Bindings of solve_rows, fold_in, rating_sgd and gram.
#include <nanobind/stl/optional.h>

#include "arrays.hpp"

namespace penchant {

namespace {

// What people are folded into; it keeps its arrays, and Python keeps the panels.
struct FoldInArg {
  using Gram = std::optional<In<float>>;
  In<float> items, ridge;
  Gram gram;
  FoldIn model;

  FoldInArg(const Panels& panels, In<float> items, In<float> ridge, Gram gram, double frequency,
            double pull)
      : items(items),
        ridge(ridge),
        gram(gram),
        model{panels, items.data(), ridge.data(), pointer(gram), frequency, pull} {}
};

}  // namespace

void bind_factors(nb::module_& m) {
  nb::class_<FoldInArg>(m, "FoldIn")
      .def(nb::init<const Panels&, In<float>, In<float>, FoldInArg::Gram, double, double>(),
           nb::keep_alive<1, 2>(), nb::arg("panels"), nb::arg("items"), nb::arg("ridge"),
           nb::arg("gram").none(), nb::arg("frequency"), nb::arg("pull"))
      .def(
          "solve",
          [](const FoldInArg& self, nb::tuple source, std::optional<In<float>> targets,
             Out<float> out, int threads) {
            const RowsArg rows = rows_arg(source);
            i64 bad = -1;
            without_gil(threads, [&](const Run& run) {
              bad = fold_in(self.model, rows.rows(), pointer(targets), out.data(), run);
            });
            return bad;
          },
          nb::arg("rows"), nb::arg("targets").none(), nb::arg("out"), nb::arg("threads"))
      .def(
          "best",
          [](const FoldInArg& self, nb::tuple source, std::optional<In<float>> targets, i64 n,
             nb::object exclude, Mask allowed, bool positive, Out<i32> ids, Out<float> scores,
             int threads) {
            const RowsArg rows = rows_arg(source);
            const FilterArg wanted(exclude, allowed, std::nullopt, positive);
            i64 bad = -1;
            without_gil(threads, [&](const Run& run) {
              bad = fold_in_best(self.model, rows.rows(), pointer(targets), n, wanted.filter,
                                 ids.data(), scores.data(), run);
            });
            return bad;
          },
          nb::arg("rows"), nb::arg("targets").none(), nb::arg("n"), nb::arg("exclude").none(),
          nb::arg("allowed").none(), nb::arg("positive"), nb::arg("ids"), nb::arg("scores"),
          nb::arg("threads"));

  m.def(
      "solve_rows",
      [](nb::tuple source, std::optional<In<float>> targets, In<float> items, In<float> ridge,
         std::optional<In<float>> scale, std::optional<In<float>> gram, int method,
         std::optional<In<float>> start, int steps, int block, Out<float> out,
         std::optional<Out<double>> objective, int threads) {
        const RowsArg rows = rows_arg(source);
        const Ridge problem{rows.rows(),
                            pointer(targets),
                            items.data(),
                            static_cast<i64>(items.shape(0)),
                            static_cast<int>(items.shape(1)),
                            ridge.data(),
                            pointer(scale),
                            pointer(gram)};
        const Descent how{static_cast<Method>(method), pointer(start), steps, block};
        i64 singular = -1;
        without_gil(threads, [&](const Run& run) {
          singular =
              solve_rows(problem, how, out.data(), objective ? objective->data() : nullptr, run);
        });
        return singular;
      },
      nb::arg("rows"), nb::arg("targets").none(), nb::arg("items"), nb::arg("ridge"),
      nb::arg("scale").none(), nb::arg("gram").none(), nb::arg("method"), nb::arg("start").none(),
      nb::arg("steps"), nb::arg("block"), nb::arg("out"), nb::arg("objective").none(),
      nb::arg("threads"));

  m.def("schedule_size", &schedule_size);
  m.def("schedule", [](In<i32> users, In<i32> items, i64 n_users, i64 n_items, std::uint64_t seed,
                       i64 blocks, Out<i64> order, Out<i64> bounds) {
    nb::gil_scoped_release release;
    schedule(users.data(), items.data(), static_cast<i64>(users.size()), n_users, n_items, seed,
             blocks, order.data(), bounds.data());
  });

  m.def("rating_sgd", [](In<i32> users, In<i32> items, In<float> targets, In<i64> bounds,
                         i64 blocks, Out<float> P, Out<float> Q, Out<float> user_bias,
                         Out<float> item_bias, float rate, float mean, In<float> user_factors,
                         In<float> item_factors, In<float> reg_user, In<float> reg_item,
                         bool factors, bool biases, int threads) {
    const Schedule plan{users.data(), items.data(), targets.data(), bounds.data(), blocks};
    const SgdSides sides{P.data(), Q.data(), user_bias.data(), item_bias.data(),
                         static_cast<int>(P.shape(1))};
    const SgdRates rates{
        rate,    mean,  user_factors.data(), item_factors.data(), reg_user.data(), reg_item.data(),
        factors, biases};
    double error = 0;
    without_gil(threads,
                [&](const Run& run) { rating_sgd(plan, sides, rates, error, run); });
    return error;
  });

  m.def(
      "gram",
      [](In<float> items, std::optional<In<float>> weights, Out<float> out, int threads) {
        without_gil(threads, [&](const Run& run) {
          gram(items.data(), static_cast<i64>(items.shape(0)), static_cast<int>(items.shape(1)),
               pointer(weights), out.data(), run);
        });
      },
      nb::arg("items"), nb::arg("weights").none(), nb::arg("out"), nb::arg("threads"));
}

}  // namespace penchant
