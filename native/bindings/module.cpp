// The extension module: one binding per verb, checked by penchant.kernels.
#include "arrays.hpp"

NB_MODULE(_native, m) {
  m.doc() = "Kernels of Penchant; use them through penchant.kernels, which checks its arguments.";
  nb::set_leak_warnings(false);  // models may outlive the module when Python shuts down
  m.def("level", [] { return penchant::level().name; });
  m.def("choose_level", [](const char* name) { return penchant::choose_level(name); });
  penchant::bind_ids(m);
  penchant::bind_rows(m);
  penchant::bind_scores(m);
  penchant::bind_factors(m);
  penchant::bind_dense(m);
  penchant::bind_pairs(m);
  penchant::bind_slim(m);
  penchant::bind_gibbs(m);
  penchant::bind_texts(m);
}
