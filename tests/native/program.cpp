// Every kernel at every instruction-set level of this processor, for sanitizers to watch; Python takes no part.
#include <cstring>

#include "check.hpp"

using namespace penchant;

int main() {
  test_pool();
  test_ids();
  for (const char* name : {"baseline", "avx2", "avx512"}) {
    if (!choose_level(name)) {
      std::printf("%s: not on this processor\n", name);
      continue;
    }
    test_rows();
    test_scores();
    test_factors();
    test_columns();
    std::printf("%s: passed\n", name);
  }
}
