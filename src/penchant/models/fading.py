"""What models of item weights share when old likes may count less: their hyperparameters."""

from __future__ import annotations

from penchant.models.base import Model
from penchant.models.bodies.recency import Recency
from penchant.models.params import param


class Fading(Model):
    """A model that scores a history of likes weighted by recency: age m counts ``recency^m``."""

    recency: float = param(
        default=1.0,
        low=0.01,
        high=1,
        search=(0.6, 1.0),
        only="likes",
        help="what a like counts for each that came after it; 1 forgets nothing",
    )
    recency_floor: float = param(
        default=0.05, low=0, high=1, help="what an old like counts at least"
    )

    def _fading(self) -> Recency | None:
        return None if self.recency == 1 else Recency(self.recency, self.recency_floor)
