// Bindings of spd_inverse.
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
}

}  // namespace penchant
