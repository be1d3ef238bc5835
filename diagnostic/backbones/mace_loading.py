"""A user's own MACE, from a ``.model`` file or from memory, rebuilt in float64 with exact coupling tensors."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...theory.errors import InputError
from ..records.files import sha256_of
from .backbone import BackboneInfo
from .mace_model import MACEBackbone, build_mace, graph_batch, mace_session
from .mace_settings import MACESettings, settings_of

#: Buffers that are functions of the irreps alone: the rebuilt model has them to round-off, a loaded one as rounded then.
_COUPLINGS = ("_w3j_", "U_matrix_")
_COMPILED = (
    "a compiled model (TorchScript), whose layers cannot be tapped; give the .model that it was compiled from"
)


def load_mace(path: Path, *, head: str | None = None) -> MACEBackbone:
    """Load a ``.model`` file as MACE writes it.

    The file is a pickle, which can run any code when it is read:
    :func:`spectral_ceilings.diagnostic.backbones.loading.load_backbone` lets it through only with ``trust``.

    Parameters
    ----------
    path
        The file.
    head
        Whose energy is meant, in a model of several heads; see :func:`from_mace`.

    Raises
    ------
    InputError
        mace is absent, or the file does not hold a MACE energy model.
    """
    with mace_session(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = torch.load(path, map_location="cpu", weights_only=False)
        except Exception as error:  # unpickling runs the file's own code: it can fail in any way
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(
                f"{path.name} cannot be read as a MACE model ({reason}); give a file that mace wrote, with the mace version "
                "that wrote it"
            ) from error
    if isinstance(model, torch.jit.ScriptModule):
        raise InputError(f"{path.name} is {_COMPILED}")
    return _rebuilt(model, path.name, head, sha256_of(path))


def from_mace(
    model_or_calculator: Any, *, head: str | None = None, source: str = "a MACE model in memory"
) -> MACEBackbone:
    """Wrap a MACE model, or the ASE calculator that holds one, without touching it.

    The model is built anew in float64 from the constructor's arguments, which are read off it, and its weights are
    copied. Its coupling tensors are not copied: those of a float32 model are rounded, and the features of its cast
    to float64 would be equivariant to 1e-7 only.

    Parameters
    ----------
    model_or_calculator
        A ``MACE`` or ``ScaleShiftMACE`` module, a ``MACECalculator``, or what ``mace_mp`` and ``mace_off`` return; laid out for
        cuequivariance or not.
    head
        Whose energy is meant, in a model of several heads; without it the only one, the calculator's, or the one
        called "default". Features are those of all heads.
    source
        What reports call it.

    Raises
    ------
    InputError
        Something else than a MACE energy model, a committee, a calculator with other units, an unknown head, or a
        model that cannot be rebuilt to the same energies, forces and features.
    """
    model = model_or_calculator
    if hasattr(model, "mixer"):  # mace_mp(dispersion=True) adds a calculator of dispersion
        raise InputError(
            f"{source} is a sum of calculators, expected MACE alone; give its part .mixer.calcs[0]"
        )
    if hasattr(model, "models") and hasattr(model, "calculate"):
        if len(model.models) != 1:
            raise InputError(
                f"{source} is a committee of {len(model.models)} models; give one of them, calculator.models[0]"
            )
        if (model.energy_units_to_eV, model.length_units_to_A) != (1.0, 1.0):
            raise InputError(
                f"{source} converts units by {model.energy_units_to_eV} and {model.length_units_to_A}, expected a model in eV "
                "and Å; give its module calculator.models[0] and frames in its units"
            )
        head = head or (model.head if isinstance(model.head, str) else None)
        model = model.models[0]
    if isinstance(model, torch.jit.ScriptModule):
        raise InputError(f"{source} is {_COMPILED}")
    return _rebuilt(model, source, head, None)


def _rebuilt(model: Any, source: str, head: str | None, sha256: str | None) -> MACEBackbone:
    model = _without_acceleration(model, source)
    settings = settings_of(model, source)
    number = _head_number(settings, head, source)
    fresh = build_mace(settings)
    _copy_values(model, fresh, source)
    backbone = MACEBackbone(
        fresh,
        settings,
        BackboneInfo(source, "mace", True if sha256 else None, sha256, builder=settings.to_dict()),
        number,
    )
    _check_same(model, fresh, settings, source)

    def untrained(seed: int) -> MACEBackbone:
        other = replace(settings, seed=seed)
        info = BackboneInfo(
            f"{source} (untrained, seed {seed})", "mace", trained=False, builder=other.to_dict()
        )
        return MACEBackbone(build_mace(other), other, info, number)

    backbone.untrained = untrained
    return backbone


def _without_acceleration(model: Any, source: str) -> Any:
    """Return a model whose weights are laid out as e3nn lays them out; mace's own converter undoes cuequivariance.

    The one that is given stays as it is. A model that cannot be converted back is refused later, by ``settings_of``.
    """
    blocks = getattr(model, "interactions", None)
    config = getattr(blocks[0], "cueq_config", None) if blocks else None
    if config is None or not getattr(config, "enabled", False):
        return model
    with mace_session(next(model.parameters()).dtype), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from mace.cli.convert_cueq_e3nn import run
        except ImportError:
            return model
        try:
            return run(model, device="cpu", return_model=True)
        except Exception as error:  # the converter knows the layouts of its own version of mace only
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise InputError(
                f"{source} is laid out for cuequivariance, and mace cannot convert it back ({reason}); give the model before the "
                "conversion"
            ) from error


def _head_number(settings: MACESettings, head: str | None, source: str) -> int:
    names = settings.heads
    if head is None and len(names) > 1:
        head = next((name for name in names if name.lower() == "default"), None)
    if head is None and len(names) == 1:
        return 0
    if head not in names:
        said = "has several heads" if head is None else f"has no head {head!r}"
        raise InputError(
            f"{source} {said}; name one of {', '.join(names)} with head=... in from_mace or load_mace, from Python"
        )
    return names.index(head)


def _copy_values(model: Any, fresh: torch.nn.Module, source: str) -> None:
    """Copy parameters and constants by name; coupling tensors stay exact, and must be those of this mace."""
    cannot = f"{source} cannot be rebuilt with the mace that is installed here"
    given, state = model.state_dict(), fresh.state_dict()
    lacking = [name for name, _ in fresh.named_parameters() if name not in given]
    unknown = [name for name, _ in model.named_parameters() if name not in state]
    if lacking or unknown:
        raise InputError(
            f"{cannot}: parameter {(lacking or unknown)[0]!r} is on one side only; use the mace that made it"
        )
    with torch.no_grad():
        for name, mine in state.items():
            if name not in given or mine.numel() == 0 or name.endswith("output_mask"):
                continue
            value = given[name].detach().cpu()
            if value.numel() != mine.numel():
                raise InputError(
                    f"{cannot}: {name!r} has shape {tuple(value.shape)}, expected {tuple(mine.shape)}; use the mace that made it"
                )
            value = value.reshape(mine.shape).to(mine.dtype)
            if any(part in name for part in _COUPLINGS):
                # Entries are of order one and may come rounded to float32.
                if not torch.allclose(value, mine, rtol=0.0, atol=1e-5):
                    raise InputError(
                        f"{cannot}: its coupling tensor {name!r} is in another basis; use the mace that made it"
                    )
                continue
            mine.copy_(value)


def _check_same(model: Any, fresh: torch.nn.Module, settings: MACESettings, source: str) -> None:
    """Compare the given model with its rebuilt one on a few small clusters: energies, forces, features."""
    rng = np.random.default_rng(0)
    atoms = max(6, min(len(settings.type_names), 12))
    lattice = np.stack(np.meshgrid(*[np.arange(3.0)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)[:atoms]
    positions = 1.6 * lattice + 0.2 * rng.normal(size=(2, atoms, 3))
    types = torch.from_numpy(np.arange(atoms) % len(settings.type_names))
    parameter = next(model.parameters())
    # Sums of some thousand rounded products; a wrong argument changes the first digit.
    tolerance = 1e-9 if parameter.dtype == torch.float64 else 1e-3
    results = []
    for candidate, dtype, device in (
        (model, parameter.dtype, parameter.device),
        (fresh, torch.float64, torch.device("cpu")),
    ):
        with mace_session(dtype), _evaluating(candidate):
            data = graph_batch(positions, types, len(settings.type_names), settings.r_max)
            out = candidate({name: value.to(device) for name, value in data.items()})
            results.append(
                {name: out[name].detach().cpu().double() for name in ("node_energy", "forces", "node_feats")}
            )
    for name, expected in results[0].items():
        error = float((results[1][name] - expected).abs().max())
        scale = float(expected.abs().max())
        if not error <= tolerance * max(scale, 1e-12):
            raise InputError(
                f"{source} cannot be rebuilt: its {name} and those of the rebuilt model differ by {error:.1e} of {scale:.1e}; "
                "it is of a kind whose arguments cannot be read off it, wrap it with from_module instead"
            )


@contextlib.contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
