"""What libraries share whose fits take no start and cannot go on."""

from __future__ import annotations

import time


class FromScratch:
    """A run is a fit of one epoch and one of `more`; its figure is their difference over the rest,
    which leaves out what preparation costs. results() come from a fit of as many epochs as there
    were runs. Learning N epochs is one whole fit of N, preparation and all.
    """

    anew = True  # learn(N) begins at nothing
    more = 3
    runs = fitted = 0

    def learn(self, epochs):
        self._fit(epochs)
        self.runs = epochs

    def run(self):
        self.runs += 1
        one, some = self._fit(1), self._fit(self.more)
        each = (some - one) / (self.more - 1)
        return {"seconds": each if each > 0 else one, "seconds_one_epoch_fit": one}

    def results(self):
        if self.fitted != self.runs:
            self._fit(self.runs)
        return self.found()

    def _fit(self, epochs):
        start = time.perf_counter()
        self.fit(epochs)
        self.fitted = epochs
        return time.perf_counter() - start
