// Bindings of product, top_k and select.
#include <nanobind/stl/optional.h>

#include "arrays.hpp"

namespace penchant {
void bind_scores(nb::module_& m) {
  nb::class_<Panels>(m, "Panels")
      .def(
          "__init__",
          [](Panels* self, In<float> items, std::optional<In<float>> bias, int threads) {
            nb::gil_scoped_release release;
            Run run;
            run.threads = threads;
            new (self) Panels(items.data(), static_cast<i64>(items.shape(0)),
                              static_cast<int>(items.shape(1)), pointer(bias), run);
          },
          nb::arg("items"), nb::arg("bias").none(), nb::arg("threads"))
      .def_ro("n_items", &Panels::n_items)
      .def_ro("d", &Panels::d);

  m.def(
      "product",
      [](const Panels& panels, In<float> queries, Out<float> scores, int threads) {
        without_gil(threads, [&](const Run& run) {
          product(panels, queries.data(), static_cast<i64>(queries.shape(0)), scores.data(), run);
        });
      },
      nb::arg("panels"), nb::arg("queries"), nb::arg("scores"), nb::arg("threads"));

  m.def(
      "top_k",
      [](const Panels& panels, In<float> queries, i64 n, nb::object exclude, Mask allowed,
         bool positive, Out<i32> ids, Out<float> scores, int threads) {
        const FilterArg wanted(exclude, allowed, std::nullopt, positive);
        without_gil(threads, [&](const Run& run) {
          top_k(panels, queries.data(), static_cast<i64>(queries.shape(0)), n, wanted.filter,
                ids.data(), scores.data(), run);
        });
      },
      nb::arg("panels"), nb::arg("queries"), nb::arg("n"), nb::arg("exclude").none(),
      nb::arg("allowed").none(), nb::arg("positive"), nb::arg("ids"), nb::arg("scores"),
      nb::arg("threads"));

  m.def(
      "select",
      [](In<float> scores, i64 n, nb::object exclude, Mask allowed, Mask known, Out<i32> ids,
         Out<float> best, int threads) {
        const FilterArg wanted(exclude, allowed, known, false);
        without_gil(threads, [&](const Run& run) {
          select(scores.data(), static_cast<i64>(scores.shape(0)),
                 static_cast<i64>(scores.shape(1)), n, wanted.filter, ids.data(), best.data(), run);
        });
      },
      nb::arg("scores"), nb::arg("n"), nb::arg("exclude").none(), nb::arg("allowed").none(),
      nb::arg("known").none(), nb::arg("ids"), nb::arg("best"), nb::arg("threads"));

  m.def("hits", [](In<i32> lists, nb::tuple held, i64 n_columns, Out<std::uint8_t> out,
                   int threads) {
    const RowsArg rows = rows_arg(held);
    without_gil(threads, [&](const Run& run) {
      hits(lists.data(), static_cast<i64>(lists.shape(1)), rows.rows(), n_columns, out.data(), run);
    });
  });
}

}  // namespace penchant
