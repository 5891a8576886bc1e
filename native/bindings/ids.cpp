// Bindings of encode, index and lookup.
#include <algorithm>

#include "arrays.hpp"

namespace penchant {
namespace {

constexpr i64 DONE = -1, FOREIGN_ORDER = -2, NO_TEXT = -3;

// The UTF-8 of a list of str; the strings keep it alive. -1, or the position of what is no text:
// another type, or text that UTF-8 cannot write (a lone surrogate). The GIL is held; what is ASCII
// can nevertheless be looked at by many threads, for nothing is changed.
i64 words(const nb::list& strings, std::vector<Word>& out, int threads) {
  constexpr i64 AT_ONCE = i64{1} << 16;
  const i64 n = PyList_GET_SIZE(strings.ptr()), chunks = (n + AT_ONCE - 1) / AT_ONCE;
  out.resize(static_cast<std::size_t>(n), Word{nullptr, 0});
  std::vector<unsigned char> complete(static_cast<std::size_t>(chunks), 1);
  parallel(chunks, Run{threads, nullptr}, [&](i64 chunk, int) {
    for (i64 at = chunk * AT_ONCE; at < std::min((chunk + 1) * AT_ONCE, n); ++at) {
      PyObject* one = PyList_GET_ITEM(strings.ptr(), at);
      if (PyUnicode_Check(one) && PyUnicode_IS_COMPACT_ASCII(one))
        out[static_cast<std::size_t>(at)] = {static_cast<const char*>(PyUnicode_DATA(one)),
                                             PyUnicode_GET_LENGTH(one)};
      else
        complete[static_cast<std::size_t>(chunk)] = 0;
    }
  });
  for (i64 at = 0; at < n; ++at) {
    if (complete[static_cast<std::size_t>(at / AT_ONCE)]) {
      at += AT_ONCE - 1;
      continue;
    }
    Word& word = out[static_cast<std::size_t>(at)];
    PyObject* one = PyList_GET_ITEM(strings.ptr(), at);
    Py_ssize_t length = word.length;
    if (word.at == nullptr && PyUnicode_Check(one)) word.at = PyUnicode_AsUTF8AndSize(one, &length);
    if (word.at == nullptr) {
      PyErr_Clear();
      return at;
    }
    word.length = length;
  }
  return -1;
}

Text text(const In<std::uint8_t>& blob, const In<i64>& offsets) {
  return {reinterpret_cast<const char*>(blob.data()), offsets.data(),
          static_cast<i64>(offsets.size()) - 1};
}

}  // namespace

void bind_ids(nb::module_& m) {
  m.def("texts", [](In<std::uint8_t> blob, In<i64> offsets, In<i32> rows) {
    const Text all = text(blob, offsets);
    nb::object out = nb::steal(PyList_New(static_cast<Py_ssize_t>(rows.size())));
    for (std::size_t at = 0; at < rows.size(); ++at) {
      const i64 row = rows.data()[at];
      if (row < 0 || row >= all.size) throw nb::index_error("row");
      PyObject* one = PyUnicode_DecodeUTF8(all.blob + all.offsets[row],
                                           all.offsets[row + 1] - all.offsets[row], nullptr);
      if (one == nullptr) throw nb::python_error();
      PyList_SET_ITEM(out.ptr(), static_cast<Py_ssize_t>(at), one);
    }
    return out;
  });
  m.def("encode_numbers", [](In<i64> ids, Out<i32> codes, int threads) {
    std::vector<i64> first;
    without_gil(threads, [&](const Run& run) {
      encode(ids.data(), static_cast<i64>(ids.size()), codes.data(), first, run);
    });
    return owned(std::move(first));
  });
  m.def("encode_blob", [](In<std::uint8_t> blob, In<i64> offsets, Out<i32> codes, int threads) {
    std::vector<i64> first;
    without_gil(threads, [&](const Run& run) {
      encode(text(blob, offsets), codes.data(), first, run);
    });
    return owned(std::move(first));
  });
  // Positions of first appearance, or the position of the first id that is no text. The list is
  // the caller's own, so its strings stay alive without the GIL.
  m.def("encode_texts", [](nb::list ids, Out<i32> codes, int threads) -> nb::object {
    std::vector<Word> list;
    const i64 bad = words(ids, list, threads);
    if (bad >= 0) return nb::int_(bad);
    std::vector<i64> first;
    without_gil(threads, [&](const Run& run) {
      encode(list.data(), static_cast<i64>(list.size()), codes.data(), first, run);
    });
    return nb::cast(owned(std::move(first)));
  });
  m.def("index_numbers", [](In<i64> ids, Out<i32> order, int threads) {
    without_gil(threads, [&](const Run& run) {
      index(ids.data(), static_cast<i64>(ids.size()), order.data(), run);
    });
  });
  m.def("index_texts", [](In<std::uint8_t> blob, In<i64> offsets, Out<i32> order, int threads) {
    without_gil(threads, [&](const Run& run) { index(text(blob, offsets), order.data(), run); });
  });
  // The row of one id, or FOREIGN_ORDER; of what is no text NO_TEXT.
  m.def("lookup_number", [](In<i64> table, In<i32> order, i64 id) {
    i32 row = -1;
    const i64 size = static_cast<i64>(table.size());
    return lookup(table.data(), order.data(), size, &id, 1, &row, {}) ? row : FOREIGN_ORDER;
  });
  m.def("lookup_text",
        [](In<std::uint8_t> blob, In<i64> offsets, In<i32> order, nb::str id) -> i64 {
          Word word{nullptr, 0};
          word.at = PyUnicode_AsUTF8AndSize(id.ptr(), &word.length);
          if (word.at == nullptr) {
            PyErr_Clear();
            return NO_TEXT;
          }
          i32 row = -1;
          return lookup(text(blob, offsets), order.data(), &word, 1, &row, {}) ? row
                                                                               : FOREIGN_ORDER;
        });
  m.def("lookup_numbers",
        [](In<i64> table, In<i32> order, In<i64> ids, Out<i32> rows, int threads) -> i64 {
          bool fits = true;
          without_gil(threads, [&](const Run& run) {
            fits = lookup(table.data(), order.data(), static_cast<i64>(table.size()), ids.data(),
                          static_cast<i64>(ids.size()), rows.data(), run);
          });
          return fits ? DONE : FOREIGN_ORDER;
        });
  // DONE, FOREIGN_ORDER, or the position of the first id that is no text.
  m.def("lookup_texts",
        [](In<std::uint8_t> blob, In<i64> offsets, In<i32> order, nb::list ids, Out<i32> rows,
           int threads) -> i64 {
          std::vector<Word> list;
          const i64 bad = words(ids, list, threads);
          if (bad >= 0) return bad;
          bool fits = true;
          without_gil(threads, [&](const Run& run) {
            fits = lookup(text(blob, offsets), order.data(), list.data(),
                          static_cast<i64>(list.size()), rows.data(), run);
          });
          return fits ? DONE : FOREIGN_ORDER;
        });
}

}  // namespace penchant
