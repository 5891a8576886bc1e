"""The bodies a fitted model can have, by name."""

from penchant.models.bodies.body import Body
from penchant.models.bodies.draws import Draws
from penchant.models.bodies.factors import Factors
from penchant.models.bodies.item_weights import ItemWeights
from penchant.models.bodies.mixture import Mixture
from penchant.models.bodies.neighbours import Neighbours
from penchant.models.bodies.pair_factors import PairFactors
from penchant.models.bodies.popularity import PopularityBody

BODIES: dict[str, type[Body]] = {
    body.name: body
    for body in (Draws, Factors, ItemWeights, Mixture, Neighbours, PairFactors, PopularityBody)
}

__all__ = [
    "BODIES",
    "Body",
    "Draws",
    "Factors",
    "ItemWeights",
    "Mixture",
    "Neighbours",
    "PairFactors",
    "PopularityBody",
]
