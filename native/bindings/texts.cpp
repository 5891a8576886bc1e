// Binding of divide.
#include "arrays.hpp"

namespace penchant {
namespace {

template <class T>
nb::object owned(std::unique_ptr<T[]>&& values, i64 n) {
  T* kept = values.release();
  nb::capsule owner(kept, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  return nb::cast(
      nb::ndarray<nb::numpy, T, nb::ndim<1>>(kept, {static_cast<std::size_t>(n)}, owner));
}

nb::list strings(const std::vector<Word>& words) {
  nb::list out;
  for (const Word& word : words) {
    PyObject* one = PyUnicode_DecodeUTF8(word.at, word.length, "strict");
    if (one == nullptr) throw nb::python_error();
    out.append(nb::steal(one));
  }
  return out;
}

}  // namespace

void bind_texts(nb::module_& m) {
  // Per column int64, or (codes, distinct cells); None where the text is not plain throughout.
  m.def(
      "divide",
      [](nb::bytes text, i64 begin, nb::bytes delimiter, i64 width, int threads) -> nb::object {
        std::vector<TextColumn> columns;
        i64 n = 0;
        bool plain = false;
        const Word between{delimiter.c_str(), static_cast<i64>(delimiter.size())};
        without_gil(threads, [&](const Run& run) {
          plain = divide(text.c_str() + begin, static_cast<i64>(text.size()) - begin, between,
                         width, columns, n, run);
        });
        if (!plain) return nb::none();
        nb::list out;
        for (TextColumn& column : columns) {
          if (column.numbers)
            out.append(owned(std::move(column.numbers), n));
          else
            out.append(nb::make_tuple(owned(std::move(column.codes), n), strings(column.distinct)));
        }
        return out;
      });
}

}  // namespace penchant
