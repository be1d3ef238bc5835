"""Make the diagnoses that several claims share before the claims ask for them, several at a time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from ..diagnostic.backbones.checkpoint import embedded_names
from ..theory.errors import InputError
from .backbones import BY_L, WIDE
from .context import Context
from .depth import BY_DEPTH
from .effort import MAIN, SEEDS, standard_folder
from .registry import Claim

#: Backbones behind the claims of some check; None: every shipped one.
_BEHIND: dict[str, tuple[str, ...] | None] = {
    "seeds:four_backbones": SEEDS,
    "seeds:full_distribution": SEEDS,
    "backbones:width": (SEEDS[0], WIDE),
    "backbones:parameter_count": None,
    "backbones:l_max": tuple(BY_L.values()),
    "depth:depth_height": tuple(BY_DEPTH.values()),
    "depth:depth_cliff": tuple(BY_DEPTH.values()),
}

#: Modules whose checks ask for diagnoses that other claims use too.
_SHARING = frozenset({"aspirin", "backbones", "depth", "isolation", "molecules", "seeds"})


def shares_diagnoses(claim: Claim) -> bool:
    """Return whether a claim reads diagnoses that other claims read too: its time need not count them."""
    return claim.check.partition(":")[0] in _SHARING


def needed(claims: Sequence[Claim]) -> list[str]:
    """Return the shipped backbones whose shared diagnosis these claims ask for, without the main one."""
    shipped = embedded_names()
    names: dict[str, None] = {}
    for claim in claims:
        backbones = _BEHIND.get(claim.check, ())
        names |= dict.fromkeys(
            shipped if backbones is None else [name for name in backbones if name in shipped]
        )
    return [name for name in names if name != MAIN]


def run_ahead(context: Context, claims: Sequence[Claim], workers: int) -> None:
    """Run the shared diagnoses of these claims in ``workers`` processes, each on one thread.

    The results are those that the claims would get on their own. A backbone that cannot be run here is left to the claim
    that asks for it, which says why.
    """
    names = needed(claims)
    if workers < 2 or len(names) < 2:
        return
    asked = (context.out, context.data, context.quick, context.seed)
    with ProcessPoolExecutor(min(workers, len(names)), mp_context=get_context("spawn")) as pool:
        running = [pool.submit(_diagnose, *asked, name) for name in names]
        for done, future in enumerate(as_completed(running), 1):
            future.result()
            context.tell(f"diagnosing backbones, {done} of {len(names)} done")


def _diagnose(out: Path, data: str, quick: bool, seed: int, name: str) -> None:
    import torch

    torch.set_num_threads(1)
    try:
        standard_folder(Context(out, data, quick, seed, workers=1), name)
    except InputError:
        return
