"""The 100 upstream rMD17 files: their names, SHA-256 sums, download and cache.

A. S. Christensen and O. A. von Lilienfeld, "On the role of gradients for machine learning of molecular
energies and forces", Mach. Learn.: Sci. Technol. 1, 045018 (2020). Every file holds 1,000 frames at
PBE/def2-SVP in kcal/mol.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pooch

from ...theory.errors import InputError
from ..records.assets import assets
from ..records.files import sha256_of

#: Where the author publishes the files.
BASE_URL = "https://raw.githubusercontent.com/andersx/rmd17-npz/master/rmd17-npz/"
#: How names of the registry begin.
PREFIX = "rmd17:"


@functools.cache
def registry() -> dict[str, str]:
    """Return the SHA-256 of every file by its name, e.g. ``rmd17:aspirin:train:01``."""
    text = (assets() / "rmd17.json").read_text(encoding="utf-8")
    sums: dict[str, str] = json.loads(text)["sha256"]
    return {file.removesuffix(".npz").replace("_", ":"): digest for file, digest in sums.items()}


def file_name(name: str) -> str:
    """Return the upstream file name of a registry name.

    Raises
    ------
    InputError
        If the registry has no such name.
    """
    if name not in registry():
        molecules = sorted({known.split(":")[1] for known in registry()})
        raise InputError(
            f"{name!r} is not in the registry: expected rmd17:MOLECULE:SPLIT:NUMBER with SPLIT train or "
            "test, NUMBER "
            f"01 to 05 and MOLECULE one of {', '.join(molecules)}."
        )
    return name.replace(":", "_") + ".npz"


def default_cache() -> Path:
    """Return the folder in which downloaded files are kept."""
    return Path(pooch.os_cache("spectral-ceilings")) / "rmd17"


def fetch(
    name: str,
    *,
    cache: Path | None = None,
    base_url: str = BASE_URL,
    timeout_s: float = 30.0,
    progress: bool = False,
) -> Path:
    """Return a registry file from the cache, downloading it first if it is not there.

    Parameters
    ----------
    name : str
        For example ``rmd17:aspirin:train:01``.
    cache : Path, optional
        Folder to keep files in; by default the system's cache folder.
    base_url : str
        Where to download from: the author's repository or a mirror of it.
    timeout_s : float
        Give up when the server is silent for so long.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Path
        A file whose SHA-256 is the registry's.

    Raises
    ------
    InputError
        If the name is unknown, the server cannot be reached or does not have the file, or the download has
        another SHA-256; no file is left in the cache then.
    """
    file = file_name(name)
    expected = registry()[name]
    folder = default_cache() if cache is None else cache
    path = folder / file
    if path.exists():
        if sha256_of(path) == expected:
            return path
        path.unlink()
    url = base_url.rstrip("/") + "/" + file
    import requests

    quiet = pooch.get_logger()
    level = quiet.level
    quiet.setLevel("WARNING")
    try:
        downloader = pooch.HTTPDownloader(progressbar=progress, timeout=timeout_s)
        got = pooch.retrieve(url, f"sha256:{expected}", fname=file, path=folder, downloader=downloader)
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else "unknown"
        raise InputError(
            f"{url} answered with status {status}: expected the file, so check the address."
        ) from error
    except requests.RequestException as error:
        raise InputError(
            f"{url} cannot be reached ({type(error).__name__}): check the network, or download {file} by "
            "hand and give its path."
        ) from error
    except OSError as error:
        raise InputError(
            f"{file} cannot be stored in the cache folder ({error.strerror}): choose another."
        ) from error
    except ValueError as error:
        raise InputError(
            f"the download of {file} does not have the SHA-256 {expected[:12]}… of the registry: it was "
            "damaged or changed and has been deleted, so try again or download from the author's repository."
        ) from error
    finally:
        quiet.setLevel(level)
    return Path(got)
