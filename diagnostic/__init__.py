"""How much of an injected field of one l readouts of a trained model's features recover, against the ceiling of theory.

Every public name is imported from here, when it is first asked for.

- Jobs: ``diagnose``, ``compare``, ``learning_curves``, ``audit``, ``symmetry_audit``, ``measure_artefacts``, ``observe``,
  ``advise_data``, ``calibrate``, ``calibrate_trained``, ``generate``; settings such as ``DiagnoseSettings`` say what to do.
- Their results: ``Diagnosis``, ``Comparison``, ``LearningCurves``, ``Audit``, ``SymmetryAudit``, ``Artefacts``, ``Observation``,
  ``AdviceResult``, ``Calibration``. Each is the mapping of its JSON file, with ``held``, ``rows``, ``to_dataframe``, ``plot``,
  ``save`` and ``load``.
- Data: ``read_data``, ``read_frames``, ``Frames``, ``read_structures``, ``structures_from_ase``. Models: ``load_backbone``,
  ``from_module``, ``from_callable``, ``from_e3nn``, ``from_mace``, ``from_fairchem``, ``load_calculator``.
- The steps of a job and its constants, for those who look inside.
"""

from typing import TYPE_CHECKING

from .records.lazy import lazy_names

if TYPE_CHECKING:
    from .advice.advise import advise_data as advise_data
    from .advice.imitation import Imitated as Imitated
    from .advice.imitation import imitate as imitate
    from .advice.result_object import AdviceResult as AdviceResult
    from .advice.settings import AdviceSettings as AdviceSettings
    from .artefacts.job import measure_artefacts as measure_artefacts
    from .artefacts.result_object import Artefacts as Artefacts
    from .artefacts.settings import ArtefactSettings as ArtefactSettings
    from .artefacts.subject import Subject as Subject
    from .artefacts.subject import read_subject as read_subject
    from .auditing.audit import audit as audit
    from .auditing.random_readouts import random_readout as random_readout
    from .auditing.result import AuditSettings as AuditSettings
    from .auditing.result import irrep as irrep
    from .auditing.result_object import Audit as Audit
    from .auditing.rotation_audit import component_scale as component_scale
    from .auditing.rotation_audit import rotation_audit as rotation_audit
    from .backbones.allegro_model import AllegroSettings as AllegroSettings
    from .backbones.allegro_model import build_allegro as build_allegro
    from .backbones.backbone import ARCHITECTURES as ARCHITECTURES
    from .backbones.backbone import Backbone as Backbone
    from .backbones.backbone import BackboneInfo as BackboneInfo
    from .backbones.check import check_backbone as check_backbone
    from .backbones.check_report import BackboneReport as BackboneReport
    from .backbones.checkpoint import embedded_names as embedded_names
    from .backbones.checkpoint import save_backbone as save_backbone
    from .backbones.conventions import fitting_convention as fitting_convention
    from .backbones.e3nn_model import from_e3nn as from_e3nn
    from .backbones.equivariance import equivariance_error as equivariance_error
    from .backbones.equivariance import measure_equivariance as measure_equivariance
    from .backbones.fairchem_loading import from_fairchem as from_fairchem
    from .backbones.fairchem_regridding import grid_errors as grid_errors
    from .backbones.fairchem_regridding import on_grid as on_grid
    from .backbones.features import Block as Block
    from .backbones.features import Features as Features
    from .backbones.features import IrrepSlice as IrrepSlice
    from .backbones.features import Layer as Layer
    from .backbones.hooked import from_callable as from_callable
    from .backbones.hooked_module import from_module as from_module
    from .backbones.loading import load_backbone as load_backbone
    from .backbones.mace_loading import from_mace as from_mace
    from .backbones.mace_loading import load_mace as load_mace
    from .backbones.mace_settings import MACESettings as MACESettings
    from .backbones.nequip_model import NequIPSettings as NequIPSettings
    from .backbones.nequip_model import build_nequip as build_nequip
    from .backbones.unconstrained_files import load_unconstrained as load_unconstrained
    from .backbones.unconstrained_files import save_unconstrained as save_unconstrained
    from .backbones.unconstrained_model import UnconstrainedSettings as UnconstrainedSettings
    from .backbones.unconstrained_model import train_unconstrained as train_unconstrained
    from .backbones.wirings import model_wiring as model_wiring
    from .calibration.calibrate import calibrate as calibrate
    from .calibration.calibrate import calibrate_trained as calibrate_trained
    from .calibration.field import SymmetricField as SymmetricField
    from .calibration.field import symmetric_field_of as symmetric_field_of
    from .calibration.plan import CalibrationPlan as CalibrationPlan
    from .calibration.result_object import Calibration as Calibration
    from .calibration.result_object import SpanCalibration as SpanCalibration
    from .calibration.result_object import TrainedCalibration as TrainedCalibration
    from .calibration.ring import reachable_fraction as reachable_fraction
    from .calibration.ring import reduced as reduced
    from .calibration.ring import ring_cluster as ring_cluster
    from .calibration.ring_cell import RingCell as RingCell
    from .calibration.ring_cell import RingSettings as RingSettings
    from .calibration.ring_cell import calibrate_ring as calibrate_ring
    from .calibration.ring_features import ring_features as ring_features
    from .calibration.theory_figures import plot_multiplicities as plot_multiplicities
    from .calibration.theory_figures import plot_reach as plot_reach
    from .calibration.trained import CalibrationCell as CalibrationCell
    from .calibration.trained import CellSettings as CellSettings
    from .calibration.trained import calibrate_cell as calibrate_cell
    from .comparison.compare import compare as compare
    from .comparison.result_object import Comparison as Comparison
    from .curves.learning_curve import learning_curves as learning_curves
    from .curves.plan import LearningCurveSettings as LearningCurveSettings
    from .curves.result_object import LearningCurves as LearningCurves
    from .diagnosis import diagnose as diagnose
    from .dynamics.copies import run_copies as run_copies
    from .dynamics.cures import Cure as Cure
    from .dynamics.cures import parse_cure as parse_cure
    from .dynamics.every_step import EnergyRun as EnergyRun
    from .dynamics.every_step import run_trajectory as run_trajectory
    from .dynamics.heating import random_rotation_heating as random_rotation_heating
    from .dynamics.outer_step import fastest_period as fastest_period
    from .dynamics.run import run_dynamics as run_dynamics
    from .dynamics.settings import DynamicsSettings as DynamicsSettings
    from .dynamics.storage import read_trajectory as read_trajectory
    from .dynamics.trajectory import Trajectory as Trajectory
    from .frames.ase_structures import structures_from_ase as structures_from_ase
    from .frames.checks import check_frames as check_frames
    from .frames.frames import Frames as Frames
    from .frames.isotropy import Isotropy as Isotropy
    from .frames.isotropy import isotropy as isotropy
    from .frames.marks import Mark as Mark
    from .frames.marks import marked_neighbours as marked_neighbours
    from .frames.neighbours import neighbours_of as neighbours_of
    from .frames.reading import embedded_frames as embedded_frames
    from .frames.reading import read_frames as read_frames
    from .frames.reading_any import read_data as read_data
    from .frames.splits import BLOCK as _SPLIT_BLOCK
    from .frames.splits import TRAINING as _TRAINING_SHARE
    from .frames.splits import VALIDATION as _VALIDATION_SHARE
    from .frames.splits import Split as Split
    from .frames.splits import split_frames as split_frames
    from .frames.statistics import force_statistics as force_statistics
    from .generation.generate import Generated as Generated
    from .generation.generate import generate as generate
    from .generation.settings import GenerateSettings as GenerateSettings
    from .implementations.completeness import Completeness as Completeness
    from .implementations.completeness import judge_table as judge_table
    from .implementations.coupling_table import CouplingTable as CouplingTable
    from .implementations.coupling_values import judge_couplings as judge_couplings
    from .implementations.harmonic_values import judge_harmonics as judge_harmonics
    from .implementations.packages import coupling_tables as coupling_tables
    from .implementations.report import tables_report as tables_report
    from .implementations.values import Source as Source
    from .implementations.values import judge_sources as judge_sources
    from .implementations.wigner_values import judge_wigner as judge_wigner
    from .injection.angular_terms import AngularFields as AngularFields
    from .injection.angular_terms import angular_fields as angular_fields
    from .injection.fields import DENSITY_CUTOFF as DENSITY_CUTOFF
    from .injection.fields import impurity as impurity
    from .injection.fields import signals as signals
    from .measurement.checking import EQUIVARIANCE_TOLERANCE as EQUIVARIANCE_TOLERANCE
    from .measurement.preparing import PURITY_TOLERANCE as PURITY_TOLERANCE
    from .measurement.result import RECOVERY_COLUMNS as RECOVERY_COLUMNS
    from .measurement.result import validate as validate
    from .measurement.saved_errors import SavedRun as SavedRun
    from .measurement.saved_errors import intervals as intervals
    from .measurement.settings import DiagnoseSettings as DiagnoseSettings
    from .measurement.verdict import MINIMUM as _RECOVERED_MINIMUM
    from .observing.cures import compare_cures as compare_cures
    from .observing.guarantees import sufficient_grid as sufficient_grid
    from .observing.job import observe as observe
    from .observing.result_object import Observation as Observation
    from .observing.settings import ObserveSettings as ObserveSettings
    from .observing.subject import Observed as Observed
    from .observing.subject import read_observed as read_observed
    from .orientation.coefficients import EnergyCoefficients as EnergyCoefficients
    from .orientation.coefficients import energy_coefficients as energy_coefficients
    from .orientation.coefficients import shape_coefficients as shape_coefficients
    from .orientation.field_calculator import FieldCalculator as FieldCalculator
    from .orientation.fields import ExponentialField as ExponentialField
    from .orientation.fields import PlField as PlField
    from .orientation.fields import ToyField as ToyField
    from .orientation.molecules import Molecules as Molecules
    from .orientation.molecules import perceive_molecules as perceive_molecules
    from .orientation.prediction import Prediction as Prediction
    from .orientation.prediction import predict_orientations as predict_orientations
    from .readouts.compute import Compute as Compute
    from .readouts.equivariant import COEFFICIENTS as _EQUIVARIANT_COEFFICIENTS
    from .readouts.equivariant import fit_equivariant as fit_equivariant
    from .readouts.free import COEFFICIENTS as _FREE_COEFFICIENTS
    from .readouts.free import COEFFICIENTS_ABOVE as _FREE_COEFFICIENTS_ABOVE
    from .readouts.free import fit_free as fit_free
    from .readouts.ridge import STRENGTHS as _RIDGE_STRENGTHS
    from .records.job_result import JobResult as JobResult
    from .recovery.bootstrap import LEVEL as _INTERVAL_LEVEL
    from .recovery.coverage import Design as Design
    from .recovery.coverage import coverage as coverage
    from .recovery.exact_tests import sign_flip as sign_flip
    from .recovery.hierarchy import quantile as quantile
    from .report.result_object import Diagnosis as Diagnosis
    from .symmetry.audit import symmetry_audit as symmetry_audit
    from .symmetry.averaged_calculator import AveragedCalculator as AveragedCalculator
    from .symmetry.averaged_calculator import MultipleTimeStep as MultipleTimeStep
    from .symmetry.breaking import SymmetryBreaking as SymmetryBreaking
    from .symmetry.breaking import symmetry_breaking as symmetry_breaking
    from .symmetry.calculators import AuditStructures as AuditStructures
    from .symmetry.calculators import NamedCalculator as NamedCalculator
    from .symmetry.calculators import load_calculator as load_calculator
    from .symmetry.calculators import read_structures as read_structures
    from .symmetry.installed_calculators import named_calculator as named_calculator
    from .symmetry.result import SymmetrySettings as SymmetrySettings
    from .symmetry.result_object import SymmetryAudit as SymmetryAudit
    from .symmetry.turned_injection import TurnedRecovery as TurnedRecovery
    from .symmetry.turned_injection import turned_recovery as turned_recovery
    from .symmetry.unconstrained_calculator import UnconstrainedCalculator as UnconstrainedCalculator
    from .training.angular_labels import AddedTerms as AddedTerms
    from .training.angular_labels import AngularTerms as AngularTerms
    from .training.angular_labels import learned as learned
    from .training.mace import MACETrainer as MACETrainer
    from .training.train import Trainer as Trainer
    from .training.train import TrainingSettings as TrainingSettings
    from .training.train import builder_settings as builder_settings
    from .whole_models.calibrate import calibrate_models as calibrate_models
    from .whole_models.cell import ModelCell as ModelCell
    from .whole_models.cell import ModelCellSettings as ModelCellSettings
    from .whole_models.cell import TermRow as TermRow
    from .whole_models.graphs import GraphLayout as GraphLayout
    from .whole_models.measure import calibrate_model as calibrate_model
    from .whole_models.plan import ModelPlan as ModelPlan
    from .whole_models.result_object import ModelCalibration as ModelCalibration
    from .whole_models.settings import ModelSettings as ModelSettings

    SPLIT_BLOCK = _SPLIT_BLOCK
    TRAINING_SHARE = _TRAINING_SHARE
    VALIDATION_SHARE = _VALIDATION_SHARE
    RECOVERED_MINIMUM = _RECOVERED_MINIMUM
    EQUIVARIANT_COEFFICIENTS = _EQUIVARIANT_COEFFICIENTS
    FREE_COEFFICIENTS = _FREE_COEFFICIENTS
    FREE_COEFFICIENTS_ABOVE = _FREE_COEFFICIENTS_ABOVE
    RIDGE_STRENGTHS = _RIDGE_STRENGTHS
    INTERVAL_LEVEL = _INTERVAL_LEVEL

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "advice.advise": ["advise_data"],
        "advice.imitation": ["Imitated", "imitate"],
        "advice.result_object": ["AdviceResult"],
        "advice.settings": ["AdviceSettings"],
        "artefacts.job": ["measure_artefacts"],
        "artefacts.result_object": ["Artefacts"],
        "artefacts.settings": ["ArtefactSettings"],
        "artefacts.subject": ["Subject", "read_subject"],
        "auditing.audit": ["audit"],
        "auditing.random_readouts": ["random_readout"],
        "auditing.result": ["AuditSettings", "irrep"],
        "auditing.result_object": ["Audit"],
        "auditing.rotation_audit": ["component_scale", "rotation_audit"],
        "backbones.allegro_model": ["AllegroSettings", "build_allegro"],
        "backbones.backbone": ["ARCHITECTURES", "Backbone", "BackboneInfo"],
        "backbones.checkpoint": ["embedded_names", "save_backbone"],
        "backbones.e3nn_model": ["from_e3nn"],
        "backbones.check": ["check_backbone"],
        "backbones.check_report": ["BackboneReport"],
        "backbones.conventions": ["fitting_convention"],
        "backbones.equivariance": ["equivariance_error", "measure_equivariance"],
        "backbones.features": ["Block", "Features", "IrrepSlice", "Layer"],
        "backbones.hooked": ["from_callable"],
        "backbones.hooked_module": ["from_module"],
        "backbones.loading": ["load_backbone"],
        "backbones.wirings": ["model_wiring"],
        "backbones.fairchem_loading": ["from_fairchem"],
        "backbones.fairchem_regridding": ["grid_errors", "on_grid"],
        "backbones.mace_loading": ["from_mace", "load_mace"],
        "backbones.mace_settings": ["MACESettings"],
        "backbones.nequip_model": ["NequIPSettings", "build_nequip"],
        "backbones.unconstrained_files": ["load_unconstrained", "save_unconstrained"],
        "backbones.unconstrained_model": ["UnconstrainedSettings", "train_unconstrained"],
        "calibration.calibrate": ["calibrate", "calibrate_trained"],
        "calibration.field": ["SymmetricField", "symmetric_field_of"],
        "calibration.plan": ["CalibrationPlan"],
        "calibration.result_object": ["Calibration", "SpanCalibration", "TrainedCalibration"],
        "calibration.ring": ["reachable_fraction", "reduced", "ring_cluster"],
        "calibration.ring_cell": ["RingCell", "RingSettings", "calibrate_ring"],
        "calibration.ring_features": ["ring_features"],
        "calibration.theory_figures": ["plot_multiplicities", "plot_reach"],
        "calibration.trained": ["CalibrationCell", "CellSettings", "calibrate_cell"],
        "comparison.compare": ["compare"],
        "comparison.result_object": ["Comparison"],
        "curves.learning_curve": ["learning_curves"],
        "curves.plan": ["LearningCurveSettings"],
        "curves.result_object": ["LearningCurves"],
        "diagnosis": ["diagnose"],
        "dynamics.copies": ["run_copies"],
        "dynamics.cures": ["Cure", "parse_cure"],
        "dynamics.every_step": ["EnergyRun", "run_trajectory"],
        "dynamics.heating": ["random_rotation_heating"],
        "dynamics.outer_step": ["fastest_period"],
        "dynamics.run": ["run_dynamics"],
        "dynamics.settings": ["DynamicsSettings"],
        "dynamics.storage": ["read_trajectory"],
        "dynamics.trajectory": ["Trajectory"],
        "frames.ase_structures": ["structures_from_ase"],
        "frames.checks": ["check_frames"],
        "frames.frames": ["Frames"],
        "frames.isotropy": ["Isotropy", "isotropy"],
        "frames.marks": ["Mark", "marked_neighbours"],
        "frames.neighbours": ["neighbours_of"],
        "frames.reading": ["embedded_frames", "read_frames"],
        "frames.reading_any": ["read_data"],
        "frames.splits": {
            "SPLIT_BLOCK": "BLOCK",
            "Split": "Split",
            "TRAINING_SHARE": "TRAINING",
            "VALIDATION_SHARE": "VALIDATION",
            "split_frames": "split_frames",
        },
        "frames.statistics": ["force_statistics"],
        "generation.generate": ["Generated", "generate"],
        "generation.settings": ["GenerateSettings"],
        "implementations.completeness": ["Completeness", "judge_table"],
        "implementations.coupling_table": ["CouplingTable"],
        "implementations.coupling_values": ["judge_couplings"],
        "implementations.harmonic_values": ["judge_harmonics"],
        "implementations.packages": ["coupling_tables"],
        "implementations.report": ["tables_report"],
        "implementations.values": ["Source", "judge_sources"],
        "implementations.wigner_values": ["judge_wigner"],
        "injection.angular_terms": ["AngularFields", "angular_fields"],
        "injection.fields": ["DENSITY_CUTOFF", "impurity", "signals"],
        "measurement.checking": ["EQUIVARIANCE_TOLERANCE"],
        "measurement.preparing": ["PURITY_TOLERANCE"],
        "measurement.result": ["RECOVERY_COLUMNS", "validate"],
        "measurement.saved_errors": ["SavedRun", "intervals"],
        "measurement.settings": ["DiagnoseSettings"],
        "measurement.verdict": {"RECOVERED_MINIMUM": "MINIMUM"},
        "observing.cures": ["compare_cures"],
        "observing.guarantees": ["sufficient_grid"],
        "observing.job": ["observe"],
        "observing.result_object": ["Observation"],
        "observing.settings": ["ObserveSettings"],
        "observing.subject": ["Observed", "read_observed"],
        "orientation.coefficients": ["EnergyCoefficients", "energy_coefficients", "shape_coefficients"],
        "orientation.field_calculator": ["FieldCalculator"],
        "orientation.fields": ["ExponentialField", "PlField", "ToyField"],
        "orientation.molecules": ["Molecules", "perceive_molecules"],
        "orientation.prediction": ["Prediction", "predict_orientations"],
        "readouts.compute": ["Compute"],
        "readouts.equivariant": {
            "EQUIVARIANT_COEFFICIENTS": "COEFFICIENTS",
            "fit_equivariant": "fit_equivariant",
        },
        "readouts.free": {
            "FREE_COEFFICIENTS": "COEFFICIENTS",
            "FREE_COEFFICIENTS_ABOVE": "COEFFICIENTS_ABOVE",
            "fit_free": "fit_free",
        },
        "readouts.ridge": {"RIDGE_STRENGTHS": "STRENGTHS"},
        "records.job_result": ["JobResult"],
        "recovery.bootstrap": {"INTERVAL_LEVEL": "LEVEL"},
        "recovery.coverage": ["Design", "coverage"],
        "recovery.exact_tests": ["sign_flip"],
        "recovery.hierarchy": ["quantile"],
        "report.result_object": ["Diagnosis"],
        "symmetry.audit": ["symmetry_audit"],
        "symmetry.averaged_calculator": ["AveragedCalculator", "MultipleTimeStep"],
        "symmetry.breaking": ["SymmetryBreaking", "symmetry_breaking"],
        "symmetry.calculators": [
            "NamedCalculator",
            "AuditStructures",
            "load_calculator",
            "read_structures",
        ],
        "symmetry.installed_calculators": ["named_calculator"],
        "symmetry.result": ["SymmetrySettings"],
        "symmetry.result_object": ["SymmetryAudit"],
        "symmetry.turned_injection": ["TurnedRecovery", "turned_recovery"],
        "symmetry.unconstrained_calculator": ["UnconstrainedCalculator"],
        "training.angular_labels": ["AddedTerms", "AngularTerms", "learned"],
        "training.mace": ["MACETrainer"],
        "training.train": ["Trainer", "TrainingSettings", "builder_settings"],
        "whole_models.calibrate": ["calibrate_models"],
        "whole_models.cell": ["ModelCell", "ModelCellSettings", "TermRow"],
        "whole_models.graphs": ["GraphLayout"],
        "whole_models.measure": ["calibrate_model"],
        "whole_models.plan": ["ModelPlan"],
        "whole_models.result_object": ["ModelCalibration"],
        "whole_models.settings": ["ModelSettings"],
    },
)
