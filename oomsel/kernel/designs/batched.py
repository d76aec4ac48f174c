"""The rule that per-CPU and per-node counters share: what is held in a place folds when it reaches the batch."""

from __future__ import annotations

from oomsel.kernel.designs.compiled import Loop

_SWAP = 2  # MM_SWAPENTS
_FRESH = 5  # How.FRESH


def _replay(  # type: ignore[no-untyped-def]  # noqa: PLR0912, PLR0915
    mms, member, place, amount, repeat, how, count, held, places, batch, folds, updates, lacks, under, over
):
    for i in range(len(mms)):
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
        left = repeat[i]
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
            continue
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


#: Arguments: six columns of updates; count[counter] and held[counter * places + place]; places, batch; [mm] tallies.
replay_batched = Loop(_replay)
