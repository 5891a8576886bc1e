// Bindings of csr, transpose, spread and nearest.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "arrays.hpp"

namespace penchant {

void bind_rows(nb::module_& m) {
  m.def("csr", [](In<i64> rows, i64 n_rows, std::optional<In<i64>> times, Out<i64> indptr,
                  Out<i64> order) {
    nb::gil_scoped_release release;
    csr(rows.data(), static_cast<i64>(rows.size()), n_rows, pointer(times), indptr.data(), order.data());
  }, nb::arg("rows"), nb::arg("n_rows"), nb::arg("times").none(), nb::arg("indptr"), nb::arg("order"));

  m.def("transpose", [](nb::tuple source, i64 n_columns, Out<i64> indptr, Out<i32> indices,
                        std::optional<Out<float>> values) {
    const RowsArg rows = rows_arg(source);
    nb::gil_scoped_release release;
    transpose(rows.rows(), n_columns, indptr.data(), indices.data(), values ? values->data() : nullptr);
  }, nb::arg("rows"), nb::arg("n_columns"), nb::arg("indptr"), nb::arg("indices"), nb::arg("values").none());

  m.def("spread", [](nb::tuple history, nb::tuple weights, i64 n_columns, Out<float> out,
                     std::optional<Out<float>> norm, int threads) {
    const RowsArg h = rows_arg(history), w = rows_arg(weights);
    without_gil(threads, [&](const Run& run) {
      spread(h.rows(), w.rows(), n_columns, out.data(), norm ? norm->data() : nullptr, run);
    });
  }, nb::arg("history"), nb::arg("weights"), nb::arg("n_columns"), nb::arg("out"),
     nb::arg("norm").none(), nb::arg("threads"));

  m.def("spread_dense", [](nb::tuple history, In<float> weights, Out<float> out, int threads) {
    const RowsArg h = rows_arg(history);
    without_gil(threads, [&](const Run& run) {
      spread(h.rows(), weights.data(), static_cast<i64>(weights.shape(1)), out.data(), run);
    });
  });

  m.def("nearest", [](nb::tuple queries, nb::tuple table, i64 n_columns, i64 k, int measure,
                      double shrink, std::optional<In<i32>> itself, bool positive, int threads) {
    const RowsArg q = rows_arg(queries), t = rows_arg(table);
    OwnedRows out;
    without_gil(threads, [&](const Run& run) {
      nearest(q.rows(), t.rows(), n_columns, k, static_cast<Measure>(measure), shrink,
              pointer(itself), positive, out, run);
    });
    return nb::make_tuple(owned(std::move(out.indptr)), owned(std::move(out.indices)),
                          owned(std::move(out.values)));
  }, nb::arg("queries"), nb::arg("table"), nb::arg("n_columns"), nb::arg("k"), nb::arg("measure"),
     nb::arg("shrink"), nb::arg("itself").none(), nb::arg("positive"), nb::arg("threads"));

  m.def("neighbours", [](nb::tuple table, i64 n_columns, i64 k, int measure, double shrink, int threads) {
    const RowsArg t = rows_arg(table);
    OwnedRows out;
    without_gil(threads, [&](const Run& run) {
      neighbours(t.rows(), n_columns, k, static_cast<Measure>(measure), shrink, out, run);
    });
    return nb::make_tuple(owned(std::move(out.indptr)), owned(std::move(out.indices)),
                          owned(std::move(out.values)));
  }, nb::arg("table"), nb::arg("n_columns"), nb::arg("k"), nb::arg("measure"), nb::arg("shrink"), nb::arg("threads"));
}

}  // namespace penchant
