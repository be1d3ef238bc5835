"""Checkpoints and packages of the ``nequip`` framework, of NequIP and Allegro models.

A trained model is stored in float32 more often than not, and its Wigner 3j buffers are rounded with it. Where its
builder can be called again, the model is built in float64 with exact buffers and only the parameters are copied; the
energy and the forces of a small probe then have to be those of the stored model. Where it cannot, the stored model is
used as it is.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...theory.errors import InputError
from ..records.files import sha256_of
from .allegro_model import MODULE, AllegroBackbone
from .architecture import load_parameters
from .backbone import BackboneInfo
from .nequip_model import Graph, NequIPBackbone, graph, nequip_session

#: Largest relative difference of forces and energies between the stored model and the one that was built anew. A sum
#: of some thousand float32 terms of both signs leaves 1e-5; another architecture or other weights leave 1e-1.
_SAME_MODEL = 1e-3


def load_nequip_checkpoint(path: Path) -> NequIPBackbone:
    """Load a ``.ckpt`` of ``nequip-train``; its EMA weights where it keeps them, as nequip itself does."""
    with _quiet():
        from nequip.model.saved_models.load_utils import load_saved_model

        with _reading(path, "nequip checkpoint"):
            content = torch.load(path, map_location="cpu", weights_only=False)
            config = dict(content["hyper_parameters"]["model"])
            stored = load_saved_model(str(path))
    return _backbone(path, stored, config)


def load_nequip_package(path: Path) -> NequIPBackbone:
    """Load a ``.nequip.zip`` that ``nequip-package`` wrote."""
    with _quiet():
        from nequip.model.saved_models.load_utils import load_saved_model
        from omegaconf import OmegaConf
        from torch.package.package_importer import PackageImporter

        with _reading(path, "nequip package"):
            importer: Any = PackageImporter(str(path))
            config: Any = OmegaConf.create(importer.load_text("model", "config.yaml")).training_module.model
            config = OmegaConf.to_container(config, resolve=True)
            stored = load_saved_model(str(path))
    return _backbone(path, stored, dict(config))


@contextmanager
def _quiet() -> Iterator[None]:
    with nequip_session(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _reading(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # a foreign file can fail in any way
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path.name} is not a {what} that nequip can read here ({type(error).__name__}: {reason}); restore it, or "
            "install the packages that it was made with"
        ) from error


def _build(config: dict[str, Any], **changes: Any) -> torch.nn.Module:
    """Call the builder that the model came from."""
    from hydra.utils import get_method

    arguments = {**config, **changes}
    builder: Callable[..., torch.nn.Module] = get_method(arguments.pop("_target_"))
    return builder(**arguments)


def _backbone(path: Path, stored: Any, config: dict[str, Any]) -> NequIPBackbone:
    stored.eval()
    known: dict[str, str] = stored.metadata
    type_names, r_max = known["type_names"].split(" "), float(known["r_max"])
    classes = {type(module).__name__ for module in stored.modules()}
    if MODULE not in classes and "ConvNetLayer" not in classes:
        raise InputError(
            f"{path.name} holds a {config.get('_target_', 'model')}, expected NequIP or Allegro; wrap it with from_module "
            "in Python and say which submodule to tap"
        )
    kind, name = (AllegroBackbone, "allegro") if MODULE in classes else (NequIPBackbone, "nequip")
    prune = _pruner(known.get("per_edge_type_cutoff"), r_max, type_names)
    model, anew = _in_float64(stored, config, type_names, prune)
    info = BackboneInfo(
        path.name,
        name,
        trained=True,
        sha256=sha256_of(path),
        builder={**_plain(config), "built_in": "float64" if anew else known["model_dtype"]},
    )
    backbone = kind(model, type_names, r_max, info, prune)
    if anew:

        def untrained(seed: int) -> NequIPBackbone:
            with _quiet():
                fresh = _build(config, model_dtype="float64", seed=seed)
            title = f"{path.name} (untrained, seed {seed})"
            return kind(
                fresh, type_names, r_max, BackboneInfo(title, name, False, builder=info.builder), prune
            )

        backbone.untrained = untrained
    return backbone


def _in_float64(
    stored: Any, config: dict[str, Any], type_names: list[str], prune: Callable[[Graph], Graph] | None
) -> tuple[torch.nn.Module, bool]:
    """Return the model built anew in float64 with the stored parameters, or the stored one; and which it is."""
    with _quiet():
        try:
            model = _build(config, model_dtype="float64", compile_mode="eager").eval()
            load_parameters(model, dict(stored.named_parameters()))
        except Exception:  # a builder from elsewhere, or one that reads another file
            return stored, False
        probe = _probe(type_names, float(stored.metadata["r_max"]), prune)
        expected, computed = stored(dict(probe)), model(dict(probe))
    same = all(_close(computed[key], expected[key]) for key in ("forces", "total_energy"))
    return (model, True) if same else (stored, False)


def _close(computed: torch.Tensor, expected: torch.Tensor) -> bool:
    difference = (computed.detach() - expected.detach().to(torch.float64)).abs().max()
    return bool(difference <= _SAME_MODEL * expected.detach().abs().max())


def _probe(type_names: list[str], r_max: float, prune: Callable[[Graph], Graph] | None) -> Graph:
    """Return a small cluster that holds every element of the model."""
    rng = np.random.default_rng(0)
    count = max(4, 2 * len(type_names))
    positions = rng.normal(size=(count, 3)) * 0.4 * r_max
    return graph(positions, torch.arange(count) % len(type_names), r_max, prune)


def _pruner(cutoffs: str | None, r_max: float, type_names: list[str]) -> Callable[[Graph], Graph] | None:
    if cutoffs is None:
        return None
    from nequip.data.transforms.neighborlist import NeighborListPruneTransform
    from nequip.nn.embedding.utils import cutoff_str_to_fulldict

    with nequip_session():
        prune: Callable[[Graph], Graph] = NeighborListPruneTransform(
            r_max=r_max,
            per_edge_type_cutoff=cutoff_str_to_fulldict(cutoffs, type_names),
            type_names=type_names,
        )
    return prune


def _plain(value: Any) -> Any:
    """Return a builder's arguments as JSON-ready data."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
