"""Training a NequIP or Allegro backbone on energies, forces and stress, with the package's own model and loss."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..backbones.architecture import BuilderSettings, architecture
from ..backbones.checkpoint import save_backbone
from ..backbones.nequip_model import atom_types, batch, graph, nequip_session
from ..frames.copies import check_apart
from ..frames.frames import Frames
from ..frames.motions import matrices
from ..frames.relabelled import check_same_labels
from ..frames.splits import Split
from ..frames.structures import Structures
from ..records.devices import choose_device, halving
from ..records.run_directory import RunDirectory
from .angular_labels import ANGULAR_SCHEMA, AddedTerms, learned, overlaps
from .cost import at_a_time, cost_of, errors_of
from .data import TrainingData, statistics, with_space
from .errors import stress_error
from .graphs import Graphs
from .settings import Progress as Progress
from .settings import TrainingSettings as TrainingSettings
from .state import Batch, Graph, Loss, TrainingState, assign


def builder_settings(
    frames: Frames | Structures | TrainingData, split: Split, kind: str = "nequip", **arguments: Any
) -> BuilderSettings:
    """Return builder arguments of an architecture with the statistics of the training frames filled in.

    Energy shift: mean energy per atom, and by element where there are several compositions; energy scale: force RMS;
    neighbours: mean count within the cutoff.
    """
    data = frames if isinstance(frames, TrainingData) else TrainingData.of(frames)
    settings = architecture(kind).settings
    r_max = float(arguments.get("r_max", settings(data.symbols).r_max))
    taken = statistics(data, split.training, r_max)
    if kind == "mace" and "energy_shifts" in taken:
        # MACE holds the energies of its elements apart from the shift
        taken |= {"atomic_energies": (taken.pop("energy_shifts"),), "energy_shift": 0.0}
    return settings(type_names=data.symbols, **taken, **arguments)


class Trainer:
    """One training run in a directory, resumable after a kill at any moment.

    Files: ``settings.json``, ``progress.pt`` (the whole state, replaced atomically at each validation),
    and at the end ``backbone.safetensors`` with ``backbone.json``. ``data`` are the frames as training data, where the caller
    has read them already. ``terms`` are added to all labels, those of ``held_out`` too; what the model has learned of each on the
    validation frames goes into the log, and on the held-out frames into the record. ``device`` is where the model is trained; a
    run may be taken up on another one.
    """

    def __init__(
        self,
        frames: Frames | Structures,
        split: Split,
        model_settings: BuilderSettings,
        settings: TrainingSettings,
        directory: Path,
        *,
        held_out: Frames | Structures | None = None,
        command: str | None = None,
        kind: str = "nequip",
        data: TrainingData | None = None,
        terms: AddedTerms | None = None,
        device: str = "cpu",
    ) -> None:
        self.device = choose_device(device)
        self.kind = architecture(kind)
        self.frames, self.split, self.settings, self.directory = frames, split, settings, directory
        self.model_settings, self.command = model_settings, command
        self.data = data or TrainingData.of(frames)
        self._others = None if held_out is None else (held_out, TrainingData.of(held_out, held_out=True))
        self.terms = terms
        if terms is not None:
            self.data = terms.added_to(self.data)
            if self._others is not None:
                self._others = self._others[0], terms.added_to(self._others[1])
        if settings.stress_weight and not self.data.has_stress:
            raise InputError(
                f"stress_weight is {settings.stress_weight:g} and {frames.source} does not give the stress of every structure "
                "that is periodic in all directions; leave the weight out"
            )
        self._run_directory: RunDirectory | None = None
        self.description = {
            "builder": model_settings.to_dict(),
            "training": settings.to_dict(),
            "data": {"source": frames.source, "sha256": frames.sha256, "frames": len(frames)},
            "split": {name: getattr(split, name).tolist() for name in ("training", "validation", "held_out")},
            "held_out": {"sha256": self._tested[0].sha256, "frames": len(self._tested[1])},
        }
        if terms is not None:
            self.description["angular_terms"] = terms.described()

    @property
    def _tested(self) -> tuple[TrainingData, NDArray[np.int64]]:
        """Data that hold what the test error is measured on, and which of them."""
        if self._others is not None:
            return self._others[1], np.arange(len(self._others[1]))
        return self.data, self.split.held_out

    def prepare(self, resume: bool) -> None:
        """Make the run directory, or check that the run in it is this one; it is held until :meth:`run` ends.

        Raises
        ------
        InputError
            A missing package, elements that the training data lack, frames of both files that are alike; a directory that
            holds a run and ``resume`` is False, a run of other settings, or one that another process writes into.
        """
        self.kind.build(
            self.model_settings, "float32"
        )  # a missing package is said before anything is written
        for part in self._tested[0].parts:
            atom_types(part.frames.numbers, self.model_settings.type_names, "the training data")
        if self._others is not None:
            self._check_apart(self._others[0])
        self._run_directory = RunDirectory.create(
            self.directory, {"job": "train", **self.description}, resume
        )

    def session(self) -> AbstractContextManager[None]:
        """Return the context in which the package trains; a subclass trains with another package."""
        return nequip_session()

    def _check_apart(self, held_out: Frames | Structures) -> None:
        """Refuse held-out frames that the model is trained on."""
        if isinstance(self.frames, Frames) and isinstance(held_out, Frames) and not held_out.periodic:
            check_same_labels(self.frames, held_out)
            check_apart(self.frames, held_out)
        elif held_out.sha256 == self.frames.sha256:
            raise InputError(
                f"{held_out.source} is the file that is trained on, expected other structures; leave out --held-out"
            )

    def graphs(self, frames: Frames) -> list[Graph]:
        """Return every frame as the package's graph, with its energy and forces, and its stress where that is trained on."""
        types = atom_types(frames.numbers, self.model_settings.type_names, "the model")
        energies = np.zeros(len(frames)) if frames.energies is None else frames.energies
        spaced = with_space(frames) if self.data.periodic else None
        out = []
        for k, (positions, forces, energy) in enumerate(
            zip(frames.positions, frames.forces, energies, strict=True)
        ):
            if spaced is None or spaced.cells is None:
                data = graph(positions, types, self.model_settings.r_max)
            else:
                data = graph(
                    positions, types, self.model_settings.r_max, cell=spaced.cells[k], pbc=frames.pbc
                )
                data["cell"] = torch.tensor(spaced.cells[k : k + 1])
            data["forces"] = torch.tensor(forces)
            data["total_energy"] = torch.tensor([[energy]])
            if self.settings.stress_weight:
                data["stress"] = torch.tensor(self.stress_of(frames)[k : k + 1])
            out.append(data)
        return out

    @staticmethod
    def stress_of(frames: Frames) -> NDArray[np.float64]:
        """Return the stress ``(frames, 3, 3)`` that a model is held against, NaN where there is none."""
        if frames.stress is None or not all(frames.pbc):
            return np.full((len(frames), 3, 3), np.nan)
        return matrices(frames.stress)

    def batch(self, graphs: list[Graph]) -> Graph:
        """Join graphs."""
        return batch(graphs)

    def joined(self, graphs: list[Graph]) -> Graph:
        """Join graphs, on the device."""
        return {name: values.to(self.device) for name, values in self.batch(graphs).items()}

    def loss(self) -> Loss:
        """Return the package's loss of a model on a batch, weighted as the settings say."""
        from nequip.train import EnergyForceLoss

        cfg = self.settings
        weighted = EnergyForceLoss(coeffs={"total_energy": cfg.energy_weight, "forces": cfg.force_weight})
        weighted.to(self.device)  # it adds up what it has seen
        energy, forces = weighted.entries

        def value(model: torch.nn.Module, data: Graph) -> dict[str, torch.Tensor]:
            predicted = model(data)
            means = weighted(predicted, data)
            parts = {
                "frames": means[energy] * weighted.entries[energy].coeff,
                "atoms": means[forces] * weighted.entries[forces].coeff,
            }
            if cfg.stress_weight:
                parts["stress"] = cfg.stress_weight * stress_error(predicted, data)
            return parts

        return value

    def predicted(
        self, model: torch.nn.Module, data: Graph, with_stress: bool
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Return energies (eV), forces (eV/Å) and, where it is asked for, the stress (eV/Å³) of a batch."""
        out = model(data)
        return out["total_energy"], out["forces"], out["stress"] if with_stress else None

    def force_mae(
        self, model: torch.nn.Module, graphs: Graphs, errors: list[torch.Tensor] | None = None
    ) -> float:
        """Return the mean absolute error of the force components, eV/Å; add prediction minus reference to ``errors``."""
        total, count = torch.zeros((), dtype=torch.float64, device=self.device), 0

        def errors_in(rows: slice) -> torch.Tensor:
            data = self.joined(graphs.some(range(rows.start, rows.stop)))
            forces: torch.Tensor = model(data)["forces"]
            return forces.detach() - data["forces"]

        for _, error in halving(errors_in, at_a_time(len(graphs))):
            total = total + error.abs().sum().double()  # stays on the device until the end
            count += error.numel()
            if errors is not None:
                errors.append(error)
        return float(total) / count

    def run(
        self,
        report: Callable[[Progress], None] | None = None,
        *,
        step: Callable[[int], None] | None = None,
        stop_after: int | None = None,
    ) -> float | None:
        """Train, keep the best weights, save the backbone; return the force MAE on held-out frames, eV/Å.

        Returns None where ``stop_after`` steps ended the run early (the next ``run`` goes on from there).
        """
        if self._run_directory is None:
            self.prepare(resume=True)
        try:
            with self.session(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._train(
                    report or (lambda _progress: None), step or (lambda _done: None), stop_after
                )
        finally:
            if self._run_directory is not None:
                self._run_directory.close()
            self._run_directory = None

    def _train(
        self, report: Callable[[Progress], None], tell_step: Callable[[int], None], stop_after: int | None
    ) -> float | None:
        cfg = self.settings
        model = self.kind.build(self.model_settings, "float32").to(self.device)
        state = TrainingState.initial(model, cfg.learning_rate, cfg.steps)
        state_file = self.directory / "progress.pt"
        if state_file.exists():
            state.restore(state_file)
        training = Graphs(self.data, self.split.training, self.graphs)
        validation = Graphs(self.data, self.split.validation, self.graphs)
        loss = self.loss()
        terms = None if self.terms is None else self.terms.forces(self.data, self.split.validation)
        started = time.perf_counter() - state.seconds
        stop = cfg.steps if stop_after is None else min(cfg.steps, state.step + stop_after)
        while state.step < stop and not self._out_of_patience(state):
            state.advance(loss, self._next_batch(training, state.step), cfg.ema_decay)
            tell_step(state.step)
            if state.step % cfg.validate_every == 0 or state.step == cfg.steps:
                errors: list[torch.Tensor] = []
                mae = state.validate(
                    partial(self.force_mae, graphs=validation, errors=errors), time.perf_counter() - started
                )
                if terms is not None:
                    state.log[-1]["learned"] = [
                        row["learned"] for row in learned(_by_frame(errors, terms), terms, None)
                    ]
                state.save(state_file)
                report(Progress(state.step, cfg.steps, mae, state.best_mae, state.seconds))
        if state.step < cfg.steps and not self._out_of_patience(state):
            return None
        return self._finish(state)

    def _out_of_patience(self, state: TrainingState) -> bool:
        return (state.step - state.best_step) >= self.settings.patience * self.settings.validate_every

    def _next_batch(self, training: Graphs, step: int) -> Batch:
        """Return the batch of a step: frames without repeats within an epoch, in an order drawn from seed and epoch."""
        size = self.settings.batch_size
        epoch, place = divmod(step, max(1, len(training) // size))
        order = np.random.default_rng([self.settings.seed, epoch]).permutation(len(training))
        return Batch(training.some(order[place * size : (place + 1) * size]), self.joined)

    def _learned(
        self, added: AddedTerms, tested: TrainingData, which: NDArray[np.int64], errors: list[torch.Tensor]
    ) -> dict[str, Any]:
        """Return what the record says of the added terms: what they were, and how much of each was learned."""
        terms = added.forces(tested, which)
        rows = learned(_by_frame(errors, terms), terms, self.settings.seed)
        described = added.described()
        return {
            "schema": ANGULAR_SCHEMA,
            **described,
            "terms": [{**term, **row} for term, row in zip(described["terms"], rows, strict=True)],
            "overlaps": overlaps(terms),
        }

    def _finish(self, state: TrainingState) -> float | None:
        """Save the best weights with their record; return their force MAE on held-out frames, eV/Å."""
        if state.best_step == 0:
            raise InputError(
                f"the training diverged: no validation force error up to step {state.step} is finite; give another --out and "
                f"a learning rate below {self.settings.learning_rate:g}"
            )
        assign(state.model, state.best)
        state.model.eval()
        tested, which = self._tested
        errors: list[torch.Tensor] = []
        error = (
            self.force_mae(state.model, Graphs(tested, which, self.graphs), errors) if len(which) else None
        )
        record = {
            "command": self.command,
            **{key: self.description[key] for key in ("training", "data", "split")},
            "data": {**self.description["data"], **self.data.described()},
            "held_out": {"source": tested.source, "sha256": tested.sha256, "frames": len(which)},
            "device": str(self.device),
            "steps_done": state.step,
            "best_step": state.best_step,
            "validation_force_mae_eV_A": state.best_mae,
            "held_out_force_mae_eV_A": error,
            "seconds": round(state.seconds, 1),
            "log": state.log,
            "versions": {name: version(name) for name in self.kind.packages},
        }
        rest = which if len(which) else self.split.validation
        (frame,) = Graphs(tested if len(which) else self.data, rest[:1], self.graphs).some(range(1))
        on_device = {name: values.to(self.device) for name, values in frame.items()}
        record["cost"] = cost_of(state.model, on_device, self.predicted)
        if len(which):
            record["held_out_errors"] = errors_of(
                state.model, tested, which, self.graphs, self.joined, self.predicted
            )
        if self.terms is not None and len(which):
            record["angular_terms"] = self._learned(self.terms, tested, which, errors)
        save_backbone(
            self.directory / "backbone.safetensors",
            state.model.cpu(),
            self.model_settings,
            record,
            error,
            self.kind.name,
        )
        return error


def _by_frame(errors: list[torch.Tensor], terms: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Return reference minus prediction frame by frame, from prediction minus reference of all atoms in batches."""
    every = -torch.cat(errors).double().cpu().numpy()
    return np.split(every, np.cumsum([part.shape[1] for part in terms])[:-1])
