"""Where molecules point: perceived molecules and their axes, fields of one known l, signed coefficients, what they predict.

Enters: atoms, an ASE calculator. Leaves: coefficients by l, m, m', and the orientations that they predict.
"""

from typing import TYPE_CHECKING

from ..records.lazy import lazy_names

if TYPE_CHECKING:
    from .coefficients import EnergyCoefficients as EnergyCoefficients
    from .coefficients import energy_coefficients as energy_coefficients
    from .coefficients import shape_coefficients as shape_coefficients
    from .field_calculator import FieldCalculator as FieldCalculator
    from .fields import ExponentialField as ExponentialField
    from .fields import PlField as PlField
    from .fields import ToyField as ToyField
    from .fields import parse_field as parse_field
    from .molecules import Molecules as Molecules
    from .molecules import perceive_molecules as perceive_molecules
    from .prediction import Prediction as Prediction
    from .prediction import predict_orientations as predict_orientations

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "coefficients": ["EnergyCoefficients", "energy_coefficients", "shape_coefficients"],
        "field_calculator": ["FieldCalculator"],
        "fields": ["ExponentialField", "PlField", "ToyField", "parse_field"],
        "molecules": ["Molecules", "perceive_molecules"],
        "prediction": ["Prediction", "predict_orientations"],
    },
)
