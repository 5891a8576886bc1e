// Binding of slim_columns.
#include "arrays.hpp"

namespace penchant {

void bind_slim(nb::module_& m) {
  m.def(
      "slim_columns",
      [](nb::tuple source, i64 n_items, float l1, float l2, i64 k, i64 candidates, bool positive,
         int most, float tolerance, int threads) {
        const RowsArg x = rows_arg(source);
        const Slim slim{l1, l2, k, candidates, positive, most, tolerance};
        OwnedRows out;
        without_gil(threads,
                    [&](const Run& run) { slim_columns(x.rows(), n_items, slim, out, run); });
        return nb::make_tuple(owned(std::move(out.indptr)), owned(std::move(out.indices)),
                              owned(std::move(out.values)));
      },
      nb::arg("x"), nb::arg("n_items"), nb::arg("l1"), nb::arg("l2"), nb::arg("k"),
      nb::arg("candidates"), nb::arg("positive"), nb::arg("most"), nb::arg("tolerance"),
      nb::arg("threads"));
}

}  // namespace penchant
