"""Cells of whole models as theory has them, without any model: what a run makes of them is what is tested."""

from typing import Any

from spectral_ceilings.diagnostic.whole_models.cell import ModelCell, ModelCellSettings, TermRow
from spectral_ceilings.diagnostic.whole_models.exact import predicted


def invented_cell(settings: ModelCellSettings, **changes: Any) -> ModelCell:
    """Return a cell whose training and closed form reach the exact share, or 1 where there is none."""
    rows = []
    for term in settings.terms_as_objects:
        exact = predicted(term, settings.model, settings.layout)
        value = 1.0 if exact.share is None else float(exact.share)
        row: dict[str, Any] = {
            "term": term.name, "share": None if exact.share is None else str(exact.share), "reason": exact.reason,
            "closed_form": value, "closed_form_error": 0.001, "rank": 3, "trained": value, "trained_error": 0.001,
            "allowance": 0.002,
        }  # fmt: skip
        rows.append(TermRow(**{**row, **changes}))
    return ModelCell(settings, tuple(rows), 100, (0.1, 0.2), {"spectral-ceilings": "0", "torch": "0"})
