"""What computes the networks: of onnxruntime's providers the one that was asked for, or none."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path

import onnxruntime

from realtime.errors import UserError, one_line

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
"""Names for `--provider`, and what onnxruntime calls them."""
SHORT = {full: name for name, full in PROVIDERS.items()}
"""The other way round."""

_PRECISE = {PROVIDERS["cuda"]: {"use_tf32": "0"}}
"""Else ten bits of each number count, and tiles differ from those of the CPU."""
_NVIDIA = (PROVIDERS["cuda"], PROVIDERS["tensorrt"])
_WARNING, _FATAL = 2, 4  # onnxruntime's severities: from where on it writes to stderr


def providers_of(asked: Sequence[str] | None) -> list[str]:
    """Say in onnxruntime's words what is to compute.

    Args:
        asked: onnxruntime's names or short ones (`cpu`, `cuda`, ...), best first; None: the CPU.

    Raises:
        UserError: one is not in this onnxruntime.
    """
    wanted = [PROVIDERS.get(name.lower(), name) for name in asked or ("cpu",)]
    built_in = onnxruntime.get_available_providers()
    for name in wanted:
        if name not in built_in:
            names = ", ".join(SHORT[known] for known in built_in if known in SHORT)
            raise UserError(
                f"provider {SHORT.get(name, name)!r} is not installed; there are: {names}"
            )
    cuda = PROVIDERS["cuda"]
    if wanted[0] == PROVIDERS["tensorrt"] and cuda in built_in and cuda not in wanted:
        # What TensorRT leaves out is computed on the same card then, not on the CPU.
        wanted.insert(1, cuda)
    return wanted


def open_session(
    path: Path,
    model: Path | bytes,
    providers: Sequence[str],
    threads: int,
    settings: Mapping[str, str] | None = None,
) -> onnxruntime.InferenceSession:
    """Have onnxruntime load a network, on the provider that was asked for or not at all.

    Args:
        path: for messages.
        model: the file, or what would be in it.
        providers: onnxruntime's names, best first.
        threads: how many may compute; 0 leaves it to onnxruntime.
        settings: of the first provider.

    Raises:
        UserError: it cannot be loaded, or the first provider does not start.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that spin while they wait take the CPU from the capture and the encoder.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # What goes wrong is raised, and told once.
    options.log_severity_level = _FATAL
    details = [dict(_PRECISE.get(name, {})) for name in providers]
    details[0].update(settings or {})
    with nullcontext(io.StringIO()) if providers[0] == PROVIDERS["cpu"] else _listening() as told:
        if providers[0] in _NVIDIA and hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls()  # CUDA, from where pip has put it
        try:
            session = onnxruntime.InferenceSession(
                model, sess_options=options, providers=list(providers), provider_options=details
            )
        except Exception as error:  # onnxruntime raises a dozen classes of its own, with no base
            raise UserError(f"{path}: onnxruntime cannot load it ({one_line(error)})") from error
    if session.get_providers()[0] != providers[0]:
        why = _why(told.getvalue(), providers[0])
        raise UserError(f"provider {providers[0]} failed to start{why}; use --provider cpu")
    session.disable_fallback()
    return session


@contextmanager
def _listening() -> Iterator[io.StringIO]:
    """Take down what onnxruntime says of a device, else in many lines, in colours and on stdout."""
    onnxruntime.set_default_logger_severity(_FATAL)
    try:
        with redirect_stdout(io.StringIO()) as told:
            yield told
    finally:
        onnxruntime.set_default_logger_severity(_WARNING)


def _why(told: str, provider: str) -> str:
    """The part of it that helps, in brackets."""
    missing = re.search(r"Failed to load .*", told) or re.search(r"Please install [^.,\n]*", told)
    if missing:
        return f" ({one_line(missing[0])})"
    return " (is there an NVIDIA card, and its driver?)" if provider in _NVIDIA else ""
