"""Weights as safetensors, in float32, with what the record beside them says of them; reading them can run no code."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from ...theory.errors import InputError
from ..records.files import sha256_of, write_whole


def write_weights(path: Path, model: torch.nn.Module) -> dict[str, Any]:
    """Write the parameters of a model, atomically.

    Returns
    -------
    What belongs into the record beside the file: ``units``, the number of ``parameters`` and ``weights_sha256``.
    """
    weights = {name: p.detach().to(torch.float32).contiguous() for name, p in model.named_parameters()}
    content = save(weights)
    write_whole(path, content)
    return {
        "units": {"length": "Å", "energy": "eV", "force": "eV/Å"},
        "parameters": sum(w.numel() for w in weights.values()),
        "weights_sha256": hashlib.sha256(content).hexdigest(),
    }


def read_weights(path: Path, sha256: str) -> dict[str, torch.Tensor]:
    """Return weights by name.

    Parameters
    ----------
    sha256
        What the record says of the file's bytes.

    Raises
    ------
    InputError
        The file has another hash, or is not a safetensors file.
    """
    digest = sha256_of(path)
    if digest != sha256:
        raise InputError(
            f"{path.name} has SHA-256 {digest[:12]}..., its record says {str(sha256)[:12]}...; "
            "the file is damaged or was replaced: restore it or train again"
        )
    try:
        return load_file(path)
    except SafetensorError as error:
        raise InputError(
            f"{path.name} is not a readable safetensors file ({error}); restore it or train again"
        ) from error
