"""Arithmetic on columns, as written in `features.engineered`: numbers, column names, + - * / **, and a few functions.

An expression is parsed into a tree of allowed nodes and compiled into closures on numpy arrays; nothing of Python
itself can be reached from it. Whatever has no finite value (a division by zero, the log of a negative number, an
overflow) is missing, and is then imputed like any other missing value.
"""

import ast
from collections.abc import Callable, Mapping

import numpy as np

Columns = Mapping[str, np.ndarray]
Compiled = Callable[[Columns], np.ndarray | float]

MAX_LENGTH = 1000  # characters; deeper nesting than this allows would exhaust the parser's stack

FUNCTIONS: dict[str, tuple[int, Callable[..., np.ndarray]]] = {
    "log": (1, np.log),
    "log1p": (1, np.log1p),
    "sqrt": (1, np.sqrt),
    "abs": (1, np.abs),
    "exp": (1, np.exp),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
}
OPERATORS: dict[type[ast.operator], Callable[..., np.ndarray]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.true_divide,
    ast.Pow: np.float_power,
}
LANGUAGE = f"numbers, column names, + - * / ** and {', '.join(FUNCTIONS)}"


class Expression:
    """One compiled expression.

    Raises ValueError, in one sentence without its own context, when the text is not of the language.
    """

    columns: tuple[str, ...]
    """Names of the columns it reads, sorted."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise ValueError(f"is {len(text)} characters long, at most {MAX_LENGTH} are allowed")
        try:
            body = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ValueError("is not an arithmetic expression") from None
        names: set[str] = set()
        try:
            self._compiled = _compile(body, names)
        except RecursionError:
            raise ValueError("is nested too deeply") from None
        self.columns = tuple(sorted(names))

    def __call__(self, columns: Columns, rows: int) -> np.ndarray:
        """Values of `rows` rows as float64; NaN where there is no finite value. The caller silences numpy warnings."""
        values = np.empty(rows)
        values[:] = self._compiled(columns)
        values[~np.isfinite(values)] = np.nan
        return values


def _compile(node: ast.expr, names: set[str]) -> Compiled:
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            try:
                constant = float(number)
            except OverflowError:
                raise ValueError("holds a number beyond the range of a float") from None
            return lambda _: constant
        case ast.Name(id=name):
            names.add(name)
            return lambda columns: columns[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _compile(operand, names)
            return lambda columns: -inner(columns)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _compile(operand, names)
        case ast.BinOp(op=operator, left=left, right=right) if type(operator) in OPERATORS:
            return _binary(OPERATORS[type(operator)], _compile(left, names), _compile(right, names))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            count, function = FUNCTIONS[name]
            if len(arguments) != count:
                raise ValueError(f"gives {name}() {len(arguments)} arguments, it takes {count}")
            inner_arguments = [_compile(argument, names) for argument in arguments]
            if count == 1:
                only = inner_arguments[0]
                return lambda columns: function(only(columns))
            return _binary(function, *inner_arguments)
        case _:
            pass
    raise ValueError(f"uses {ast.unparse(node)!r}, only {LANGUAGE} are allowed")


def _binary(function: Callable[..., np.ndarray], left: Compiled, right: Compiled) -> Compiled:
    return lambda columns: function(left(columns), right(columns))
