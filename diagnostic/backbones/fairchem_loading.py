"""fairchem models from a checkpoint, from a configuration with random weights, or from memory: in float64, with exact tables."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import inspect
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from ...theory.errors import InputError
from ..records.files import sha256_of
from .backbone import BackboneInfo
from .fairchem_model import FairchemBackbone, fairchem_session
from .fairchem_settings import Conditions, FairchemSource, parse_source

_ESCN = "fairchem.core.models.uma.escn_md"
_MOE = "fairchem.core.models.uma.escn_moe"
_UNIT = "fairchem.core.units.mlip_unit.mlip_unit"
#: How a graph is made and run here, whatever the model was trained with.
_OVERRIDES = {"otf_graph": True, "always_use_pbc": False, "activation_checkpointing": False, "edge_chunk_size": 1,
              "execution_mode": "general"}  # fmt: skip
#: Entries of tables are of order one; as stored in float32 they are off by 6e-8 of that.
_TABLE_ROUNDING = 1e-5


def load_fairchem(source: str, *, trust: bool = False) -> FairchemBackbone:
    """Load ``fairchem:NAME:key=value,...``; see :func:`.fairchem_settings.parse_source` for what it may be.

    Parameters
    ----------
    trust
        Say that a checkpoint comes from someone you trust: it is a pickle. Random weights need none.

    Raises
    ------
    InputError
        fairchem is absent, an unknown name or argument, a checkpoint without ``trust``, or a model without features that turn.
    """
    return _loaded(parse_source(source), trust)


def _loaded(wanted: FairchemSource, trust: bool) -> FairchemBackbone:
    if wanted.model is not None:
        wanted = _published(wanted)
    if wanted.file is None:
        return _from_checkpoint(
            _random(*_configurations(wanted), wanted.seed, wanted.name), wanted, trained=False
        )
    if not trust:
        raise InputError(
            f"{wanted.file.name} is a fairchem checkpoint, a pickle, which can run any code when it is read; add --trust (in "
            "Python trust=True) if you trust whoever made it"
        )
    return _from_checkpoint(_read(wanted.file), wanted, trained=True)


def load_fairchem_checkpoint(path: Path) -> FairchemBackbone:
    """Load a ``.pt`` file with the defaults of task, charge and spin; only after ``trust``, because it is a pickle."""
    return _loaded(FairchemSource(path.name, path), True)


def from_fairchem(
    model: Any,
    *,
    task: str | None = None,
    charge: int = 0,
    spin: int | None = None,
    source: str = "a fairchem model in memory",
) -> FairchemBackbone:
    """Wrap a fairchem model in memory without touching it; its copy runs in float64 with exact tables.

    Parameters
    ----------
    model
        An ``MLIPPredictUnit``, a ``FAIRChemCalculator``, a ``HydraModel`` with its tasks set up, or an ``eSCNMDBackbone``
        (features only).
    task
        The dataset whose embedding and heads are meant; None: the calculator's, or the only one.
    charge, spin
        Total charge (e) and spin multiplicity; None: 1 for the task ``omol``, else 0 ("not given").
    source
        What reports call it.

    Raises
    ------
    InputError
        Something else, an unknown task, or a model without features that turn (EScAIP, AllScAIP).
    """
    with fairchem_session():
        from fairchem.core.models.uma.escn_md import eSCNMDBackbone

        if hasattr(model, "predictor") and hasattr(model, "task_name"):
            task, model = task or model.task_name, model.predictor
        if hasattr(model, "inference_settings") and hasattr(model, "model"):
            model = getattr(model.model, "_orig_mod", model.model).module
        backbone = getattr(model, "backbone", model)
        if not isinstance(backbone, eSCNMDBackbone):
            raise InputError(f"{source} is {_no_features(type(backbone).__name__)}")
        hydra = None if backbone is model else copy.deepcopy(model)
        backbone = copy.deepcopy(backbone) if hydra is None else hydra.backbone
        tasks = () if hydra is None else tuple(getattr(hydra, "dataset_to_tasks", None) or ())
        if hydra is not None and not tasks:
            raise InputError(
                f"{source} has no tasks set up; give its predict unit, or its backbone for features only"
            )
        names = tasks or tuple(backbone.dataset_mapping or ("omol",))
        conditions = Conditions(task, charge, spin).of(names, source)
        return _wrapped(backbone, hydra, conditions, BackboneInfo(source, _architecture(backbone), None))


def random_checkpoint(source: str) -> Any:
    """Return fairchem's ``MLIPInferenceCheckpoint`` of a configuration with random weights; ``torch.save`` it where you like.

    Parameters
    ----------
    source
        A name with random weights, such as ``fairchem:escn-md:lmax=4,mmax=2,seed=1``.

    Raises
    ------
    InputError
        As for :func:`load_fairchem`, or ``source`` has weights.
    """
    wanted = parse_source(source)
    if wanted.file is not None or wanted.model is not None:
        raise InputError(f"{source} has weights, expected a configuration such as fairchem:escn-md:lmax=2")
    return _random(*_configurations(wanted), wanted.seed, wanted.name)


def _published(wanted: FairchemSource) -> FairchemSource:
    """Let fairchem find, or download, one of its published models."""
    with fairchem_session():
        from fairchem.core.calculate import pretrained_mlip

        from .fairchem_settings import SHORT_NAMES

        if wanted.model not in pretrained_mlip.available_models:
            raise InputError(
                f"{wanted.name} is no model known here, expected {', '.join(SHORT_NAMES)} (random weights), a .yaml, a .pt, or "
                f"one of fairchem's {', '.join(pretrained_mlip.available_models)}"
            )
        if wanted.backbone:
            raise InputError(
                f"{sorted(wanted.backbone)[0]!r} is no option of a model with weights; leave it out"
            )
        try:
            path = Path(pretrained_mlip.pretrained_checkpoint_path_from_name(wanted.model))
        except Exception as error:  # of the network and of the licence that has to be accepted first
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"{wanted.model} could not be downloaded ({type(error).__name__}: {reason}); accept its licence and log in, or "
                "give the path of its .pt"
            ) from error
    return dataclasses.replace(wanted, file=path)


def _configurations(wanted: FairchemSource) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the configurations of the model and of its tasks that fairchem builds from."""
    arguments = dict(wanted.backbone)
    experts = "num_experts" in arguments or str(arguments.get("model", "")).endswith(
        ("MoeBackbone", "moe_backbone")
    )
    kind = arguments.pop("model", f"{_MOE}.eSCNMDMoeBackbone" if experts else f"{_ESCN}.eSCNMDBackbone")
    if "dataset_list" in arguments:
        arguments["dataset_mapping"] = {name: name for name in arguments.pop("dataset_list")}
    mapping = arguments.get("dataset_mapping") if arguments.get("use_dataset_embedding", True) else None
    if mapping is None:
        arguments.pop("dataset_mapping", None)
    names = tuple(mapping) if isinstance(mapping, Mapping) else (wanted.conditions.task or "omol",)
    direct = bool(arguments.get("direct_forces", True))
    heads = wanted.heads or _heads(mapping, direct)
    model = {
        "_target_": "fairchem.core.models.base.HydraModel", "backbone": {"model": kind, **arguments}, "heads": heads,
        "otf_graph": True, "pass_through_head_outputs": bool(mapping) or not direct, "model_id": "untrained",
    }  # fmt: skip
    prefix = "{}_" if mapping else ""
    tasks = [_task(prefix.format(name), kind, name) for name in names for kind in ("energy", "forces")]
    return model, tasks


def _heads(mapping: Mapping[str, str] | None, direct: bool) -> dict[str, Any]:
    if direct:
        plain = {"energy": f"{_ESCN}.MLP_Energy_Head", "forces": f"{_ESCN}.Linear_Force_Head"}
    else:
        plain = {"efs": f"{_ESCN}.MLP_EFS_Head"}
    if not mapping:
        return {name: {"module": head} for name, head in plain.items()}
    return {
        name: {
            "module": f"{_MOE}.DatasetSpecificMoEWrapper", "head_cls": head, "dataset_mapping": dict(mapping),
            **({} if direct else {"head_kwargs": {"wrap_property": False}}),
        }
        for name, head in plain.items()
    }  # fmt: skip


def _task(prefix: str, kind: str, dataset: str) -> dict[str, Any]:
    energy = kind == "energy"
    return {
        "_target_": f"{_UNIT}.Task", "name": prefix + kind, "level": "system" if energy else "atom", "property": kind,
        "out_spec": {"_target_": f"{_UNIT}.OutputSpec", "dim": [1] if energy else [3], "dtype": "float32"},
        "normalizer": {"_target_": "fairchem.core.modules.normalization.normalizer.Normalizer", "mean": 0.0, "rmsd": 1.0},
        "datasets": [dataset], "loss_fn": None,
    }  # fmt: skip


def _random(model: dict[str, Any], tasks: list[dict[str, Any]], seed: int, name: str) -> Any:
    """Return a checkpoint with weights drawn in float32, as fairchem draws them."""
    with fairchem_session(torch.float32):
        import hydra
        from fairchem.core.units.mlip_unit.api.inference import MLIPInferenceCheckpoint

        _check_arguments(model["backbone"], name)
        torch.manual_seed(seed)
        with _refused(f"{name} cannot be built by fairchem"):
            weights = hydra.utils.instantiate(copy.deepcopy(model)).state_dict()
        average = {
            "n_averaged": torch.tensor(1),
            **{f"module.{key}": value for key, value in weights.items()},
        }
        return MLIPInferenceCheckpoint(model, weights, average, tasks)


def _check_arguments(arguments: Mapping[str, Any], name: str) -> None:
    """Raise InputError for arguments that the backbone does not take: some of its kinds would swallow them."""
    from fairchem.core.common.registry import registry

    with _refused(f"{name} names a backbone that fairchem does not have"):
        kind = registry.get_model_class(arguments["model"])
    _check_kind(kind, name)
    known = {
        parameter
        for base in kind.__mro__
        if "__init__" in vars(base) and base is not object
        for parameter in inspect.signature(base.__init__).parameters
    }
    unknown = sorted(set(arguments) - known - {"model"})
    if unknown:
        listing = ", ".join(sorted(known - {"self", "kwargs", "args"}))
        raise InputError(f"{unknown[0]!r} is no argument of fairchem's {kind.__name__}; it takes {listing}")


def _check_kind(kind: type, name: str) -> None:
    from fairchem.core.models.uma.escn_md import eSCNMDBackbone

    if not issubclass(kind, eSCNMDBackbone):
        raise InputError(f"{name} is {_no_features(kind.__name__)}")


def _no_features(kind: str) -> str:
    return (
        f"a {kind}, expected an eSCNMDBackbone (eSCN-MD, eSEN, UMA) or what holds one; models of other kinds have no features of "
        "known irreps here: give them as an ASE calculator"
    )


def _read(path: Path) -> Any:
    """Read a checkpoint; InputError where the file is something else."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any("/code/" in name for name in archive.namelist()):
                raise InputError(
                    f"{path.name} is a compiled model (TorchScript, as metatomic exports), whose layers cannot be tapped; give "
                    "it as a calculator"
                )
    with fairchem_session():
        with _refused(f"{path.name} cannot be read as a fairchem checkpoint"):
            checkpoint = torch.load(path, map_location="cpu", weights_only=False)
        if not all(hasattr(checkpoint, name) for name in ("model_config", "ema_state_dict", "tasks_config")):
            raise InputError(
                f"{path.name} holds a {type(checkpoint).__name__}, expected an inference checkpoint of fairchem; make one of a "
                "training checkpoint with fairchem, or wrap the model with from_fairchem or from_module"
            )
    return checkpoint


def _from_checkpoint(checkpoint: Any, wanted: FairchemSource, *, trained: bool) -> FairchemBackbone:
    """Build the model of a checkpoint in float64, as fairchem's own predict unit does."""
    with fairchem_session():
        from fairchem.core.units.mlip_unit.utils import (
            get_backbone_class_from_checkpoint,
            load_inference_model,
        )

        with _refused(f"{wanted.name} cannot be built by the fairchem that is installed here"):
            kind = get_backbone_class_from_checkpoint(checkpoint)
            _check_kind(kind, wanted.name)
            fresh = dataclasses.replace(checkpoint, ema_state_dict=dict(checkpoint.ema_state_dict))
            averaged, _ = load_inference_model(
                wanted.name,
                use_ema=True,
                overrides={"backbone": dict(_OVERRIDES)},
                preloaded_checkpoint=fresh,
            )
            hydra = averaged.module
            hydra.setup_tasks(fresh.tasks_config)
        file = None if wanted.file is None else wanted.file.name
        conditions = wanted.conditions.of(tuple(hydra.dataset_to_tasks), file or wanted.name)
        digest = wanted.sha256 if wanted.file is None else sha256_of(wanted.file)
        info = BackboneInfo(wanted.name, _architecture(hydra.backbone), trained, digest)
        backbone = _wrapped(hydra.backbone, hydra, conditions, info, seed=None if trained else wanted.seed)

    if not trained:
        return backbone

    def untrained(seed: int) -> FairchemBackbone:
        title = f"{wanted.name} (untrained, seed {seed})"
        twin = _random(checkpoint.model_config, checkpoint.tasks_config, seed, wanted.name)
        return _from_checkpoint(twin, FairchemSource(title, conditions=conditions, seed=seed), trained=False)

    backbone.untrained = untrained
    return backbone


def _wrapped(
    backbone: Any, hydra: Any, conditions: Conditions, info: BackboneInfo, *, seed: int | None = None
) -> FairchemBackbone:
    """Make tables exact, set how the graph is made, and describe what was built; the modules become the backbone's own."""
    (backbone if hydra is None else hydra).to(torch.float64).requires_grad_(False)
    _exact_tables(backbone, info.source)
    backbone.otf_graph, backbone.always_use_pbc = True, False
    for module in backbone.modules():
        if hasattr(module, "activation_checkpoint_chunk_size"):
            module.activation_checkpoint_chunk_size = None
        if type(module).__name__ == "ChgSpinEmbedding" and module.embedding_type == "lin_emb":
            module.lin_emb.register_forward_pre_hook(
                lambda linear, given: (given[0].to(linear.weight.dtype),)
            )
    out = FairchemBackbone(backbone, hydra, conditions, info)
    names = ("lmax", "mmax", "num_layers", "sphere_channels", "hidden_channels", "ff_type", "act_type", "norm_type",
             "num_experts", "max_neighbors", "cutoff")  # fmt: skip
    builder = {name: getattr(backbone, name) for name in names if hasattr(backbone, name)}
    builder |= {
        "l_max": backbone.lmax,
        **dataclasses.asdict(conditions),
        "grids": [grid.to_dict() for grid in out.grids],
    }
    out.info = dataclasses.replace(out.info, builder=builder | ({} if seed is None else {"seed": seed}))
    return out


def _exact_tables(backbone: Any, source: str) -> None:
    """Copy the tables that depend on l alone from a small model of the same l that is built in float64.

    They are buffers: quadratures and Wigner coefficients, rounded to float32 in a float32 model.
    """
    from fairchem.core.models.uma.escn_md import eSCNMDBackbone

    donor = eSCNMDBackbone(
        lmax=backbone.lmax, mmax=backbone.mmax, grid_resolution=backbone.grid_resolution, sphere_channels=2, hidden_channels=2,
        edge_channels=2, num_distance_basis=backbone.num_distance_basis, cutoff=backbone.cutoff, num_layers=1,
        act_type=backbone.act_type, ff_type=backbone.ff_type, norm_type=backbone.norm_type, use_dataset_embedding=False,
        use_quaternion_wigner=backbone.use_quaternion_wigner, max_num_elements=2,
    )  # fmt: skip
    exact = dict(donor.named_buffers())
    with torch.no_grad():
        for name, table in backbone.named_buffers():
            given = exact.get(re.sub(r"^blocks\.\d+\.", "blocks.0.", name))
            if given is None or not table.is_floating_point():
                continue
            if given.shape != table.shape or not torch.allclose(
                table, given.to(table), rtol=_TABLE_ROUNDING, atol=_TABLE_ROUNDING
            ):
                raise InputError(
                    f"{source} has another table {name!r} than the fairchem that is installed here; use the one that made it"
                )
            table.copy_(given)
    backbone.distance_expansion.coeff = donor.distance_expansion.coeff  # a number made of a table


def _architecture(backbone: Any) -> str:
    return "uma" if getattr(backbone, "num_experts", 0) else "escn-md"


@contextlib.contextmanager
def _refused(what: str) -> Iterator[None]:
    """Turn whatever fairchem raises into one sentence."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # building and unpickling run the package's code: they can fail in any way
        cause = error.__cause__ or error
        reason = " ".join(str(cause).split())[:300] or type(cause).__name__
        raise InputError(f"{what} ({type(cause).__name__}: {reason})") from error
