// Bindings of encode, index and lookup.
#include "arrays.hpp"

namespace penchant {
namespace {

constexpr i64 DONE = -1, FOREIGN_ORDER = -2;

// The UTF-8 of a list of str; the strings keep it alive. -1, or the position of what is no text:
// another type, or text that UTF-8 cannot write (a lone surrogate).
i64 words(const nb::list& strings, std::vector<Word>& out) {
  const Py_ssize_t n = PyList_GET_SIZE(strings.ptr());
  out.reserve(static_cast<std::size_t>(n));
  for (Py_ssize_t position = 0; position < n; ++position) {
    PyObject* one = PyList_GET_ITEM(strings.ptr(), position);
    Py_ssize_t length = 0;
    const char* at = PyUnicode_Check(one) ? PyUnicode_AsUTF8AndSize(one, &length) : nullptr;
    if (at == nullptr) {
      PyErr_Clear();
      return position;
    }
    out.push_back({at, length});
  }
  return -1;
}

Text text(const In<std::uint8_t>& blob, const In<i64>& offsets) {
  return {reinterpret_cast<const char*>(blob.data()), offsets.data(),
          static_cast<i64>(offsets.size()) - 1};
}

}  // namespace

void bind_ids(nb::module_& m) {
  m.def("encode_numbers", [](In<i64> ids, Out<i32> codes) {
    std::vector<i64> first;
    {
      nb::gil_scoped_release release;
      first = encode(ids.data(), static_cast<i64>(ids.size()), codes.data());
    }
    return owned(std::move(first));
  });
  // Positions of first appearance, or the position of the first id that is no text. The list is
  // the caller's own, so its strings stay alive without the GIL.
  m.def("encode_texts", [](nb::list ids, Out<i32> codes) -> nb::object {
    std::vector<Word> list;
    const i64 bad = words(ids, list);
    if (bad >= 0) return nb::int_(bad);
    std::vector<i64> first;
    {
      nb::gil_scoped_release release;
      first = encode(list.data(), static_cast<i64>(list.size()), codes.data());
    }
    return nb::cast(owned(std::move(first)));
  });
  m.def("index_numbers", [](In<i64> ids, Out<i32> order) {
    nb::gil_scoped_release release;
    index(ids.data(), static_cast<i64>(ids.size()), order.data());
  });
  m.def("index_texts", [](In<std::uint8_t> blob, In<i64> offsets, Out<i32> order) {
    nb::gil_scoped_release release;
    index(text(blob, offsets), order.data());
  });
  m.def("lookup_numbers", [](In<i64> table, In<i32> order, In<i64> ids, Out<i32> rows) -> i64 {
    nb::gil_scoped_release release;
    const bool fits = lookup(table.data(), order.data(), static_cast<i64>(table.size()), ids.data(),
                             static_cast<i64>(ids.size()), rows.data());
    return fits ? DONE : FOREIGN_ORDER;
  });
  // DONE, FOREIGN_ORDER, or the position of the first id that is no text.
  m.def("lookup_texts", [](In<std::uint8_t> blob, In<i64> offsets, In<i32> order, nb::list ids,
                           Out<i32> rows) -> i64 {
    std::vector<Word> list;
    const i64 bad = words(ids, list);
    if (bad >= 0) return bad;
    nb::gil_scoped_release release;
    const bool fits = lookup(text(blob, offsets), order.data(), list.data(),
                             static_cast<i64>(list.size()), rows.data());
    return fits ? DONE : FOREIGN_ORDER;
  });
}

}  // namespace penchant
