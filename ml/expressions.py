"""Arithmetic on columns, as written in `features.engineered`: numbers, column names, + - * / **, and a few functions.

The tree of an expression (`contract.expressions`) is compiled into closures on numpy arrays; nothing of Python
itself can be reached from it. Whatever has no finite value (a division by zero, the log of a negative number, an
overflow) is missing, and is then imputed like any other missing value.
"""

import ast
from collections.abc import Callable, Mapping

import numpy as np
from pulumi_mlops.contract.expressions import parse

Columns = Mapping[str, np.ndarray]
Compiled = Callable[[Columns], np.ndarray | float]

FUNCTIONS: dict[str, Callable[..., np.ndarray]] = {
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "exp": np.exp,
    "min": np.minimum,
    "max": np.maximum,
}
"""The functions of `contract.expressions.FUNCTIONS`, which has their numbers of arguments."""
OPERATORS: dict[type[ast.operator], Callable[..., np.ndarray]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.true_divide,
    ast.Pow: np.float_power,
}


class Expression:
    """One compiled expression.

    Raises ValueError, with what the text must be, when it is not of the language.
    """

    columns: tuple[str, ...]
    """Names of the columns it reads, sorted."""

    def __init__(self, text: str) -> None:
        names: set[str] = set()
        self._compiled = _compile(parse(text), names)
        self.columns = tuple(sorted(names))

    def __call__(self, columns: Columns, rows: int) -> np.ndarray:
        """Values of `rows` rows as float64; NaN where there is no finite value. The caller silences numpy warnings."""
        values = np.empty(rows)
        values[:] = self._compiled(columns)
        values[~np.isfinite(values)] = np.nan
        return values


def _compile(node: ast.expr, names: set[str]) -> Compiled:
    """The function of a node; the tree is of the language."""
    match node:
        case ast.Constant(value=int() | float() as number):
            constant = float(number)
            return lambda _: constant
        case ast.Name(id=name):
            names.add(name)
            return lambda columns: columns[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _compile(operand, names)
            return lambda columns: -inner(columns)
        case ast.UnaryOp(operand=operand):
            return _compile(operand, names)
        case ast.BinOp(op=operator, left=left, right=right):
            return _binary(OPERATORS[type(operator)], _compile(left, names), _compile(right, names))
        case ast.Call(func=ast.Name(id=name), args=[only]):
            function, argument = FUNCTIONS[name], _compile(only, names)
            return lambda columns: function(argument(columns))
        case ast.Call(func=ast.Name(id=name), args=[left, right]):
            return _binary(FUNCTIONS[name], _compile(left, names), _compile(right, names))
        case _:
            raise AssertionError(f"{ast.unparse(node)!r} is not of the language")  # `parse` refuses it


def _binary(function: Callable[..., np.ndarray], left: Compiled, right: Compiled) -> Compiled:
    return lambda columns: function(left(columns), right(columns))
