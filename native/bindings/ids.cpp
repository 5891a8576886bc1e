// Bindings of encode, index and lookup.
#include "arrays.hpp"

namespace penchant {
namespace {

// The UTF-8 of a sequence of str; the strings keep it alive. -1, or the position of what is no
// text: another type, or text that UTF-8 cannot write (a lone surrogate).
i64 words(nb::handle sequence, std::vector<Word>& out) {
  nb::object fast = nb::steal(PySequence_Fast(sequence.ptr(), "a sequence of str"));
  if (!fast.is_valid()) throw nb::python_error();
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.ptr());
  out.reserve(static_cast<std::size_t>(n));
  for (Py_ssize_t position = 0; position < n; ++position) {
    PyObject* one = PySequence_Fast_GET_ITEM(fast.ptr(), position);
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

}  // namespace

void bind_ids(nb::module_& m) {
  m.def("encode_numbers", [](In<i64> ids, Out<i32> codes) {
    return owned(encode(ids.data(), static_cast<i64>(ids.size()), codes.data()));
  });
  // Positions of first appearance, or the position of the first id that is no text.
  m.def("encode_texts", [](nb::object ids, Out<i32> codes) -> nb::object {
    std::vector<Word> list;
    const i64 bad = words(ids, list);
    if (bad >= 0) return nb::int_(bad);
    return nb::cast(owned(encode(list.data(), static_cast<i64>(list.size()), codes.data())));
  });
  m.def("index_numbers", [](In<i64> ids, Out<i32> order) {
    index(ids.data(), static_cast<i64>(ids.size()), order.data());
  });
  m.def("index_texts", [](In<std::uint8_t> blob, In<i64> offsets, Out<i32> order) {
    index(Text{reinterpret_cast<const char*>(blob.data()), offsets.data(),
               static_cast<i64>(offsets.size()) - 1}, order.data());
  });
  m.def("lookup_numbers", [](In<i64> table, In<i32> order, In<i64> ids, Out<i32> rows) {
    lookup(table.data(), order.data(), static_cast<i64>(table.size()), ids.data(),
           static_cast<i64>(ids.size()), rows.data());
  });
  m.def("lookup_texts", [](In<std::uint8_t> blob, In<i64> offsets, In<i32> order, nb::object ids,
                           Out<i32> rows) -> i64 {
    std::vector<Word> list;
    const i64 bad = words(ids, list);
    if (bad >= 0) return bad;
    lookup(Text{reinterpret_cast<const char*>(blob.data()), offsets.data(),
                static_cast<i64>(offsets.size()) - 1},
           order.data(), list.data(), static_cast<i64>(list.size()), rows.data());
    return -1;
  });
}

}  // namespace penchant
