"""Errors that are of the machine, known by their names and words, so that nothing heavy is imported to tell them."""

from __future__ import annotations

#: What torch and its libraries say when memory runs out, beside torch.OutOfMemoryError; in small letters.
_FULL = (
    "out of memory", "can't allocate memory", "not enough memory", "_status_alloc_failed",
    # The libraries could not even set up what they work in.
    "cublascreate(handle)", "cusolverdncreate(handle)",
)  # fmt: skip
#: What torch says of a card that failed or is gone; in small letters.
_LOST = (
    "cuda error",
    "device-side assert",
    "cuda driver error",
    "nccl error",
    "cusolver error",
    "cudnn error",
)


def _says(error: BaseException, name: str, words: tuple[str, ...]) -> bool:
    if any(kind.__name__ == name for kind in type(error).__mro__):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(each in said for each in words)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of a device ran out."""
    return _says(error, "OutOfMemoryError", _FULL)


def device_lost(error: BaseException) -> bool:
    """Whether an error says that a device failed or is gone: nothing that runs on it afterwards gives an answer."""
    return not out_of_memory(error) and _says(error, "AcceleratorError", _LOST)


def of_the_machine(error: BaseException) -> bool:
    """Whether an error is of memory or of a device, and so of nobody's code or data."""
    return isinstance(error, MemoryError) or out_of_memory(error) or device_lost(error)
