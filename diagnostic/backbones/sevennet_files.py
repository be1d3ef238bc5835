"""SevenNet's weights: those that ship inside the package ``sevenn``, and checkpoints of its own training.

The network is built anew in float64 with exact tables; the weights alone are copied. Energies, forces and features of
a few small clusters then have to be those of the stored network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase.data import atomic_numbers

from ...theory.errors import InputError
from ..frames.frames import Frames
from ..records.files import sha256_of
from .architecture import load_parameters
from .backbone import BackboneInfo
from .sevennet_model import SevenNetBackbone, build_sevennet, sevennet_session

#: Names that the package knows, and its constant that holds the path of each.
_NAMES = {
    "7net-0": "SEVENNET_0_11Jul2024",
    "7net-0_11jul2024": "SEVENNET_0_11Jul2024",
    "7net-0_22may2024": "SEVENNET_0_22May2024",
    "7net-l3i5": "SEVENNET_l3i5",
    "7net-mf-0": "SEVENNET_MF_0",
    "7net-mf-ompa": "SEVENNET_MF_ompa",
    "7net-omat": "SEVENNET_omat",
    "7net-omni": "SEVENNET_omni",
    "7net-omni-i8": "SEVENNET_omni_i8",
    "7net-omni-i12": "SEVENNET_omni_i12",
}
#: Largest relative difference of energies, forces and features between the stored network and the rebuilt one. Sums of
#: some thousand float32 terms of both signs leave 1e-5; other weights or another architecture leave 1e-1.
_SAME_MODEL = 1e-3
#: Entries of the configuration that say how the network was built, which go into every result.
_SHOWN = ("cutoff", "channel", "lmax", "lmax_edge", "is_parity", "num_convolution_layer", "self_connection_type", "irreps_manual",
          "version")  # fmt: skip
#: Parameters that describe the data and the geometry, and no training of weights changed.
_STATISTICS = ("denominator", "rescale_atomic_energy.shift", "rescale_atomic_energy.scale")


def sevennet_names() -> dict[str, Path]:
    """Return the names whose weights lie in the installed package, with their files.

    Raises
    ------
    InputError
        sevenn is not installed.
    """
    with sevennet_session():
        from sevenn import _const

    files = {name: Path(getattr(_const, constant, "")) for name, constant in _NAMES.items()}
    return {name: file for name, file in files.items() if file.is_file()}


def load_sevennet_name(name: str, dtype: torch.dtype = torch.float64) -> SevenNetBackbone:
    """Load weights that ship inside the package: ``7net-0``, or ``7net-mf-0:PBE`` with a modality.

    They come with the installed package, which is trusted already: no more trust is asked for.

    Raises
    ------
    InputError
        sevenn is not installed, it ships no such weights, or the modality is missing or unknown.
    """
    shipped = sevennet_names()
    title, _, modal = name.partition(":")
    plain = title.lower().replace("sevennet-", "7net-")
    if plain not in shipped:
        known = ", ".join(f"sevenn:{each}" for each in shipped)
        if plain in _NAMES:
            raise InputError(
                f"the weights of {title!r} are not inside the installed package sevenn, which ships {known}; download the "
                "checkpoint and give its path, FILE.pth"
            )
        raise InputError(f"sevenn has no model {title!r}, expected {known}, or the path of a checkpoint")
    return _load(shipped[plain], f"sevenn:{name}", modal, dtype)


def load_sevennet_checkpoint(path: Path, modal: str = "") -> SevenNetBackbone:
    """Load a ``.pth`` that SevenNet's training wrote, a pickle, which can run any code when it is read.

    Raises
    ------
    InputError
        sevenn is not installed, the file is no such checkpoint, or the modality is missing or unknown.
    """
    return _load(path, path.name, modal, torch.float64)


def _load(path: Path, source: str, modal: str, dtype: torch.dtype) -> SevenNetBackbone:
    with sevennet_session(torch.float32):
        from sevenn.checkpoint import SevenNetCheckpoint

        try:
            checkpoint = SevenNetCheckpoint(path)
            config = checkpoint.config
            stored: Any = checkpoint.build_model().eval()
        except Exception as error:  # a foreign file can fail in any way
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"{path.name} is no SevenNet checkpoint that sevenn can read here ({type(error).__name__}: {reason}); give "
                "a .pth that SevenNet's training wrote"
            ) from error
    index = _modal_index(stored.modal_map, modal, source)
    given = dict(stored.named_parameters())
    model = build_sevennet(config, dtype=dtype)
    load_parameters(model, given)
    builder = {key: _plain(config[key]) for key in _SHOWN if key in config}
    info = BackboneInfo(source, "sevennet", True, sha256_of(path), builder=builder)
    backbone = SevenNetBackbone(model, info, index)
    _check_same(SevenNetBackbone(stored, info, index), backbone)

    def untrained(seed: int) -> SevenNetBackbone:
        fresh = build_sevennet(config, seed, dtype)
        with torch.no_grad():
            for key, parameter in fresh.named_parameters():
                if key.endswith(_STATISTICS):
                    parameter.copy_(given[key])
        title = f"{source} (untrained, seed {seed})"
        return SevenNetBackbone(fresh, BackboneInfo(title, "sevennet", False, builder=builder), index)

    backbone.untrained = untrained
    return backbone


def _modal_index(modals: dict[str, int] | None, modal: str, source: str) -> int | None:
    if not modals:
        if modal:
            raise InputError(
                f"{source} has one modality only, got {modal!r}; leave it out, {source.removesuffix(':' + modal)}"
            )
        return None
    title = source.removesuffix(":" + modal)
    if modal not in modals:
        what = f"no modality {modal!r}" if modal else "several modalities, and none was chosen"
        raise InputError(f"{title} has {what}; expected {', '.join(f'{title}:{each}' for each in modals)}")
    return int(modals[modal])


def _check_same(stored: SevenNetBackbone, rebuilt: SevenNetBackbone) -> None:
    """Hold the rebuilt network against the stored one on a few small clusters: energies, forces, features."""
    rng = np.random.default_rng(0)
    numbers = np.array([atomic_numbers[symbol] for symbol in stored.elements], dtype=np.int64)
    atoms = max(8, min(len(numbers), 12))
    chosen = numbers[np.linspace(0, len(numbers) - 1, atoms).astype(int)]
    lattice = np.stack(np.meshgrid(*[np.arange(3.0)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)[:atoms]
    positions = 1.8 * lattice + 0.2 * rng.normal(size=(2, atoms, 3))
    probe = Frames(chosen, positions, np.zeros_like(positions), None, "probe", "0" * 64, "eV")
    names = [layer.name for layer in stored.layers()]
    expected, computed = (each.respond(probe, names, forces=True) for each in (stored, rebuilt))
    assert expected.energies is not None
    assert computed.energies is not None
    assert expected.forces is not None
    assert computed.forces is not None
    pairs = {
        "energies": (expected.energies, computed.energies),
        "forces": (expected.forces, computed.forces),
        **{name: (expected.features[name].values, computed.features[name].values) for name in names},
    }
    for what, (known, mine) in pairs.items():
        error, scale = float(np.abs(mine - known).max()), float(np.abs(known).max())
        if not error <= _SAME_MODEL * max(scale, 1e-12):
            raise InputError(
                f"{stored.info.source} cannot be rebuilt in float64: its {what} and those of the rebuilt network differ by "
                f"{error:.1e} of {scale:.1e}; wrap the network with from_module instead"
            )


def _plain(value: Any) -> Any:
    """Return an entry of the configuration as JSON-ready data."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
