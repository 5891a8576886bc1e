// What every binding shares: array types, rows, and a run that answers Ctrl-C.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <optional>

#include "kernels.hpp"

namespace nb = nanobind;

namespace penchant {

template <class T>
using In = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

struct RowsArg {  // indptr, indices, values as they come from Python
  In<i64> indptr;
  In<i32> indices;
  std::optional<In<float>> values;

  Rows rows() const {
    return {indptr.data(), indices.data(), values ? values->data() : nullptr,
            static_cast<i64>(indptr.shape(0)) - 1};
  }
};

inline RowsArg rows_arg(const nb::tuple& rows) {
  RowsArg out{nb::cast<In<i64>>(rows[0]), nb::cast<In<i32>>(rows[1]), std::nullopt};
  if (!rows[2].is_none()) out.values = nb::cast<In<float>>(rows[2]);
  return out;
}

// The same where dtypes, layout and lengths are right already; false leaves them to Python.
inline bool plain(const nb::tuple& rows, RowsArg& out) {
  if (!nb::try_cast(rows[0], out.indptr, false) || !nb::try_cast(rows[1], out.indices, false))
    return false;
  if (out.indptr.ndim() != 1 || out.indices.ndim() != 1 || out.indptr.size() == 0) return false;
  const std::size_t n = out.indices.size();
  if (out.indptr.data()[out.indptr.size() - 1] != static_cast<i64>(n)) return false;
  if (rows[2].is_none()) return true;
  In<float> values;
  if (!nb::try_cast(rows[2], values, false) || values.ndim() != 1 || values.size() != n)
    return false;
  out.values = values;
  return true;
}

template <class T>
const T* pointer(const std::optional<In<T>>& array) {
  return array ? array->data() : nullptr;
}

using Mask = std::optional<In<std::uint8_t>>;

// A filter whose arrays outlive the call that uses it.
struct FilterArg {
  std::optional<RowsArg> exclude;
  Rows rows{};
  Filter filter{};

  FilterArg(const nb::object& excluded, const Mask& allowed, const Mask& known, bool positive) {
    if (!excluded.is_none()) {
      exclude = rows_arg(nb::cast<nb::tuple>(excluded));
      rows = exclude->rows();
      filter.exclude = &rows;
    }
    filter.allowed = pointer(allowed);
    filter.known = pointer(known);
    filter.positive = positive;
  }
};

// Work without the GIL; signals are asked for now and then, and an interrupt is raised afterwards.
template <class Work>
void without_gil(int threads, Work work) {
  bool interrupted = false;
  Run run;
  run.threads = threads;
  run.stop = [&interrupted] {
    nb::gil_scoped_acquire gil;
    interrupted = interrupted || PyErr_CheckSignals() != 0;
    return interrupted;
  };
  {
    nb::gil_scoped_release release;
    work(run);
  }
  if (interrupted) throw nb::python_error();
}

template <class T>
nb::ndarray<nb::numpy, T, nb::ndim<1>> owned(std::vector<T>&& values) {
  auto* kept = new std::vector<T>(std::move(values));
  nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::ndarray<nb::numpy, T, nb::ndim<1>>(kept->data(), {kept->size()}, owner);
}

void bind_ids(nb::module_& m);
void bind_rows(nb::module_& m);
void bind_scores(nb::module_& m);
void bind_factors(nb::module_& m);
void bind_dense(nb::module_& m);
void bind_pairs(nb::module_& m);
void bind_slim(nb::module_& m);
void bind_gibbs(nb::module_& m);
void bind_texts(nb::module_& m);

}  // namespace penchant
