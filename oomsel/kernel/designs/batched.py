"""The rule that per-CPU and per-node counters share: what is held in a place folds when it reaches the batch."""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

from oomsel.kernel.designs.compiled import Loop

_SWAP = 2  # MM_SWAPENTS
_FRESH = 4  # How.FRESH


def _replay(  # noqa: C901, PLR0915 - one compiled loop
    mms,
    member,
    place,
    amount,
    repeat,
    how,
    lockstep,
    count,
    held,
    crowd,
    places,
    batch,
    folds,
    updates,
    lacks,
    under,
    over,
):
    def add(i, left):  # noqa: PLR0912, PLR0915
        mm = mms[i]
        c = 4 * mm + member[i]
        if how[i] == _FRESH:
            for j in range(4 * mm, 4 * mm + 4):
                count[j] = 0
            for j in range(4 * mm * places, (4 * mm + 4) * places):
                held[j] = 0
            lacks[mm] = 0
        at = c * places + place[i]
        step = amount[i]
        here = held[at]
        updates[mm] += left
        if left == 1:  # by far the most frequent, and as the kernel does it
            total = here + step
            if abs(total) >= batch:
                count[c] += total
                folds[mm] += 1
                total = 0
            held[at] = total
            if c & 3 != _SWAP:
                lack = lacks[mm] + total - here
                lacks[mm] = lack
                if lack > under[mm]:
                    under[mm] = lack
                elif -lack > over[mm]:
                    over[mm] = -lack
            return
        before = here - lacks[mm] if c & 3 != _SWAP else 0
        while left > 0 and step != 0:
            # How many adds until the one that folds.
            if abs(here + step) >= batch:
                adds = 1
            elif step > 0:
                adds = -((here - batch) // step)
            else:
                adds = -((-here - batch) // -step)
            if adds > left:
                here += step * left
                left = 0
            else:
                rounds = 1
                if here == 0:  # from here on every round is the same
                    rounds = left // adds
                folds[mm] += rounds
                left -= rounds * adds
                count[c] += here + rounds * adds * step
                if c & 3 != _SWAP:
                    top = here + (adds - 1) * step - before  # just before the fold
                    under[mm] = max(under[mm], top)
                    over[mm] = max(over[mm], -top)
                here = 0
            if c & 3 != _SWAP:
                lacks[mm] = here - before
                under[mm] = max(under[mm], lacks[mm])
                over[mm] = max(over[mm], -lacks[mm])
        held[at] = here

    def quiet(first, after, most):
        """So many rounds until one in which a place folds: till then their order does not matter."""
        step = abs(amount[first])
        if most == 1 or step == 0:
            return most
        for i in range(first, after):
            crowd[place[i]] += 1
        for i in range(first, after):
            here = held[(4 * mms[i] + member[i]) * places + place[i]]
            most = min(most, (batch - 1 - (here if amount[i] > 0 else -here)) // (step * crowd[place[i]]))
        for i in range(first, after):
            crowd[place[i]] = 0
        return most

    after = 0
    for i in range(len(mms)):
        if lockstep[i] == 1:
            add(i, repeat[i])
        elif i >= after:
            after = i + lockstep[i]
            todo = repeat[i]
            while todo > 0:
                rounds = max(1, quiet(i, after, todo))
                for j in range(i, after):
                    add(j, rounds)
                todo -= rounds


#: Columns of updates; count[counter], held[counter * places + place], zeros for [place]; places, batch; [mm] tallies.
replay_batched = Loop(_replay)
