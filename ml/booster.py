"""A trained booster, for predicting only, by XGBoost's C interface and without its Python package.

Importing the package brings in scipy, and pandas and scikit-learn where they are installed: most of a server's start
and half of its memory. Its `inplace_predict` takes three times as long for one row. The functions used here are the
documented, stable part of the C interface, and tests hold both to the same bits.
"""

import ctypes
import functools
import importlib.util
import json
import math
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np

_PREDICT = json.dumps(
    {
        "type": 0,  # values, as `Booster.predict` gives them
        "training": False,
        "iteration_begin": 0,
        "iteration_end": 0,  # all rounds
        "missing": math.nan,
        "strict_shape": False,
        "cache_id": 0,
    }
).encode()


_SMALLEST_MODEL = 2
_SOURCE_PLACE = re.compile(r"^(\[[^]]*\] )?(\S+:\d+: )?(Check failed: )?")


class BoosterError(Exception):
    """The library refused a model or a matrix; the message is the library's own."""


class Booster:
    """A loaded model. `inplace_predict` may be called from several threads."""

    def __init__(self, model: bytes) -> None:
        """Loads a model in XGBoost's UBJSON or JSON format; raises BoosterError."""
        if len(model) < _SMALLEST_MODEL:
            raise BoosterError("the model is empty")  # the library would end the process
        self._library = _library()
        self._handle = ctypes.c_void_p()
        self._check(self._library.XGBoosterCreate(None, 0, ctypes.byref(self._handle)))
        self._check(self._library.XGBoosterLoadModelFromBuffer(self._handle, model, len(model)))
        # One row is not worth waking a second thread, and servers scale by process.
        self._check(self._library.XGBoosterSetParam(self._handle, b"nthread", b"1"))
        count = ctypes.c_uint64()
        self._check(self._library.XGBoosterGetNumFeature(self._handle, ctypes.byref(count)))
        self._features = count.value
        self._thread = threading.local()

    def inplace_predict(self, data: np.ndarray, missing: float = math.nan) -> np.ndarray:
        """Predicts a float32 matrix; one value a row, or one a class and row. NaN is the only way to miss a value."""
        if not math.isnan(missing):
            raise ValueError(f"missing must be NaN, got {missing}")
        if data.ndim != 2 or data.shape[1] != self._features:
            raise ValueError(f"the matrix must have {self._features} columns, its shape is {data.shape}")
        data = np.ascontiguousarray(data, dtype=np.float32)
        address = data.__array_interface__["data"][0]
        matrix = b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f4","version":3}' % (address, *data.shape)
        shape = ctypes.POINTER(ctypes.c_uint64)()
        dimensions = ctypes.c_uint64()
        values = ctypes.POINTER(ctypes.c_float)()
        self._check(
            self._library.XGBoosterPredictFromDense(
                self._handle,
                matrix,
                _PREDICT,
                self._proxy(),
                ctypes.byref(shape),
                ctypes.byref(dimensions),
                ctypes.byref(values),
            )
        )
        sizes = shape[: dimensions.value]
        # The library owns the values until this thread's next call, so they are copied.
        return np.frombuffer(bytearray(ctypes.string_at(values, 4 * math.prod(sizes))), np.float32).reshape(sizes)

    def _proxy(self) -> Any:
        """What the library notes about the matrix of a call, one for each thread.

        Without one it makes one for every call, which reads the container's processor limits from /sys each time: half
        of the time that one row takes.
        """
        proxy = getattr(self._thread, "proxy", None)
        if proxy is None:
            proxy = self._thread.proxy = _Proxy(self._library)
            self._check(self._library.XGProxyDMatrixCreate(ctypes.byref(proxy.handle)))
        return proxy.handle

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.XGBoosterFree(self._handle)

    def _check(self, status: int) -> None:
        if status:
            lines = self._library.XGBGetLastError().decode(errors="replace").strip().splitlines()
            raise BoosterError(_SOURCE_PLACE.sub("", lines[0]) if lines else "unknown error of XGBoost's library")


class _Proxy:
    """A handle that is given back to the library with the thread or the booster that it belongs to."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self.handle = ctypes.c_void_p()

    def __del__(self) -> None:
        if self.handle:
            self._library.XGDMatrixFree(self.handle)


@functools.cache
def _library() -> Any:
    """The shared library that the installed package carries."""
    package = importlib.util.find_spec("xgboost")  # finds the package without importing it
    if package is None or not package.submodule_search_locations:
        raise BoosterError("the package xgboost-cpu is not installed")
    directory = Path(package.submodule_search_locations[0]) / "lib"
    library = ctypes.CDLL(str(next(directory.glob("libxgboost.*"))))
    handle, text, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint64
    out = ctypes.c_void_p  # any pointer to where a result goes
    library.XGBGetLastError.restype = text
    library.XGBGetLastError.argtypes = []
    library.XGBSetGlobalConfig.argtypes = [text]
    library.XGBoosterCreate.argtypes = [handle, size, out]
    library.XGBoosterFree.argtypes = [handle]
    library.XGBoosterLoadModelFromBuffer.argtypes = [handle, text, size]
    library.XGBoosterSetParam.argtypes = [handle, text, text]
    library.XGBoosterGetNumFeature.argtypes = [handle, out]
    library.XGProxyDMatrixCreate.argtypes = [out]
    library.XGDMatrixFree.argtypes = [handle]
    library.XGBoosterPredictFromDense.argtypes = [handle, text, text, handle, out, out, out]
    library.XGBSetGlobalConfig(b'{"verbosity": 0}')  # failures come as return codes; its prints are no log lines
    return library
