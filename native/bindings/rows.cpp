// Bindings of arranged, transpose, deciding, gather, grades, sound, follow_counts, spread and
// nearest.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>

#include "arrays.hpp"
#include "turned.hpp"

namespace penchant {

void bind_rows(nb::module_& m) {
  m.def(
      "arranged",
      [](In<i32> rows, i64 n_rows, std::optional<In<i64>> times, Out<i64> indptr, Out<i64> order,
         std::optional<Out<i64>> sorted_times, nb::list cells, nb::list moved, int threads) {
        std::vector<Beside> columns;
        for (std::size_t one = 0; one < cells.size(); ++one)
          columns.push_back({nb::cast<In<std::uint32_t>>(cells[one]).data(),
                             nb::cast<Out<std::uint32_t>>(moved[one]).data()});
        without_gil(threads, [&](const Run& run) {
          arranged(rows.data(), static_cast<i64>(rows.size()), n_rows, pointer(times),
                   indptr.data(), order.data(), sorted_times ? sorted_times->data() : nullptr,
                   columns, run);
        });
      },
      nb::arg("rows"), nb::arg("n_rows"), nb::arg("times").none(), nb::arg("indptr"),
      nb::arg("order"), nb::arg("sorted_times").none(), nb::arg("cells"), nb::arg("moved"),
      nb::arg("threads"));

  m.def(
      "transpose",
      [](nb::tuple source, i64 n_columns, Out<i64> indptr, Out<i32> indices,
         std::optional<Out<float>> values, int threads) {
        const RowsArg rows = rows_arg(source);
        without_gil(threads, [&](const Run& run) {
          transpose(rows.rows(), n_columns, indptr.data(), indices.data(),
                    values ? values->data() : nullptr, run);
        });
      },
      nb::arg("rows"), nb::arg("n_columns"), nb::arg("indptr"), nb::arg("indices"),
      nb::arg("values").none(), nb::arg("threads"));

  m.def("deciding", [](nb::tuple source, bool last, Out<bool> mask, int threads) {
    const RowsArg rows = rows_arg(source);
    without_gil(threads, [&](const Run& run) {
      deciding(rows.rows(), last, reinterpret_cast<unsigned char*>(mask.data()), run);
    });
  });
  m.def("gather4",
        [](In<std::uint32_t> source, In<i64> places, Out<std::uint32_t> out, int threads) {
          without_gil(threads, [&](const Run& run) {
            gather(source.data(), places.data(), static_cast<i64>(places.size()), out.data(), run);
          });
        });
  m.def("gather8",
        [](In<std::uint64_t> source, In<i64> places, Out<std::uint64_t> out, int threads) {
          without_gil(threads, [&](const Run& run) {
            gather(source.data(), places.data(), static_cast<i64>(places.size()), out.data(), run);
          });
        });
  m.def("grades", [](In<float> values, i64 most, int threads) -> nb::object {
    std::vector<float> found;
    bool few = true;
    without_gil(threads, [&](const Run& run) {
      grades(values.data(), static_cast<i64>(values.size()), most, found, few, run);
    });
    return few ? nb::cast(owned(std::move(found))) : nb::none();
  });

  // Whether rows need no settling: false also for other dtypes and layouts.
  m.def("sound", [](nb::tuple source, i64 n_columns, int threads) {
    RowsArg rows;
    if (!plain(source, rows)) return false;
    bool is = true;
    without_gil(threads, [&](const Run& run) { is = sound(rows.rows(), n_columns, run); });
    return is;
  });

  m.def("all_positive", [](In<float> values) {
    const float* value = values.data();
    return std::all_of(value, value + values.size(), [](float one) { return one > 0; });
  });

  m.def("follow_counts", [](nb::tuple sequences, i64 n_columns, In<double> weights, int threads) {
    const RowsArg x = rows_arg(sequences);
    OwnedRows out;
    without_gil(threads, [&](const Run& run) {
      follow_counts(x.rows(), n_columns, weights.data(), static_cast<i64>(weights.size()), out,
                    run);
    });
    return nb::make_tuple(owned(std::move(out.indptr)), owned(std::move(out.indices)),
                          owned(std::move(out.values)));
  });

  m.def(
      "spread",
      [](nb::tuple history, nb::tuple weights, i64 n_columns, int kind, Out<float> out,
         std::optional<Out<float>> norm, int threads) {
        const RowsArg h = rows_arg(history), w = rows_arg(weights);
        without_gil(threads, [&](const Run& run) {
          spread(h.rows(), w.rows(), n_columns, static_cast<Norm>(kind), out.data(),
                 norm ? norm->data() : nullptr, run);
        });
      },
      nb::arg("history"), nb::arg("weights"), nb::arg("n_columns"), nb::arg("kind"), nb::arg("out"),
      nb::arg("norm").none(), nb::arg("threads"));

  m.def("spread_dense", [](nb::tuple history, In<float> weights, Out<float> out, int threads) {
    const RowsArg h = rows_arg(history);
    without_gil(threads, [&](const Run& run) {
      spread(h.rows(), weights.data(), static_cast<i64>(weights.shape(1)), out.data(), run);
    });
  });

  nb::class_<Table>(m, "Table")
      .def(
          "__init__",
          [](Table* self, nb::tuple source, i64 n_columns, int threads) {
            const RowsArg rows = rows_arg(source);
            nb::gil_scoped_release release;
            Run run;
            run.threads = threads;
            new (self) Table(rows.rows(), n_columns, run);
          },
          nb::arg("rows"), nb::arg("n_columns"), nb::arg("threads"));

  m.def(
      "nearest",
      [](nb::tuple queries, const Table& table, i64 k, int measure, double shrink,
         std::optional<In<i32>> itself, bool positive, int threads) {
        const RowsArg q = rows_arg(queries);
        const Wanted wanted{k, static_cast<Measure>(measure), shrink, pointer(itself), positive};
        OwnedRows out;
        without_gil(threads, [&](const Run& run) { nearest(q.rows(), table, wanted, out, run); });
        return nb::make_tuple(owned(std::move(out.indptr)), owned(std::move(out.indices)),
                              owned(std::move(out.values)));
      },
      nb::arg("queries"), nb::arg("table"), nb::arg("k"), nb::arg("measure"), nb::arg("shrink"),
      nb::arg("itself").none(), nb::arg("positive"), nb::arg("threads"));

  m.def(
      "neighbours",
      [](nb::tuple table, i64 n_columns, i64 k, int measure, double shrink, int threads) {
        const RowsArg t = rows_arg(table);
        OwnedRows out;
        without_gil(threads, [&](const Run& run) {
          neighbours(t.rows(), n_columns, k, static_cast<Measure>(measure), shrink, out, run);
        });
        return nb::make_tuple(owned(std::move(out.indptr)), owned(std::move(out.indices)),
                              owned(std::move(out.values)));
      },
      nb::arg("table"), nb::arg("n_columns"), nb::arg("k"), nb::arg("measure"), nb::arg("shrink"),
      nb::arg("threads"));
}

}  // namespace penchant
