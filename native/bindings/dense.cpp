// Bindings of spd_inverse and co_counts.
#include "arrays.hpp"

namespace penchant {
namespace {

template <class T>
i64 inverse(Out<T> A, int threads) {
  i64 row = -1;
  without_gil(threads, [&](const Run& run) {
    row = spd_inverse(A.data(), static_cast<i64>(A.shape(0)), run);
  });
  return row;
}

}  // namespace

void bind_dense(nb::module_& m) {
  m.def("spd_inverse", &inverse<float>);
  m.def("spd_inverse", &inverse<double>);
  m.def("co_counts", [](nb::tuple source, Out<float> out, int threads) {
    const RowsArg rows = rows_arg(source);
    i64 doubled = -1;
    without_gil(threads, [&](const Run& run) {
      doubled = co_counts(rows.rows(), static_cast<i64>(out.shape(0)), out.data(), run);
    });
    return doubled;
  });
}

}  // namespace penchant
