"""Designs of an RSS counter, one class each, all with the interface of `Design`.

`DESIGNS` has them by name, oldest first.
"""

from __future__ import annotations

from oomsel.kernel.designs.base import Accuracy, Costs, Design, How, Topology, Updates
from oomsel.kernel.designs.percpu import Percpu
from oomsel.kernel.designs.pernode import Pernode
from oomsel.kernel.designs.split import Split
from oomsel.kernel.designs.tree import Tree

DESIGNS: dict[str, type[Design]] = {design.name: design for design in (Split, Percpu, Pernode, Tree)}

__all__ = ["DESIGNS", "Accuracy", "Costs", "Design", "How", "Percpu", "Pernode", "Split", "Topology", "Tree", "Updates"]
